"""What the documents say can be run can be run."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Lightning 2.6 asks torch 2.13 for what it deprecates, and advises more workers for the loader.
OTHERS_WARNINGS = (
    "ignore:`isinstance(treespec, LeafSpec)`:FutureWarning",
    "ignore:The 'train_dataloader' does not have many workers",
)
BLOCKS = [(page, code) for page in PAGES for code in BLOCK.findall(page.read_text("utf-8"))]


@pytest.mark.parametrize(("page", "code"), BLOCKS, ids=[page.name for page, _ in BLOCKS])
def test_a_code_block_runs(page: Path, code: str, tmp_path: Path) -> None:
    script = tmp_path / "block.py"
    script.write_text(code)
    result = subprocess.run(
        [sys.executable, "-Werror", *(f"-W{one}" for one in OTHERS_WARNINGS), script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def test_the_readme_has_code_blocks() -> None:
    assert ROOT / "README.md" in {page for page, _ in BLOCKS}


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.name)
def test_an_example_runs(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script), run_name="__main__")
    assert list(tmp_path.rglob("events.out.tfevents.*"))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8"))
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert missing == []


def test_examples_are_short() -> None:
    lengths = {path.name: len(path.read_text().splitlines()) for path in ROOT.glob("examples/*.py")}
    assert {name for name, length in lengths.items() if length > 80} == set()


def test_commands_of_the_readme_exist() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake (\w+)", text)) <= targets
    from typer.testing import CliRunner

    from sightline.cli.app import app

    for command in re.findall(r"^sightline (\w+(?: hjepa| show| schema)?)", text, re.MULTILINE):
        result = CliRunner().invoke(app, [*command.split(), "--help"])
        assert result.exit_code == 0, command
    assert Path(ROOT / "configs" / "hjepa" / "digits.yaml").exists()
