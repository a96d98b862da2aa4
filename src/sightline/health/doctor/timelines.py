"""How steps and wall times of each tag of a file go on, folded as the file is read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SLIP_SECS = 1.0  # threads of one writer may swap events that are closer

_ROW = np.dtype([
    ("num_points", np.int64),
    ("min_step", np.int64),
    ("max_step", np.int64),
    ("last_step", np.int64),
    ("last_time", np.float64),
    ("min_time", np.float64),
    ("max_time", np.float64),
    ("num_repeats", np.int64),
    ("num_falls", np.int64),
    ("deepest_fall", np.int64),
    ("num_slips", np.int64),
    ("longest_slip", np.float64),
])


@dataclass(frozen=True, slots=True)
class Timeline:
    """Steps and wall times of one tag in one file.

    Attributes:
        num_points: how many points it has.
        min_step: the lowest step.
        max_step: the highest step.
        min_time: the earliest wall time, in seconds since 1970.
        max_time: the latest.
        num_repeats: points at the step of the point before them.
        num_falls: points at a lower step than the point before them.
        deepest_fall: by how many steps at most.
        num_slips: points at a higher step than the point before them, and more than `SLIP_SECS`
            earlier.
        longest_slip: by how much at most, in seconds.
    """

    num_points: int
    min_step: int
    max_step: int
    min_time: float
    max_time: float
    num_repeats: int = 0
    num_falls: int = 0
    deepest_fall: int = 0
    num_slips: int = 0
    longest_slip: float = 0.0


class Timelines:
    """The timelines of many tags, by number; what is held does not grow with the points."""

    def __init__(self) -> None:
        self._rows = np.zeros(0, _ROW)

    def add(
        self, tags: NDArray[np.integer], steps: NDArray[np.int64], times: NDArray[np.float64]
    ) -> None:
        """Add points that come behind those that were added before.

        Args:
            tags: Integer array of shape (n,): numbers of tags, those of one tag next to each other
                and in the order of the file.
            steps: int64 array of shape (n,).
            times: float64 array of shape (n,): wall times in seconds since 1970.
        """
        if not len(tags):
            return
        starts = np.flatnonzero(np.append(True, tags[1:] != tags[:-1]))
        stops = np.append(starts[1:], len(tags))
        numbers = tags[starts]
        self._make_room(int(numbers.max()) + 1)
        rows = self._rows[numbers]
        is_new = rows["num_points"] == 0

        before, time_before = np.roll(steps, 1), np.roll(times, 1)
        before[starts] = np.where(is_new, steps[starts], rows["last_step"])
        time_before[starts] = np.where(is_new, times[starts], rows["last_time"])
        repeats = steps == before
        repeats[starts[is_new]] = False
        falls = np.maximum(before - steps, 0)
        slips = np.where(steps > before, np.fmax(time_before - times, 0.0), 0.0)

        rows["num_points"] += stops - starts
        rows["last_step"] = steps[stops - 1]
        rows["last_time"] = times[stops - 1]
        for name, lowest, highest, column in (
            ("step", np.minimum, np.maximum, steps),
            ("time", np.fmin, np.fmax, times),
        ):
            low, high = lowest.reduceat(column, starts), highest.reduceat(column, starts)
            least, most = rows[f"min_{name}"], rows[f"max_{name}"]
            rows[f"min_{name}"] = np.where(is_new, low, lowest(least, low))
            rows[f"max_{name}"] = np.where(is_new, high, highest(most, high))
        rows["num_repeats"] += np.add.reduceat(repeats, starts, dtype=np.int64)
        rows["num_falls"] += np.add.reduceat(falls > 0, starts, dtype=np.int64)
        deepest = np.maximum.reduceat(falls, starts)
        rows["deepest_fall"] = np.maximum(rows["deepest_fall"], deepest)
        rows["num_slips"] += np.add.reduceat(slips > SLIP_SECS, starts, dtype=np.int64)
        longest = np.maximum.reduceat(slips, starts)
        rows["longest_slip"] = np.maximum(rows["longest_slip"], longest)
        self._rows[numbers] = rows

    def __getitem__(self, number: int) -> Timeline | None:
        """The timeline of a tag; None where it has no point."""
        if number >= len(self._rows) or not self._rows["num_points"][number]:
            return None
        row = self._rows[number]
        return Timeline(**{name: row[name].item() for name in Timeline.__slots__})

    def _make_room(self, num_tags: int) -> None:
        if num_tags > len(self._rows):
            more = np.zeros(max(num_tags, 2 * len(self._rows)) - len(self._rows), _ROW)
            self._rows = np.concatenate([self._rows, more])
