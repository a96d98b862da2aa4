import re
import subprocess
import sys
from pathlib import Path

from sightline.catalogue import page, rows

TAGS_MD = Path(__file__).parents[2] / "docs" / "tags.md"


def test_the_committed_page_is_the_one_that_the_rows_make():
    assert TAGS_MD.read_text(encoding="utf-8") == page(), (
        "run: python -m sightline.catalogue > docs/tags.md"
    )


def test_the_page_has_a_heading_and_a_table_line_for_every_tag():
    text = page()
    for row in rows():
        assert text.count(f"#### `{row.tag}`\n") == 1
        assert text.count(f"| `{row.tag}` |") == 1


def test_no_text_breaks_the_table():
    lines = [line for line in page().splitlines() if line.startswith("|")]
    assert {line.count("|") for line in lines} == {5}


def test_the_module_prints_the_page():
    command = [sys.executable, "-m", "sightline.catalogue"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert printed == page()


def test_the_contents_lead_to_a_heading_each():
    text = page()
    headings = [line[4:] for line in text.splitlines() if line.startswith("### ")]
    links = dict(re.findall(r"\[([^\]]+)\]\(#([^)]+)\)", text))
    assert list(links) == headings
    assert [heading.lower().replace(" ", "-") for heading in headings] == list(links.values())
