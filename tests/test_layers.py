"""The house stands: a room imports from the floors below it and from nowhere else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "sightline"

FLOORS = {
    "_amounts": 0,
    "_optional": 0,
    "events": 1,
    "reading": 2,
    "writers": 2,
    "logger": 3,
    "diagnostics": 3,
    "figures": 4,
    "catalogue": 4,
    "health": 5,
    "callbacks": 6,
    "training": 7,
    "hjepa": 8,
    "hnerv": 8,
    "generative": 8,
    "board": 9,
    "cli": 10,
    "testing": 11,
    "__main__": 11,
    "": 12,  # the face, sightline/__init__.py: above all rooms, and no room may look up to it
}
NAMELESS = {"utils", "util", "helpers", "common", "core", "misc"}
MAX_LINES = 500


class Arrow(NamedTuple):
    """One import of one part of the package by another."""

    where: str
    room: str
    imported: str

    @property
    def fault(self) -> str | None:
        for room in (self.room, self.imported):
            if room not in FLOORS:
                return f"{self.where}: the room {room!r} has no floor"
        if self.room == self.imported or FLOORS[self.room] > FLOORS[self.imported]:
            return None
        rise = FLOORS[self.imported] - FLOORS[self.room]
        way = "sideways" if rise == 0 else "up"
        return f"{self.where}: {self.room or 'sightline'} imports {way} from {self.imported!r}"


def arrows(source: Path) -> Iterator[Arrow]:
    """Every import inside the package: at the top, in functions, under TYPE_CHECKING, by name."""
    rooms = {path.stem for path in source.iterdir() if path.is_dir() or path.suffix == ".py"}
    for path in sorted(source.rglob("*.py")):
        package = ["sightline", *path.relative_to(source).parent.parts]
        room = "" if path == source / "__init__.py" else path.relative_to(source).parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in imported_names(node, package):
                head, *rest = name.split(".")
                if head == "sightline":
                    # `from sightline import read` takes a name of the face, not a room.
                    imported = rest[0] if rest and rest[0] in rooms | FLOORS.keys() else ""
                    where = f"{path.relative_to(source)}:{getattr(node, 'lineno', 0)}"
                    yield Arrow(where, room.removesuffix(".py"), imported)


def imported_names(node: ast.AST, package: list[str]) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=module, names=names, level=level):
            base = package[: len(package) - level + 1] if level else []
            base = [*base, module] if module else base
            return [".".join([*base, alias.name]) for alias in names]
        case ast.Call(
            func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__"),
            args=[ast.Constant(value=str(name)), *_],
        ):
            return [name]
    return []


def faults(source: Path) -> list[str]:
    found = [arrow.fault for arrow in arrows(source) if arrow.fault]
    for path in sorted(source.rglob("*.py")):
        name = path.relative_to(source)
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MAX_LINES:
            found.append(f"{name}: {lines} lines, and {MAX_LINES} are the ceiling")
        found += [f"{name}: {part!r} says nothing" for part in name.with_suffix("").parts
                  if part in NAMELESS]  # fmt: skip
    return found


def test_imports_run_downward_only_and_modules_are_short_and_named() -> None:
    assert faults(SOURCE) == []


def test_the_walk_sees_the_imports_of_the_package() -> None:
    assert len(list(arrows(SOURCE))) > 10


def plant(source: Path, files: dict[str, str]) -> Path:
    for name, text in {"__init__.py": "", **files}.items():
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return source


@pytest.mark.parametrize(
    "statement",
    [
        "import sightline.health",
        "import sightline.health.rules as rules",
        "from sightline.health import Rule",
        "from sightline import health",
        "from ..health import Rule",
        "from .. import health",
        "def late():\n    from sightline.health import Rule",
        "import typing\nif typing.TYPE_CHECKING:\n    from sightline.health import Rule",
        "import importlib\nimportlib.import_module('sightline.health')",
    ],
)
def test_an_arrow_that_runs_up_is_found_however_it_is_written(
    tmp_path: Path, statement: str
) -> None:
    source = plant(tmp_path, {"writers/jsonl.py": statement, "health/__init__.py": ""})
    [fault] = faults(source)
    assert fault.startswith("writers/jsonl.py:")
    assert fault.endswith("writers imports up from 'health'")


def test_an_arrow_between_rooms_of_one_floor_is_found(tmp_path: Path) -> None:
    source = plant(tmp_path, {"logger.py": "from sightline.diagnostics import effective_rank"})
    assert faults(source) == ["logger.py:1: logger imports sideways from 'diagnostics'"]


def test_a_room_that_looks_up_to_the_face_is_found(tmp_path: Path) -> None:
    source = plant(tmp_path, {"health/live.py": "from sightline import MetricsLogger"})
    assert faults(source) == ["health/live.py:1: health imports up from ''"]


def test_a_room_without_a_floor_is_found(tmp_path: Path) -> None:
    source = plant(tmp_path, {"attic/box.py": "from sightline.events import read"})
    assert faults(source) == ["attic/box.py:1: the room 'attic' has no floor"]


def test_imports_downward_and_within_a_room_are_fine(tmp_path: Path) -> None:
    source = plant(
        tmp_path,
        {
            "__init__.py": "from sightline.logger import MetricsLogger",
            "writers/jsonl.py": "from sightline.events import read\nfrom .values import Scalar",
            "writers/values.py": "import numpy",
            "logger.py": "from sightline.writers.values import Scalar",
        },
    )
    assert faults(source) == []


def test_a_module_past_the_ceiling_is_found(tmp_path: Path) -> None:
    source = plant(tmp_path, {"events/wire.py": "x = 1\n" * (MAX_LINES + 1)})
    assert faults(source) == ["events/wire.py: 501 lines, and 500 are the ceiling"]


@pytest.mark.parametrize("name", ["events/utils.py", "hjepa/common/sizes.py"])
def test_a_module_whose_name_says_nothing_is_found(tmp_path: Path, name: str) -> None:
    [fault] = faults(plant(tmp_path, {name: ""}))
    assert fault.startswith(name)
