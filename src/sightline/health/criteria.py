"""Judgements of a single value, without memory: is this one fine?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Interval = tuple[float, float]
LARGEST = float(np.finfo(np.float32).max)  # files keep 32 bits


class Criterion(Protocol):
    """Judges values, each by itself. When to act on it is the watch's business."""

    @property
    def name(self) -> str:
        """What a breach is called."""

    @property
    def calm(self) -> Interval:
        """Values from here to there are fine; of others only `breach` can tell."""

    def breach(self, value: float) -> bool:
        """Whether the value is bad."""

    def breaches(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of many values are bad."""

    def limit(self, value: float) -> float | None:
        """The bound that a bad value crosses; None where there is no number."""


@dataclass(frozen=True, slots=True)
class NonFinite:
    """A value must be a number: neither NaN nor infinite.

    Attributes:
        name: what a breach is called.

    Example:
        >>> NonFinite().breach(float("nan")), NonFinite().breach(1e30)
        (True, False)
    """

    name: str = "non_finite"

    @property
    def calm(self) -> Interval:
        """All finite values."""
        return -LARGEST, LARGEST

    def breach(self, value: float) -> bool:
        """Whether the value is NaN or infinite."""
        return not math.isfinite(value)

    def breaches(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of many values are NaN or infinite."""
        return ~np.isfinite(values)

    def limit(self, value: float) -> None:
        """There is no number to keep to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A value must lie between two limits; the limits themselves are fine.

    NaN lies in no band and outside none: `NonFinite` judges it.

    Attributes:
        low: smallest value that is fine.
        high: largest value that is fine.
        name: what a breach is called.

    Example:
        >>> band = Band(low=0.1, high=0.5)
        >>> band.breach(0.5), band.breach(0.6), band.limit(0.6)
        (False, True, 0.5)
    """

    low: float = -math.inf
    high: float = math.inf
    name: str = "band"

    @property
    def calm(self) -> Interval:
        """The band."""
        return self.low, self.high

    def breach(self, value: float) -> bool:
        """Whether the value lies outside."""
        return value < self.low or value > self.high

    def breaches(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of many values lie outside."""
        return (values < self.low) | (values > self.high)

    def limit(self, value: float) -> float:
        """The limit on the side of the value."""
        return self.low if value < self.low else self.high


@dataclass(frozen=True, slots=True)
class StuckAt:
    """A value must not be exactly this one, such as a distance of exactly 0.

    Attributes:
        value: the value that must not be.
        name: what a breach is called.

    Example:
        >>> StuckAt(0.0).breach(1e-30), StuckAt(0.0).breach(0.0)
        (False, True)
    """

    value: float
    name: str = "frozen"

    @property
    def calm(self) -> Interval:
        """All that is larger."""
        return math.nextafter(self.value, math.inf), math.inf

    def breach(self, value: float) -> bool:
        """Whether the value is the forbidden one."""
        return value == self.value

    def breaches(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of many values are the forbidden one."""
        return np.asarray(values == self.value)

    def limit(self, value: float) -> float:
        """The forbidden value."""
        return self.value
