"""The scalars of many runs as columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sightline.reading.run import Run


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Points of scalars as columns of equal length.

    Args:
        run_names: Names of the runs.
        tag_names: Names of the tags.
        run: int32 array of shape (n,): each point's run, as a place in `run_names`.
        tag: int32 array of shape (n,): each point's tag, as a place in `tag_names`.
        step: int64 array of shape (n,).
        wall_time: float64 array of shape (n,), in seconds since 1970.
        value: float64 array of shape (n,).
    """

    run_names: tuple[str, ...]
    tag_names: tuple[str, ...]
    run: NDArray[np.int32]
    tag: NDArray[np.int32]
    step: NDArray[np.int64]
    wall_time: NDArray[np.float64]
    value: NDArray[np.float64]

    def __len__(self) -> int:
        """How many points there are."""
        return len(self.step)


def check_wide(columns: Columns) -> None:
    """Raise where the columns of a wide table, one a tag beside run and step, would clash.

    Args:
        columns: The points.

    Raises:
        ValueError: If a tag is called run or step.
    """
    taken = {"run", "step"} & set(columns.tag_names)
    if taken:
        raise ValueError(
            f"expected tags other than run and step for a wide table, got {sorted(taken)}; leave "
            "them out, or ask for one row a point"
        )


class ColumnsBuilder:
    """Collects points, and numbers their runs and tags."""

    def __init__(self) -> None:
        self._runs: dict[str, int] = {}
        self._tags: dict[str, int] = {}
        self._run: list[tuple[int, int]] = []
        self._tag: list[NDArray[np.int32]] = []
        self._step: list[NDArray[np.int64]] = []
        self._wall_time: list[NDArray[np.float64]] = []
        self._value: list[NDArray[np.floating]] = []

    def tag_number(self, tag: str) -> int:
        """The number of a tag; a new one is added."""
        return self._tags.setdefault(tag, len(self._tags))

    def add(
        self,
        run: str,
        tag: NDArray[np.int32],
        step: NDArray[np.int64],
        wall_time: NDArray[np.float64],
        value: NDArray[np.floating],
    ) -> None:
        """Add points of a run.

        Args:
            run: Its name.
            tag: From `tag_number`, for each point.
            step: Of each.
            wall_time: Of each.
            value: Of each.
        """
        self._run.append((self._runs.setdefault(run, len(self._runs)), len(step)))
        self._tag.append(tag)
        self._step.append(step)
        self._wall_time.append(wall_time)
        self._value.append(value)

    def columns(self) -> Columns:
        """All points, in the order in which they were added."""
        numbers = np.array([number for number, _ in self._run], np.int32)
        return Columns(
            run_names=tuple(self._runs),
            tag_names=tuple(self._tags),
            run=np.repeat(numbers, [count for _, count in self._run]),
            tag=np.concatenate([*self._tag, np.empty(0, np.int32)]),
            step=np.concatenate([*self._step, np.empty(0, np.int64)]),
            wall_time=np.concatenate([*self._wall_time, np.empty(0)]),
            value=np.concatenate([*self._value, np.empty(0)], dtype=np.float64),
        )


def columns_of(runs: Mapping[str, Run], tags: Iterable[str] | None) -> Columns:
    """The scalars of runs: run by run, tag by tag, in the order of the file.

    Args:
        runs: By name.
        tags: Which tags; None for all.

    Returns:
        The columns.
    """
    builder = ColumnsBuilder()
    wanted = None if tags is None else list(dict.fromkeys(tags))
    for name, run in runs.items():
        scalars = run.scalars
        for tag in scalars if wanted is None else wanted:
            if tag in scalars:
                series = scalars[tag]
                number = np.full(len(series), builder.tag_number(tag), np.int32)
                builder.add(name, number, series.steps, series.wall_times, series.values)
    return builder.columns()
