"""What `make setup` installs is pinned, all of it, and is what is installed here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
# A CUDA build of torch brings these, which its wheel pins by itself.
ACCELERATOR = re.compile(r"nvidia-(?!ml-py)|cuda-|triton$")


def pins() -> dict[str, Version]:
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, version in pairs}


def needed_by(package: str, extras: Iterable[str] = ()) -> dict[str, Distribution]:
    """The installed packages that a package needs, and those that they need, by name."""
    found: dict[str, Distribution] = {}
    wanted = [(package, frozenset(extras))]
    seen = set(wanted)
    while wanted:
        name, chosen = wanted.pop()
        found[name] = distribution(name)
        for line in found[name].requires or []:
            requirement = Requirement(line)
            marker = requirement.marker
            if marker and not any(marker.evaluate({"extra": extra}) for extra in {"", *chosen}):
                continue
            need = (canonicalize_name(requirement.name), frozenset(requirement.extras))
            if need not in seen:
                seen.add(need)
                wanted.append(need)
    return {name: found[name] for name in found if not ACCELERATOR.match(name)}


def test_all_that_setup_installs_is_there_at_its_pinned_version() -> None:
    needed = needed_by("sightline", {"dev"}) | needed_by("hatchling")
    del needed["sightline"]
    installed = {name: Version(found.version).public for name, found in needed.items()}
    pinned = {name: str(version) for name, version in pins().items() if name in installed}
    assert installed == pinned


def test_nothing_for_cuda_is_pinned_and_torch_fits_any_build() -> None:
    assert [name for name in pins() if ACCELERATOR.match(name)] == []
    assert pins()["torch"].local is None


def test_the_packages_that_a_package_needs_are_followed_to_the_end() -> None:
    needed = needed_by("sightline", {"dev"})
    assert "playwright" in needed  # an extra of ours
    assert "greenlet" in needed  # what it needs
    assert "tensorboard" in needed  # an extra that names an extra
    assert "greenlet" not in needed_by("sightline")
