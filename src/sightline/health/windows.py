"""Transforms over windows of readings: spikes, trends, plateaus and flat lines.

Values that are not finite are passed over.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sightline.diagnostics import trend
from sightline.diagnostics.stability import MIN_POINTS
from sightline.health.blocks import Blocks, OverBlocks, median
from sightline.health.criteria import Interval
from sightline.health.transforms import MAX, Steps, Values, finite

SIGMA_PER_MAD = 1.4826  # of a normal distribution
CALM_SHARE = 0.02  # of the median: no deviation is taken for smaller
SURE = 5.0  # standard errors of a slope; three are too few for the many windows of a run


class Deviations:
    """How many deviations a reading lies above the median of the last full block.

        score = (x - median) / max(1.4826 MAD, 0.02 |median|)

    MAD is the median absolute deviation from the median, in which a few outliers count for nothing;
    1.4826 of it are a standard deviation of normal noise (Hampel, 1974, The influence curve and its
    role in robust estimation). The second term keeps a curve that hardly moves from calling every
    ripple a spike.

    Args:
        window: readings in a block, at least 1.
    """

    def __init__(self, window: int) -> None:
        self.window = window
        self._blocks = Blocks(window)
        self._median: float | None = None
        self._spread = 0.0

    def apply(self, step: int, value: float) -> float | None:
        """Turn the next value; None in the first block."""
        if not -MAX <= value <= MAX:
            return None
        score = None
        if self._median is not None:
            excess = value - self._median
            score = excess / self._spread if self._spread > 0 else _infinite(excess)
        blocks = self._blocks
        blocks.steps.append(step)
        blocks.values.append(value)
        if len(blocks.steps) == blocks.size:
            _, values = blocks.take()
            self._median = median(values)
            deviation = median([abs(one - self._median) for one in values])
            self._spread = max(SIGMA_PER_MAD * deviation, CALM_SHARE * abs(self._median))
        return score

    def apply_many(self, steps: Steps, values: Values) -> tuple[Steps, Values]:
        """Turn the next values."""
        steps, values = finite(steps, values)
        num_before = len(self._blocks.steps)
        _, full = self._blocks.add(steps, values)
        before = math.nan if self._median is None else self._median
        medians, spreads = _baselines(full)
        medians, spreads = np.append(before, medians), np.append(self._spread, spreads)
        block = (np.arange(len(values)) + num_before) // self._blocks.size
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            excess = values - medians[block]
            scores = np.where(excess == 0, 0.0, excess / spreads[block])
        if len(full):
            self._median, self._spread = float(medians[-1]), float(spreads[-1])
        has_baseline = ~np.isnan(medians[block])
        return steps[has_baseline], scores[has_baseline]

    def state_dict(self) -> dict[str, Any]:
        """The open block and the baseline."""
        return {
            "steps": self._blocks.steps,
            "values": self._blocks.values,
            "baseline": [self._median, self._spread],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        self._blocks.steps, self._blocks.values = list(state["steps"]), list(state["values"])
        self._median, self._spread = state["baseline"]


def _infinite(excess: float) -> float:
    """How many times nothing that is."""
    return math.copysign(math.inf, excess) if excess else 0.0


def _baselines(full: Values) -> tuple[Values, Values]:
    if not len(full):
        return np.empty(0), np.empty(0)
    medians = np.median(full, axis=1)
    deviations = np.median(np.abs(full - medians[:, None]), axis=1)
    return medians, np.maximum(SIGMA_PER_MAD * deviations, CALM_SHARE * np.abs(medians))


class Drift(OverBlocks):
    """How much a curve rises or falls over a window, in % of its level; 0 where that is noise.

    A line is laid through the medians of 4 to 10 blocks (`sightline.diagnostics.trend`); its
    slope counts where it is more than five of its standard errors.

    Args:
        direction: the direction that counts.
        window: readings of the window.
        change: rise or fall below which the significance is not asked for.
        fine: for limits of a level that count while it moves: give the last median in place of the
            change where that is at least `change` and the median lies outside of these, and NaN
            elsewhere; None for the change itself.
    """

    def __init__(
        self,
        direction: Literal["rising", "falling"],
        window: int,
        change: float,
        *,
        fine: Interval | None = None,
    ) -> None:
        super().__init__(window, num_blocks=max(MIN_POINTS, min(10, window // 2)))
        self.sign = 1 if direction == "rising" else -1
        self.change = change
        self.fine = fine
        self._calm = 0.0 if fine is None else math.nan

    def summary(self, steps: Steps, values: Values) -> NDArray[np.float64]:
        """Mean step and median value."""
        return np.stack([steps.mean(axis=1), np.median(values, axis=1)], axis=1)

    def close_one(self, steps: list[int], values: list[float]) -> float | None:
        """Close one block; None before the first window is full."""
        past, level = self._past, median(values)
        past.append([sum(steps) / len(steps), level])
        if len(past) < self.num_blocks:
            return None
        turned = self._calm
        if self.fine is None or not self.fine[0] <= level <= self.fine[1]:
            levels = [y for _, y in past]
            # No line through points rises by more than twice their range, which is soon known.
            if 200 * (max(levels) - min(levels)) * len(past) >= self.change * sum(map(abs, levels)):
                turned = float(self.windows(np.array([past]))[0])
        del past[0]
        return turned

    def windows(self, past: NDArray[np.float64]) -> Values:
        """Changes in the direction, or levels while they change."""
        x, y = past[:, :, 0], past[:, :, 1]
        x = x - x.mean(axis=1, keepdims=True)
        squares = (x * x).sum(axis=1)
        magnitude = np.abs(y).mean(axis=1)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            slopes = (x * (y / magnitude[:, None])).sum(axis=1) / squares
            changes = 100 * self.sign * slopes * (past[:, -1, 0] - past[:, 0, 0])
        turned = np.full(len(past), self._calm)
        # The line with its errors is only laid where it may matter.
        for index in np.flatnonzero(changes > 0.99 * self.change).tolist():
            line = trend(past[index, :, 0], past[index, :, 1])
            if line is not None and self.sign * line.slope > SURE * line.slope_error:
                change = self.sign * line.change
                level = float(past[index, -1, 1])
                if self.fine is None:
                    turned[index] = change
                elif change >= self.change and not self.fine[0] <= level <= self.fine[1]:
                    turned[index] = level
        return turned


class Gain(OverBlocks):
    """How much lower a curve got over a window, in % of all that it fell since it began.

    Args:
        window: readings of the window.
    """

    def __init__(self, window: int) -> None:
        super().__init__(window, num_blocks=8)
        self._first: float | None = None
        self._lowest = math.inf

    def summary(self, steps: Steps, values: Values) -> NDArray[np.float64]:
        """Highest and lowest median up to each block."""
        medians = np.median(values, axis=1)
        if self._first is None:
            self._first = float(medians[0])
        lowest = np.minimum.accumulate(np.append(self._lowest, medians))[1:]
        self._lowest = float(lowest[-1])
        return np.stack([np.full(len(medians), self._first), lowest], axis=1)

    def windows(self, past: NDArray[np.float64]) -> Values:
        """Gains; NaN for a curve that never fell."""
        whole = past[:, -1, 0] - past[:, -1, 1]
        gained = past[:, 0, 1] - past[:, -1, 1]
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            return np.where(whole > 0, 100 * gained / whole, math.nan)

    def state_dict(self) -> dict[str, Any]:
        """The open block, what is kept of those before it, and where the curve began."""
        lowest = None if math.isinf(self._lowest) else self._lowest
        return {**super().state_dict(), "first": self._first, "lowest": lowest}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        super().load_state_dict(state)
        self._first = state["first"]
        self._lowest = math.inf if state["lowest"] is None else state["lowest"]


class Range(OverBlocks):
    """Largest minus smallest reading of a window, in % of the level; 0 is a line drawn flat.

    Args:
        window: readings of the window.
    """

    def __init__(self, window: int) -> None:
        super().__init__(window, num_blocks=1)

    def summary(self, steps: Steps, values: Values) -> NDArray[np.float64]:
        """Range over level."""
        low, high = values.min(axis=1), values.max(axis=1)
        level = np.maximum(np.abs(low), np.abs(high))
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            return np.where(high > low, 100 * (high - low) / level, 0.0)[:, None]

    def windows(self, past: NDArray[np.float64]) -> Values:
        """The range itself."""
        return past[:, 0, 0]
