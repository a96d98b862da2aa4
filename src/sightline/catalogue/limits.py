"""Healthy ranges as numbers: what a curve is drawn against, and what it is judged by.

Limits are written so that they hold for every model: a scale says what a value is multiplied with,
or set against, before it is compared. What a scale needs (the width, the number of samples, another
curve, the plan of the run) is known only when the run is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from sightline.diagnostics import reachable_rank

Source = Literal["definition", "configuration", "rule of thumb"]


@dataclass(frozen=True, slots=True)
class Scale:
    """What a value is set against before it is compared with a limit.

    Attributes:
        unit: unit of the scaled value.
        needs: what must be known for it: `width` D and `num_samples` N of the measured features,
            `reference` another curve at the same step, `schedule` the planned value of the step,
            `configuration` the range itself, `standard_error` that of the value.
    """

    unit: str
    needs: frozenset[str] = frozenset()


SCALES: dict[str, Scale] = {
    "none": Scale(""),
    "sqrt_width": Scale("x sqrt(D)", frozenset({"width"})),
    "width": Scale("% of the width", frozenset({"width"})),
    "reachable_rank": Scale("% of min(N - 1, D)", frozenset({"num_samples", "width"})),
    "share": Scale("% of {reference}", frozenset({"reference"})),
    "difference": Scale("more than {reference}", frozenset({"reference"})),
    "standard_errors": Scale("standard errors", frozenset({"standard_error"})),
    "schedule": Scale("off the schedule", frozenset({"schedule"})),
    "configured": Scale("as configured", frozenset({"configuration"})),
}


def factor(scale: str, *, num_samples: int | None = None, width: int | None = None) -> float | None:
    """What a value is multiplied with before it is compared with a limit.

    Args:
        scale: name of a scale, a key of `SCALES`.
        num_samples: N, rows of the features that were measured.
        width: D, columns of the same features.

    Returns:
        The factor; None for a scale that is no multiplication, that needs what is not given here,
        or against which nothing can be measured (a reachable rank of 0).

    Example:
        >>> factor("sqrt_width", width=64), factor("reachable_rank", num_samples=51, width=64)
        (8.0, 2.0)
        >>> factor("share") is None
        True
    """
    needs = SCALES[scale].needs
    if not needs:
        return 1.0
    if width is None or not needs <= {"width", "num_samples"}:
        return None
    if scale == "sqrt_width":
        return math.sqrt(width)
    if scale == "width":
        return 100.0 / width
    reachable = 0 if num_samples is None else reachable_rank(num_samples, width)
    return 100.0 / reachable if reachable else None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthyRange:
    """Where a good curve runs, for a chart to shade.

    It is no limit: a value may leave it for long before anything is wrong, and an edge may be where
    the measure ends by itself, such as a rank of 100% of what can be reached.

    Attributes:
        low: lower edge, scaled.
        high: upper edge, scaled, above the lower one.
        scale: what a value is multiplied with first, a key of `SCALES`.

    Raises:
        ValueError: if the edges are the wrong way round, or the scale is unknown.

    Example:
        >>> HealthyRange(low=10, high=100, scale="reachable_rank").edges(num_samples=51, width=64)
        (5.0, 50.0)
    """

    low: float
    high: float
    scale: str = "none"

    def __post_init__(self) -> None:
        _check_scale(self.scale)
        if not self.low < self.high:
            raise ValueError(
                f"expected a low edge below the high one, got {self.low} and {self.high}; a range "
                "is shaded between two edges"
            )

    def edges(
        self, *, num_samples: int | None = None, width: int | None = None
    ) -> tuple[float, float] | None:
        """The two edges in the unit of the curve.

        Args:
            num_samples: N, rows of the features that were measured.
            width: D, columns of the same features.

        Returns:
            The lower and the upper edge; None if they depend on what is not given.
        """
        times = factor(self.scale, num_samples=num_samples, width=width)
        return None if times is None else (self.low / times, self.high / times)

    def __str__(self) -> str:
        """The range in words."""
        return f"{self.low:,g} to {self.high:,g} {SCALES[self.scale].unit}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """What a curve must not do. All conditions that a limit states must be broken at once.

    Attributes:
        low: smallest scaled value that is fine.
        high: largest scaled value that is fine.
        scale: what a value is set against first, a key of `SCALES`.
        reference: tag of the other curve, for the scales that need one.
        forbidden: the one value that must not be, such as a distance of exactly 0.
        finite: whether a value must be finite.
        trend: `rising` or `falling`: the significant trend that is bad, by itself or beside the
            numbers.
        level: how bad a breach is.
        patience: readings in a row that must be bad.
        after: from when it holds: the `start`, the end of the `warmup`, or once the run has
            `settled`, about half of it.
        source: where it is from: true by `definition`, taken from the `configuration`, or a
            `rule of thumb`, which a reader may overrule.

    Raises:
        ValueError: if it limits nothing, or names an unknown scale or a reference that its scale
            does not take.

    Example:
        >>> print(Limit(low=10, scale="reachable_rank", patience=3, after="warmup"))
        warn below 10 % of min(N - 1, D), 3 readings running, after the warm-up
    """

    low: float | None = None
    high: float | None = None
    scale: str = "none"
    reference: str | None = None
    forbidden: float | None = None
    finite: bool = False
    trend: Literal["rising", "falling"] | None = None
    level: Literal["warn", "error"] = "warn"
    patience: int = 1
    after: Literal["start", "warmup", "settled"] = "start"
    source: Source = "rule of thumb"

    def __post_init__(self) -> None:
        _check_scale(self.scale)
        numbers = (self.low, self.high, self.forbidden, self.trend)
        if all(number is None for number in numbers) and not (
            self.finite or self.scale == "configured"
        ):
            raise ValueError(
                "expected something that is limited, got none; give low, high, forbidden, finite "
                "or trend"
            )
        if (self.reference is not None) != ("reference" in SCALES[self.scale].needs):
            raise ValueError(
                f"expected a reference with the scales share and difference and with no other, got "
                f"{self.reference!r} with {self.scale}; name the other curve's tag, or leave it out"
            )

    @property
    def unit(self) -> str:
        """Unit of the scaled value; empty for a plain number."""
        return SCALES[self.scale].unit.format(reference=self.reference)

    def __str__(self) -> str:
        """The limit in words."""
        unit = f" {self.unit}" if self.unit else ""
        bounds = [
            f"{word} {bound:,g}{unit}"
            for word, bound in (("below", self.low), ("above", self.high))
            if bound is not None
        ]
        parts = [" or ".join(bounds)] if bounds else []
        if self.scale == "configured":
            parts.append("outside the configured range")
        if self.forbidden is not None:
            parts.append(f"exactly {self.forbidden:g}")
        if self.finite:
            parts.append("not finite")
        if self.trend is not None:
            parts.append(self.trend)
        words = [f"{self.level} {' and '.join(parts)}"]
        if self.patience > 1:
            words.append(f"{self.patience} readings running")
        if self.after != "start":
            words.append({"warmup": "after the warm-up", "settled": "once settled"}[self.after])
        return ", ".join(words)


def _check_scale(scale: str) -> None:
    if scale not in SCALES:
        raise ValueError(f"expected a scale among {', '.join(SCALES)}, got {scale!r}; use one")
