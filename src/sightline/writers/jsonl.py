"""A line of JSON for each call: for other programs to read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sightline.events import to_local_path
from sightline.writers.plain import plain
from sightline.writers.values import Histogram, Scalar, Table, Text, Value

SECTIONS: dict[type, str] = {
    Scalar: "scalars",
    Histogram: "histograms",
    Text: "texts",
    Table: "tables",
}


class Jsonl:
    """Appends lines such as `{"step": 3, "wall_time": 1.5, "scalars": {"loss": 0.25}}` to a file.

    Numbers that JSON lacks are the strings "NaN", "Infinity" and "-Infinity", which `float` reads.
    A line that a killed session left torn is ended first, and spoils no other.

    Args:
        path: The file; it and its directory are created.
    """

    supports: frozenset[type] = frozenset(SECTIONS)

    def __init__(self, path: str | Path) -> None:
        path = to_local_path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Without a buffer, of which a forked process would hold a copy and write it again.
        self._file = path.open("ab+", buffering=0)
        if self._file.tell():
            self._file.seek(-1, 2)
            if self._file.read(1) != b"\n":
                self._file.write(b"\n")

    def write(self, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
        """Append one line."""
        line: dict[str, Any] = {"step": step, "wall_time": wall_time}
        for tag, value in values.items():
            line.setdefault(SECTIONS[type(value)], {})[tag] = plain(value)
        self._file.write(json.dumps(line, allow_nan=False).encode() + b"\n")

    def flush(self) -> None:
        """Hand everything to the operating system."""
        if not self._file.closed:
            self._file.flush()

    def close(self) -> None:
        """Flush and close the file."""
        self._file.close()
