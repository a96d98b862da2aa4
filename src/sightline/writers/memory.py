"""Keeps values in memory: for notebooks and tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sightline.writers.values import KINDS, Scalar, Value


class Written(NamedTuple):
    """A value, and when it was logged."""

    tag: str
    value: Value
    step: int
    wall_time: float


class Memory:
    """A list of all that was written.

    Example:
        >>> memory = Memory()
        >>> memory.write({"loss": Scalar(0.5)}, step=3, wall_time=0.0)
        >>> memory.scalars()
        {'loss': [(3, 0.5)]}
    """

    supports: frozenset[type] = frozenset(KINDS)

    def __init__(self) -> None:
        self.written: list[Written] = []

    def write(self, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
        """Keep values."""
        self.written += [Written(tag, value, step, wall_time) for tag, value in values.items()]

    def flush(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""

    def scalars(self) -> dict[str, list[tuple[int, float]]]:
        """The scalars.

        Returns:
            Pairs of step and number by tag, in the order of writing.
        """
        series: dict[str, list[tuple[int, float]]] = {}
        for tag, value, step, _ in self.written:
            if isinstance(value, Scalar):
                series.setdefault(tag, []).append((step, value.value))
        return series
