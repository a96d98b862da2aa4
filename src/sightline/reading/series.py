"""The points of one scalar, and which of them a restart leaves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """The points of one scalar, in the order of the file.

    Args:
        steps: int64 array of shape (n,).
        wall_times: float64 array of shape (n,), in seconds since 1970.
        values: float64 array of shape (n,); what the file holds in 32 bits is widened.
    """

    steps: NDArray[np.int64]
    wall_times: NDArray[np.float64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        """How many points there are."""
        return len(self.steps)


@dataclass(frozen=True, slots=True)
class Restarts:
    """Where sessions of a run started again.

    Args:
        ordinals: int64 array of shape (n,): numbers of the records that say so, rising.
        steps: int64 array of shape (n,): where each session went on.
    """

    ordinals: NDArray[np.int64]
    steps: NDArray[np.int64]

    def survivors(
        self, steps: NDArray[np.int64], ordinals: NDArray[np.int64]
    ) -> NDArray[np.bool_] | None:
        """Which points of a tag TensorBoard shows.

        A point drops those before it whose step is not lower than its own; so does the start of a
        session, other than the first, with those of its step and of later ones.

        Args:
            steps: int64 array of shape (n,), in the order of the file.
            ordinals: int64 array of shape (n,): numbers of the records that hold the points.

        Returns:
            Bool array of shape (n,); None where all points stay.

        Example:
            >>> nothing = np.array([], np.int64)
            >>> Restarts(nothing, nothing).survivors(np.array([0, 1, 2, 1, 3]), np.arange(5))
            array([ True, False, False,  True,  True])
        """
        if not len(self.steps) and bool(np.all(steps[1:] > steps[:-1])):
            return None
        stays = np.ones(len(steps), np.bool_)
        if len(steps) > 1:
            stays[:-1] = steps[:-1] < _lowest_from_here(steps)[1:]
        if len(self.steps):
            lowest = np.append(_lowest_from_here(self.steps), np.iinfo(np.int64).max)
            next_start = np.searchsorted(self.ordinals, ordinals, side="right")
            is_followed = next_start < len(self.steps)
            stays &= ~is_followed | (steps < lowest[next_start])
        return stays


def _lowest_from_here(steps: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.minimum.accumulate(steps[::-1])[::-1]
