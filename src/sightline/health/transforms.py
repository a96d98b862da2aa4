"""What a value is turned into before it is judged, where that takes the values before it.

Values that are not finite are passed over: they are judged by themselves, and no mean survives
them.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sightline.health.facts import Plan

Steps = NDArray[np.int64]
Values = NDArray[np.float64]


MAX = sys.float_info.max  # a comparison with it is cheaper than math.isfinite


class Transform(Protocol):
    """Turns a series into another one, value by value or in bulk, with the same outcome."""

    def apply(self, step: int, value: float) -> float | None:
        """Turn the next value; None where there is nothing to judge yet."""

    def apply_many(self, steps: Steps, values: Values) -> tuple[Steps, Values]:
        """Turn the next values; what there is to judge, and at which steps."""

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must be told: JSON values."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` returned."""


class Change:
    """Difference from the reading before: 0 is a value that is frozen.

    Args:
        relative: divide by the largest magnitude so far, so that a jump has a size without a unit.

    Example:
        >>> change = Change(relative=True)
        >>> [change.apply(step, value) for step, value in enumerate([2.0, 4.0, 3.0])]
        [None, 0.5, -0.25]
    """

    def __init__(self, *, relative: bool = False) -> None:
        self.relative = relative
        self._last: float | None = None
        self._largest = 0.0

    def apply(self, step: int, value: float) -> float | None:
        """Turn the next value."""
        if not -MAX <= value <= MAX:
            return None
        last, self._last = self._last, value
        if self.relative:
            self._largest = max(self._largest, abs(value))
        if last is None:
            return None
        change = value - last
        return change / self._largest if self._largest > 0 else change

    def apply_many(self, steps: Steps, values: Values) -> tuple[Steps, Values]:
        """Turn the next values."""
        steps, values = finite(steps, values)
        if not len(values):
            return steps, values
        is_first = self._last is None
        before = np.append(values[0] if self._last is None else self._last, values[:-1])
        changes = values - before
        if self.relative:
            largest = np.maximum.accumulate(np.abs(np.append(self._largest, values)))[1:]
            changes = changes / np.where(largest > 0, largest, 1.0)
            self._largest = float(largest[-1])
        self._last = float(values[-1])
        return steps[is_first:], changes[is_first:]

    def state_dict(self) -> dict[str, Any]:
        """The last value, and the largest magnitude."""
        return {"last": self._last, "largest": self._largest}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        self._last, self._largest = state["last"], state["largest"]


class OffPlan:
    """Difference from what was planned for the step.

    Args:
        plan: the planned value of each step.

    Example:
        >>> plan = Plan(start=0.0, base=1.0, final=1.0, warmup_steps=4, total_steps=9)
        >>> OffPlan(plan).apply(3, 0.75)
        0.25
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def apply(self, step: int, value: float) -> float:
        """Turn the next value."""
        return value - self.plan.at(step)

    def apply_many(self, steps: Steps, values: Values) -> tuple[Steps, Values]:
        """Turn the next values."""
        return steps, values - np.array([self.plan.at(step) for step in steps.tolist()])

    def state_dict(self) -> dict[str, Any]:
        """No memory."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up nothing."""


class OfFirst:
    """Value in % of the first reading; NaN, which no rule judges, where that was 0.

    Example:
        >>> of_first = OfFirst()
        >>> [of_first.apply(step, value) for step, value in enumerate([0.5, 0.25, 1.0])]
        [None, 50.0, 200.0]
    """

    def __init__(self) -> None:
        self._first: float | None = None

    def apply(self, step: int, value: float) -> float | None:
        """Turn the next value."""
        if not math.isfinite(value):
            return None
        if self._first is None:
            self._first = value
            return None
        return 100 * value / self._first if self._first else math.nan

    def apply_many(self, steps: Steps, values: Values) -> tuple[Steps, Values]:
        """Turn the next values."""
        steps, values = finite(steps, values)
        if not len(values):
            return steps, values
        is_first = self._first is None
        if self._first is None:
            self._first = float(values[0])
        turned = 100 * values / self._first if self._first else np.full(len(values), math.nan)
        return steps[is_first:], turned[is_first:]

    @property
    def factor(self) -> float | None:
        """What a value is multiplied with; None before the first reading."""
        return 100 / self._first if self._first else None

    def state_dict(self) -> dict[str, Any]:
        """The first reading."""
        return {"first": self._first}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        self._first = state["first"]


def finite(steps: Steps, values: Values) -> tuple[Steps, Values]:
    """Leave out what is not finite.

    Args:
        steps: int64 array of shape (n,).
        values: float64 array of shape (n,).

    Returns:
        The rest of both.
    """
    is_finite = np.isfinite(values)
    return (steps, values) if is_finite.all() else (steps[is_finite], values[is_finite])
