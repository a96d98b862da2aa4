"""Judgements of a single value, without memory: is this one fine?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from sightline.health.finding import Finding, Level


class Criterion(Protocol):
    """Judges the values of one tag, each by itself. When to act on it is the watch's business."""

    @property
    def tag(self) -> str:
        """The series that is judged."""

    def breach(self, step: int, value: float) -> Finding | None:
        """Return what is wrong with the value, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NonFinite:
    """A value must be a number: neither NaN nor infinite.

    Attributes:
        tag: the series that is judged.
        level: how bad a breach is.
        why: what a breach may mean.
        remedy: what to do about it.

    Example:
        >>> NonFinite(tag="train/loss").breach(7, float("nan")).last_step
        7
        >>> NonFinite(tag="train/loss").breach(8, 1e30) is None
        True
    """

    tag: str
    level: Level = Level.ERROR
    why: str = "Weights or activations have overflowed; training cannot recover."
    remedy: str = "Go back to the last checkpoint with a lower learning rate or more warm-up."

    def breach(self, step: int, value: float) -> Finding | None:
        """Judge one value.

        Args:
            step: global optimizer step of the value.
            value: the value.

        Returns:
            A finding if it is NaN or infinite, else None.
        """
        if math.isfinite(value):
            return None
        return Finding(
            level=self.level,
            rule="non_finite",
            tag=self.tag,
            first_step=step,
            last_step=step,
            value=value,
            limit=None,
            unit="",
            why=self.why,
            remedy=self.remedy,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A value times a scale must lie between two limits; the limits themselves are fine.

    The scale makes limits independent of the model: `100 / reachable_rank(N, D)` turns an effective
    rank into a percentage, `sqrt(D)` turns a deviation on the unit sphere into one whose ideal is
    1. NaN lies in no band and outside none: `NonFinite` judges it.

    Attributes:
        tag: the series that is judged.
        why: what a breach may mean.
        remedy: what to do about it.
        low: smallest value times scale that is fine.
        high: largest value times scale that is fine.
        scale: what a value is multiplied with before it is compared.
        unit: unit of the scaled value.
        level: how bad a breach is.

    Example:
        >>> band = Band(tag="t", high=0.5, scale=2.0, why="...", remedy="...")
        >>> band.breach(1, 0.25) is None
        True
        >>> band.breach(2, 0.3).value
        0.6
    """

    tag: str
    why: str
    remedy: str
    low: float = -math.inf
    high: float = math.inf
    scale: float = 1.0
    unit: str = ""
    level: Level = Level.WARN

    def breach(self, step: int, value: float) -> Finding | None:
        """Judge one value.

        Args:
            step: global optimizer step of the value.
            value: the value before scaling.

        Returns:
            A finding if the scaled value lies outside, else None.
        """
        scaled = value * self.scale
        if math.isnan(scaled) or self.low <= scaled <= self.high:
            return None
        return Finding(
            level=self.level,
            rule="band",
            tag=self.tag,
            first_step=step,
            last_step=step,
            value=scaled,
            limit=self.low if scaled < self.low else self.high,
            unit=self.unit,
            why=self.why,
            remedy=self.remedy,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckAt:
    """A value must not be exactly this one, such as a distance of exactly 0.

    Attributes:
        tag: the series that is judged.
        value: the value that must not be.
        why: what a breach may mean.
        remedy: what to do about it.
        level: how bad a breach is.

    Example:
        >>> stuck = StuckAt(tag="ema/parameter_divergence", value=0.0, why="...", remedy="...")
        >>> stuck.breach(1, 1e-30) is None, stuck.breach(2, 0.0).value
        (True, 0.0)
    """

    tag: str
    value: float
    why: str
    remedy: str
    level: Level = Level.ERROR

    def breach(self, step: int, value: float) -> Finding | None:
        """Judge one value.

        Args:
            step: global optimizer step of the value.
            value: the value.

        Returns:
            A finding if it equals the forbidden one, else None.
        """
        if value != self.value:
            return None
        return Finding(
            level=self.level,
            rule="stuck_at",
            tag=self.tag,
            first_step=step,
            last_step=step,
            value=value,
            limit=self.value,
            unit="",
            why=self.why,
            remedy=self.remedy,
        )
