"""The public names and their signatures change on purpose only.

`SIGHTLINE_UPDATE_GOLDEN=1 pytest tests/test_public_api.py` writes the snapshot anew; the difference
then stands in the commit, for everybody to see.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import os
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import sightline

GOLDEN = Path(__file__).parent / "golden" / "public_api.txt"
UPDATE = "SIGHTLINE_UPDATE_GOLDEN"


# The face and every public room; modules inside a room are private to it.
ROOMS = ["sightline"] + [
    f"sightline.{info.name}"
    for info in pkgutil.iter_modules(sightline.__path__)
    if not info.name.startswith("_")
]


def describe(module: ModuleType | SimpleNamespace) -> list[str]:
    lines = [module.__name__]
    for name in public_names(module):
        value = getattr(module, name)
        if inspect.isclass(value):
            lines.append(f"  class {name}{signature(value)}")
            lines += [f"    {line}" for line in members(value)]
        elif callable(value):
            lines.append(f"  {name}{signature(value)}")
        else:
            lines.append(f"  {name}: {type(value).__name__}")
    return lines


def public_names(module: ModuleType | SimpleNamespace) -> list[str]:
    """What a package lists, or what a module that is a room by itself defines."""
    if hasattr(module, "__all__") or hasattr(module, "__path__"):
        return sorted(module.__all__)
    own = (name for name, value in vars(module).items()
           if getattr(value, "__module__", None) == module.__name__)  # fmt: skip
    return sorted(name for name in own if not name.startswith("_"))


def members(cls: type) -> Iterator[str]:
    """Public methods and properties that the class, or a base class of ours, defines."""
    ours = [base for base in cls.__mro__ if base.__module__.startswith("sightline")]
    for name in sorted({name for base in ours for name in vars(base) if name[0] != "_"}):
        value = inspect.getattr_static(cls, name)
        if isinstance(value, classmethod | staticmethod):
            value = value.__func__
        if inspect.isfunction(value):
            yield f"{name}{signature(value)}"
        elif isinstance(value, property):
            yield f"{name}: property"


def signature(value: object) -> str:
    try:
        text = str(inspect.signature(value))  # type: ignore[arg-type]
    except ValueError:
        return "(...)"
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def difference(golden: str, current: str) -> str:
    return "\n".join(
        difflib.unified_diff(
            golden.splitlines(), current.splitlines(), "golden", "now", lineterm=""
        )
    )


def test_the_public_names_and_signatures_are_those_of_the_snapshot() -> None:
    current = "\n\n".join("\n".join(describe(importlib.import_module(name))) for name in ROOMS)
    if os.environ.get(UPDATE) == "1":
        GOLDEN.write_text(current + "\n", encoding="utf-8")
    golden = GOLDEN.read_text(encoding="utf-8") if GOLDEN.exists() else ""
    assert difference(golden, current) == "", f"if this is meant, run again with {UPDATE}=1"


@pytest.mark.parametrize("name", ROOMS)
def test_every_room_lists_its_public_names_and_has_them(name: str) -> None:
    room = importlib.import_module(name)
    names = public_names(room)
    assert names
    assert sorted(set(names)) == names
    assert [name for name in names if not hasattr(room, name)] == []


class Lamp:
    def light(self, watts: int = 40) -> None: ...

    @property
    def lit(self) -> bool:
        return False


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("added", 1),
        ("shine", lambda watts=60: None),
        ("Lamp", type("Lamp", (), {"__module__": "sightline.lamps", "light": lambda self: None})),
    ],
)
def test_an_added_name_and_a_changed_signature_would_be_seen(name: str, value: object) -> None:
    Lamp.__module__ = "sightline.lamps"
    names: dict[str, object] = {"shine": lambda watts=40: None, "Lamp": Lamp}
    before = SimpleNamespace(__name__="sightline.lamps", __all__=list(names), **names)
    names[name] = value
    after = SimpleNamespace(__name__="sightline.lamps", __all__=list(names), **names)
    assert difference("\n".join(describe(before)), "\n".join(describe(after))) != ""
    assert describe(before) == [
        "sightline.lamps",
        "  class Lamp()",
        "    light(self, watts: 'int' = 40) -> 'None'",
        "    lit: property",
        "  shine(watts=40)",
    ]
