"""`import sightline` costs NumPy and little more; an extra is loaded when it is used."""

from __future__ import annotations

import json
import subprocess
import sys

# Small compiled parts and what they stand on; everything else waits until it is used.
LIGHT = {"sightline", "numpy", "google", "google_crc32c"}
MAX_FOREIGN_MODULES = 40


def loaded_by(statement: str) -> set[str]:
    """Modules that a fresh interpreter holds after a statement."""
    report = f"{statement}; import json, sys; print(json.dumps(sorted(sys.modules)))"
    answer = subprocess.run(
        [sys.executable, "-c", report], check=True, capture_output=True, text=True
    )
    return set(json.loads(answer.stdout))


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules} - sys.stdlib_module_names - {"__main__"}


def heavy_packages(statement: str) -> set[str]:
    """Third-party packages that a statement loads, beyond NumPy's and the light ones."""
    return packages(loaded_by(statement) - loaded_by("import numpy")) - LIGHT


def test_importing_the_package_loads_numpy_and_nothing_heavier() -> None:
    assert heavy_packages("import sightline") == set()


def foreign_modules(statement: str) -> list[str]:
    """Modules that a statement loads beyond NumPy's; how finely ours are cut is no weight."""
    added = loaded_by(statement) - loaded_by("import numpy")
    return sorted(name for name in added if name.partition(".")[0] != "sightline")


def test_importing_the_package_adds_few_foreign_modules_to_those_of_numpy() -> None:
    foreign = foreign_modules("import sightline")
    assert len(foreign) <= MAX_FOREIGN_MODULES, foreign


def test_a_heavy_import_would_be_seen() -> None:
    assert "matplotlib" in heavy_packages("import sightline, matplotlib")


def test_a_fat_standard_library_import_would_be_seen() -> None:
    assert len(foreign_modules("import sightline, asyncio")) > MAX_FOREIGN_MODULES
