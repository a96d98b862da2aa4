"""What a value is multiplied with, or set against, before it is compared with a limit."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sightline.diagnostics import reachable_rank


@dataclass(frozen=True, slots=True)
class Scale:
    """What a value is set against before it is compared with a limit.

    Attributes:
        unit: unit of the scaled value.
        needs: what must be known for it: `width` D and `num_samples` N of the measured features,
            `reference` another curve at the same step, `schedule` the planned value of the step,
            `configuration` the range itself, `standard_error` that of the value, `history` the
            readings before it.
    """

    unit: str
    needs: frozenset[str] = frozenset()


SCALES: dict[str, Scale] = {
    "none": Scale(""),
    "sqrt_width": Scale("x sqrt(D)", frozenset({"width"})),
    "per_width": Scale("per dimension", frozenset({"width"})),
    "width": Scale("% of the width", frozenset({"width"})),
    "reachable_rank": Scale("% of min(N - 1, D)", frozenset({"num_samples", "width"})),
    "share": Scale("% of {reference}", frozenset({"reference"})),
    "difference": Scale("more than {reference}", frozenset({"reference"})),
    "standard_errors": Scale("standard errors", frozenset({"standard_error"})),
    "schedule": Scale("off the schedule", frozenset({"schedule"})),
    "configured": Scale("as configured", frozenset({"configuration"})),
    "deviations": Scale("deviations above the last median", frozenset({"history"})),
    "first": Scale("% of the first reading", frozenset({"history"})),
    "jump": Scale("of the largest value, in one reading", frozenset({"history"})),
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
    if scale == "per_width":
        return 1.0 / width
    if scale == "width":
        return 100.0 / width
    reachable = 0 if num_samples is None else reachable_rank(num_samples, width)
    return 100.0 / reachable if reachable else None


def check_scale(scale: str) -> None:
    """Refuse a scale that there is not.

    Args:
        scale: its name.

    Raises:
        ValueError: if it is none of `SCALES`.
    """
    if scale not in SCALES:
        raise ValueError(f"expected a scale among {', '.join(SCALES)}, got {scale!r}; use one")
