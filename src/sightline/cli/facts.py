"""What there is to say of a curve in one row."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sightline.cli.best import Best, Goal
from sightline.cli.sparkline import cell_means
from sightline.diagnostics import Trend, trend
from sightline.events.json_numbers import json_number

if TYPE_CHECKING:
    from sightline.reading import Run, Series

MIN_STRETCH = 8
MAX_CELLS = 24


@dataclass(frozen=True, slots=True)
class Facts:
    """A curve in one row.

    Args:
        run: Its run.
        tag: Its tag.
        num_points: How many points it has, at least 1.
        num_not_finite: How many of them are NaN or infinite.
        last: The last value.
        last_step: Its step.
        goal: Which value is the best; None where its name does not say.
        best: That value; None without a goal or a finite value.
        best_step: The first step that has it.
        trend: Of the last quarter of the points, but of 8 at least; None where there are too few.
        curve: Means of neighbouring points, NaN where one is not finite; at most 24.
    """

    run: str
    tag: str
    num_points: int
    num_not_finite: int
    last: float
    last_step: int
    goal: Goal | None
    best: float | None
    best_step: int | None
    trend: Trend | None
    curve: NDArray[np.float64]

    def as_json(self) -> dict[str, Any]:
        """The same facts, with the strings that `float` reads where JSON has no number."""
        return {
            "run": self.run,
            "tag": self.tag,
            "num_points": self.num_points,
            "num_not_finite": self.num_not_finite,
            "last": json_number(self.last),
            "last_step": self.last_step,
            "goal": self.goal,
            "best": self.best,
            "best_step": self.best_step,
            "trend": None
            if self.trend is None
            else {
                "slope": json_number(self.trend.slope),
                "slope_error": json_number(self.trend.slope_error),
                "change_percent": json_number(self.trend.change),
                "change_percent_error": json_number(self.trend.change_error),
                "direction": {-1: "falling", 0: "flat", 1: "rising"}[self.trend.direction],
            },
            "curve": [json_number(mean) for mean in self.curve.tolist()],
        }


def facts_of(run: str, tag: str, series: Series, goal: Goal | None) -> Facts:
    """Sum up a curve.

    Args:
        run: Its run.
        tag: Its tag.
        series: Its points, at least 1.
        goal: Which value is the best.

    Returns:
        The facts.
    """
    values = series.values
    is_finite = np.isfinite(values)
    best = None
    if goal is not None and is_finite.any():
        worst = math.inf if goal is Goal.MIN else -math.inf
        comparable = np.where(is_finite, values, worst)
        best = int(comparable.argmin() if goal is Goal.MIN else comparable.argmax())
    num_last = max(len(values) // 4, MIN_STRETCH)
    return Facts(
        run=run,
        tag=tag,
        num_points=len(values),
        num_not_finite=int(len(values) - is_finite.sum()),
        last=float(values[-1]),
        last_step=int(series.steps[-1]),
        goal=goal,
        best=None if best is None else float(values[best]),
        best_step=None if best is None else int(series.steps[best]),
        trend=trend(series.steps[-num_last:], values[-num_last:]),
        curve=cell_means(values, MAX_CELLS),
    )


def facts_of_runs(
    runs: Mapping[str, Run], is_wanted: Callable[[str], bool], best: Best
) -> list[Facts]:
    """Sum up the curves of runs.

    Args:
        runs: Runs by name.
        is_wanted: Whether a tag is.
        best: How to tell the best value.

    Returns:
        Facts, run by run; tags in the order of their first values.
    """
    return [
        facts_of(name, tag, series, best.goal(tag))
        for name, run in runs.items()
        for tag in run.scalars
        if is_wanted(tag) and len(series := run.scalars[tag])
    ]
