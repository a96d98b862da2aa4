"""Healthy ranges as numbers: what a curve is drawn against, and what it is judged by.

Limits are written so that they hold for every model: a scale says what a value is multiplied with,
or set against, before it is compared. What a scale needs (the width, the number of samples, another
curve, the plan of the run) is known only when the run is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sightline.catalogue.scales import SCALES, check_scale, factor

Source = Literal["definition", "configuration", "measured", "rule of thumb"]
Direction = Literal["rising", "falling"]
Phase = Literal["start", "warmup", "settled"]


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
        check_scale(self.scale)
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
        unchanged: whether a value must not be exactly the one of the reading before.
        monotone: the direction from which a curve must not turn.
        trend: `rising` or `falling`: the significant trend that is bad, by itself or beside the
            numbers.
        flat: the range of a window of readings, in % of their median, that is too small.
        plateau: the gain over a window of readings, in % of all that was gained, that is too small.
        change: rise or fall over the window, in % of its level, from which on a trend counts.
        window: readings that a trend, a flat line or a plateau is seen over, or that the median and
            the deviation of a spike are taken from.
        name: what a breach is called; None for the name of its kind.
        level: how bad a breach is.
        patience: readings in a row that must be bad.
        after: from when it holds: the `start`, the end of the `warmup`, or once the run has
            `settled`, about half of it.
        until: when it ceases to hold; None for never.
        unless: tag and value of another curve: where that has exactly this value nothing is judged.
        min_patches: patches of the grid from which on it holds.
        source: where it is from: true by `definition`, taken from the `configuration`, `measured`
            on runs with and without the fault (benchmarks/planted_failures.py), or a
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
    unchanged: bool = False
    monotone: Direction | None = None
    trend: Direction | None = None
    flat: float | None = None
    plateau: float | None = None
    change: float = 10.0
    window: int = 200
    name: str | None = None
    level: Literal["info", "warn", "error"] = "warn"
    patience: int = 1
    after: Phase = "start"
    until: Literal["warmup", "settled"] | None = None
    unless: tuple[str, float] | None = None
    min_patches: int = 0
    source: Source = "rule of thumb"

    def __post_init__(self) -> None:
        check_scale(self.scale)
        if self.unless is not None:  # a list, as YAML has it
            object.__setattr__(self, "unless", (str(self.unless[0]), float(self.unless[1])))
        numbers = (self.low, self.high, self.forbidden, self.flat, self.plateau)
        words = (self.trend, self.monotone, self.finite or None, self.unchanged or None)
        if all(one is None for one in (*numbers, *words)) and self.scale != "configured":
            raise ValueError(
                "expected something that is limited, got none; give low, high, forbidden, finite, "
                "unchanged, monotone, trend, flat or plateau"
            )
        if (self.reference is not None) != ("reference" in SCALES[self.scale].needs):
            raise ValueError(
                f"expected a reference with the scales share and difference and with no other, got "
                f"{self.reference!r} with {self.scale}; name the other curve's tag, or leave it out"
            )

    @property
    def kind(self) -> str:
        """What a breach is called."""
        kinds = {
            "non_finite": self.finite,
            "frozen": self.forbidden is not None or self.unchanged,
            "monotone": self.monotone is not None,
            "flat_line": self.flat is not None,
            "plateau": self.plateau is not None,
            "divergence": self.trend is not None,
            "spike": self.scale == "deviations",
            "discontinuity": self.scale == "jump",
            "off_schedule": self.scale == "schedule",
        }
        return self.name or next((kind for kind, is_it in kinds.items() if is_it), "band")

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
        if self.unchanged:
            parts.append("exactly unchanged")
        if self.monotone is not None:
            parts.append("falling" if self.monotone == "rising" else "rising")
        if self.flat is not None:
            parts.append(f"flat within {self.flat:g}% over {self.window} readings")
        if self.plateau is not None:
            parts.append(f"gaining less than {self.plateau:g}% over {self.window} readings")
        if self.trend is not None:
            parts.append(self.trend)
        words = [f"{self.level} {' and '.join(parts)}"]
        if self.patience > 1:
            words.append(f"{self.patience} readings running")
        if self.after != "start":
            words.append({"warmup": "after the warm-up", "settled": "once settled"}[self.after])
        if self.until is not None:
            words.append({"warmup": "in the warm-up", "settled": "before it settles"}[self.until])
        if self.unless is not None:
            words.append(f"unless {self.unless[0]} is {self.unless[1]:g}")
        if self.min_patches:
            words.append(f"on {self.min_patches} patches or more")
        return ", ".join(words)
