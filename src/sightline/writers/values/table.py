"""Tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sightline.writers.arrays import fetch, freeze, num_bytes
from sightline.writers.frameworks import to_numpy
from sightline.writers.values.base import Value

PLAIN = (str, bool, int, float, type(None))


@dataclass(frozen=True, slots=True)
class Table(Value):
    """A table.

    Args:
        columns: A heading for each column.
        rows: A sequence of rows with a cell for each column: texts, numbers, 0-d arrays or None; or
            an array of two axes. For a writer a tuple of tuples of str, int, float, bool and None.
    """

    columns: tuple[str, ...]
    rows: Any

    def frozen(self) -> Table:
        """The same, of memory that the caller cannot write to."""
        if isinstance(self.rows, list | tuple):
            return Table(self.columns, tuple(tuple(map(_frozen, row)) for row in self.rows))
        return Table(self.columns, freeze(self.rows))

    def on_host(self) -> Table:
        """The same, of Python's own types."""
        rows = self.rows if isinstance(self.rows, tuple) else to_numpy(fetch(self.rows)).tolist()
        return Table(self.columns, tuple(tuple(map(_plain, row)) for row in rows))

    @property
    def nbytes(self) -> int:
        """Memory that its arrays hold while it waits."""
        return num_bytes(self.rows)


def _frozen(cell: Any) -> Any:
    # What is no array cannot change, or is written as what it looks like now.
    if isinstance(cell, PLAIN):
        return cell
    return freeze(cell) if hasattr(cell, "dtype") else str(cell)


def _plain(cell: Any) -> Any:
    if isinstance(cell, PLAIN):
        return cell
    plain = to_numpy(fetch(cell)).tolist()
    return plain if isinstance(plain, PLAIN) else str(plain)
