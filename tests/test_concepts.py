"""Every diagnostic has a page; every page its sections, its picture and a line in the index."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest
from PIL import Image

from sightline import diagnostics

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "concepts"
INDEX = FOLDER / "README.md"
PAGES = sorted(page for page in FOLDER.glob("*.md") if page != INDEX)
SECTIONS = ("## How to read it", "## A healthy and a sick run", "## When it misleads")
MOST_BYTES = 80_000
SIDES_PX = range(250, 1001)

CODE = re.compile(r"^```python\n(.*?)^```|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(r"!\[([^\]]+)\]\(([^)]+)\)\n\n(.+?)\n\n", re.DOTALL)

# Named tuples that a function returns, which is described with the function.
RESULTS = {name for name in diagnostics.__all__ if inspect.isclass(getattr(diagnostics, name))}


def words_in_code(page: Path) -> set[str]:
    code = (block or span for block, span in CODE.findall(page.read_text("utf-8")))
    return set(re.findall(r"\w+", " ".join(code)))


def test_every_diagnostic_is_explained_on_some_page() -> None:
    explained = set().union(*(words_in_code(page) for page in PAGES))
    assert set(diagnostics.__all__) - RESULTS - explained == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_what_how_and_when_not(page: Path) -> None:
    text = page.read_text("utf-8")
    heading, what_it_says, *_ = text.split("\n\n")
    assert heading.startswith("# ")
    assert len(what_it_says) > 60
    assert not what_it_says.startswith("#")
    missing = [section for section in SECTIONS if f"\n{section}\n\n" not in text]
    assert missing == []
    assert "\n```python\n" in text  # that it runs is for tests/test_documents.py to see


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_its_picture_with_words_for_it(page: Path) -> None:
    ((words, name, caption),) = PICTURE.findall(page.read_text("utf-8"))
    assert name == f"{page.stem}.png"
    assert len(words) > 30
    assert re.search(r"\d", caption)  # a caption reads numbers off
    path = FOLDER / name
    assert path.stat().st_size < MOST_BYTES
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        assert all(side in SIDES_PX for side in picture.size)
        assert len(picture.convert("RGB").getcolors(picture.width * picture.height) or ()) > 4


def test_no_picture_is_left_over() -> None:
    assert {path.stem for path in FOLDER.glob("*.png")} == {page.stem for page in PAGES}


def test_the_index_leads_to_every_page_once() -> None:
    targets = re.findall(r"\]\(([\w-]+\.md)\)", INDEX.read_text("utf-8"))
    assert sorted(targets) == [page.name for page in PAGES]


def test_every_page_is_drawn_by_the_script() -> None:
    tree = ast.parse((ROOT / "docs" / "pictures" / "pages.py").read_text("utf-8"))
    (table,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and node.target.id == "PAGES"
    )
    assert isinstance(table, ast.Dict)
    names = {key.value for key in table.keys if isinstance(key, ast.Constant)}
    assert names == {page.stem for page in PAGES}
