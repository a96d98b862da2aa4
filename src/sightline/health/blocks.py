"""Readings in blocks of equal number, one after the other, and windows of such blocks.

A reading costs the same however long the window is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from sightline.health.transforms import MAX, Steps, Values, finite


class Blocks:
    """Cuts a series into blocks.

    Args:
        size: readings in a block, at least 1.

    Example:
        >>> blocks = Blocks(2)
        >>> [len(blocks.add(np.array([step]), np.array([0.5]))[0]) for step in range(4)]
        [0, 1, 0, 1]
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.steps: list[int] = []
        self.values: list[float] = []

    def add(self, steps: Steps, values: Values) -> tuple[Steps, Values]:
        """Add readings.

        Args:
            steps: int64 array of shape (n,).
            values: float64 array of shape (n,), finite.

        Returns:
            The blocks that are full with them: steps and values of shape (k, size).
        """
        if self.steps:
            steps = np.append(np.array(self.steps, np.int64), steps)
            values = np.append(np.array(self.values), values)
        stop = len(steps) - len(steps) % self.size
        self.steps, self.values = steps[stop:].tolist(), values[stop:].tolist()
        return steps[:stop].reshape(-1, self.size), values[:stop].reshape(-1, self.size)

    def take(self) -> tuple[list[int], list[float]]:
        """Take out the open block, which is full now."""
        full = self.steps, self.values
        self.steps, self.values = [], []
        return full


def median(values: list[float]) -> float:
    """As NumPy has it, without what a call of that costs on a few values.

    Args:
        values: at least one, finite.

    Returns:
        The middle value, or the mean of the middle two.
    """
    if len(values) == 1:
        return values[0]
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


class OverBlocks(ABC):
    """A transform that has one value for each block, at the block's last step.

    Args:
        window: readings that a value is seen over, at least 4.
        num_blocks: blocks of the window, where it holds so many.
    """

    def __init__(self, window: int, num_blocks: int) -> None:
        self.window = window
        self.num_blocks = min(num_blocks, window)
        self._blocks = Blocks(window // self.num_blocks)
        self._past: list[list[float]] = []

    @abstractmethod
    def summary(self, steps: Steps, values: Values) -> NDArray[np.float64]:
        """What is kept of full blocks of shape (k, size): shape (k, m)."""

    @abstractmethod
    def windows(self, past: NDArray[np.float64]) -> Values:
        """What runs of `num_blocks` summaries come to, shape (k, num_blocks, m) to (k,)."""

    def apply(self, step: int, value: float) -> float | None:
        """Turn the next value; None within a block, and before the first window is full."""
        if not -MAX <= value <= MAX:
            return None
        blocks = self._blocks
        blocks.steps.append(step)
        blocks.values.append(value)
        return None if len(blocks.steps) < blocks.size else self.close_one(*blocks.take())

    def close_one(self, steps: list[int], values: list[float]) -> float | None:
        """Close one block; None before the first window is full."""
        _, turned = self._close(np.array([steps], np.int64), np.array([values]))
        return float(turned[0]) if len(turned) else None

    def apply_many(self, steps: Steps, values: Values) -> tuple[Steps, Values]:
        """Turn the next values."""
        return self._close(*self._blocks.add(*finite(steps, values)))

    def state_dict(self) -> dict[str, Any]:
        """The open block, and what is kept of those before it."""
        return {"steps": self._blocks.steps, "values": self._blocks.values, "past": self._past}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        self._blocks.steps, self._blocks.values = list(state["steps"]), list(state["values"])
        self._past = [list(one) for one in state["past"]]

    def _close(self, steps: Steps, values: Values) -> tuple[Steps, Values]:
        if not len(steps):
            return np.empty(0, np.int64), np.empty(0)
        kept = self.summary(steps, values)
        past = np.concatenate([np.array(self._past).reshape(-1, kept.shape[1]), kept])
        self._past = past[max(len(past) - self.num_blocks + 1, 0) :].tolist()
        if len(past) < self.num_blocks:
            return np.empty(0, np.int64), np.empty(0)
        turned = self.windows(sliding_window_view(past, self.num_blocks, axis=0).swapaxes(1, 2))
        return steps[len(steps) - len(turned) :, -1], turned
