"""Rules whose series is set against another one of the run."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.health.finding import Finding
from sightline.health.rule import Steps, Values, Watch

Relation = Callable[[float, float], float]


def share(value: float, reference: float) -> float:
    """Value in % of the reference; NaN, which no rule judges, where that is 0."""
    return 100 * value / reference if reference else math.nan


def difference(value: float, reference: float) -> float:
    """What the value has more than the reference."""
    return value - reference


def standard_errors(value: float, error: float) -> float:
    """How many of its standard errors a value is; without any error only 0 is not infinitely many.

    Args:
        value: the value.
        error: its standard error.

    Returns:
        The number, with the sign of the value.

    Example:
        >>> standard_errors(-6.0, 2.0), standard_errors(1e-9, 0.0), standard_errors(0.0, 0.0)
        (-3.0, inf, 0.0)
    """
    if error > 0:
        return value / error
    if math.isnan(value):  # it has a sign, and says nothing
        return math.nan
    return math.copysign(math.inf, value) if value else 0.0


@dataclass(frozen=True, slots=True)
class Unless:
    """When a rule does not hold: where another series has exactly this value.

    Attributes:
        tag: the other series.
        value: the value, e.g. a momentum of 1, at which a target encoder stands still by intent.
    """

    tag: str
    value: float


class Related:
    """Rule that sets each value against another series: its value at the step, or its latest.

    Values of one step may come in any order, so a value is judged when the next step begins.

    Args:
        watch: judges what the relation makes of a value.
        relation: from value and reference to what is judged; None for the value itself.
        reference: tag of the other series, where there is a relation.
        unless: when a value is not judged; it ends a streak then, as a good one does.

    Example:
        >>> from sightline.health.criteria import Band
        >>> from sightline.health.rule import About
        >>> rule = Related(Watch(About(tag="data_ms"), Band(high=20)), share, "step_ms")
        >>> rule.update(1, 5.0)
        >>> rule.note("step_ms", 1, 10.0)
        >>> rule.verdict().value
        50.0
    """

    def __init__(
        self,
        watch: Watch,
        relation: Relation | None = None,
        reference: str | None = None,
        unless: Unless | None = None,
    ) -> None:
        self.watch = watch
        self.relation = relation
        self.reference = reference
        self.unless = unless
        self._latest: dict[str, float] = {}
        self._waiting: tuple[int, float] | None = None

    @property
    def tag(self) -> str:
        """The series that is judged."""
        return self.watch.tag

    @property
    def reads(self) -> tuple[str, ...]:
        """The other series that the rule must be told of."""
        return tuple(filter(None, (self.reference, self.unless.tag if self.unless else None)))

    def update(self, step: int, value: float) -> None:
        """Take the next value of the series."""
        if self._waiting is not None:
            self._settle()
        self._waiting = (step, value)

    def note(self, tag: str, step: int, value: float) -> None:
        """Take the next value of another series."""
        if self._waiting is not None and step > self._waiting[0]:
            self._settle()
        self._latest[tag] = value

    def update_many(
        self, steps: Steps, values: Values, others: Mapping[str, tuple[Steps, Values]]
    ) -> None:
        """Take a whole series and those that it reads, with the outcome of one call for each value.

        Args:
            steps: int64 array of shape (n,), rising.
            values: float64 array of shape (n,).
            others: steps and values of the series that the rule reads, those that there are.
        """
        latest = {tag: _at(steps, *others[tag]) for tag in self.reads if tag in others}
        rows = values.tolist()
        if self.relation is not None:
            if self.reference not in latest:
                return
            pairs = zip(rows, latest[self.reference].tolist(), strict=True)
            rows = [self.relation(value, reference) for value, reference in pairs]
        turned = np.array(rows, np.float64)
        if self.unless is not None and self.unless.tag in latest:
            turned[latest[self.unless.tag] == self.unless.value] = math.nan
        if self.relation is not None and self.reference is not None:
            first = others[self.reference][0][:1]
            is_known = steps >= (first[0] if len(first) else np.iinfo(np.int64).max)
            steps, turned = steps[is_known], turned[is_known]
        self.watch.update_many(steps, turned)

    def verdict(self) -> Finding | None:
        """Return what was found so far, the value that waits for others of its step included."""
        if self._waiting is None:
            return self.watch.verdict()
        ended = copy.copy(self)
        ended.watch = self.watch.copy()
        ended._settle()
        return ended.watch.verdict()

    @property
    def kind(self) -> str:
        """What a memory must be of to be this rule's."""
        return f"{self.watch.kind} {self.reads}"

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must be told: JSON values."""
        return {
            "kind": self.kind,
            "watch": self.watch.state_dict(),
            "latest": dict(self._latest),
            "waiting": None if self._waiting is None else list(self._waiting),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        self.watch.load_state_dict(state["watch"])
        self._latest = dict(state["latest"])
        waiting = state["waiting"]
        self._waiting = None if waiting is None else (waiting[0], waiting[1])

    def _settle(self) -> None:
        if self._waiting is None:
            return
        (step, value), self._waiting = self._waiting, None
        if self.relation is not None:
            reference = self._latest.get(self.reference or "")
            if reference is None:
                return
            value = self.relation(value, reference)
        if self.unless is not None and self._latest.get(self.unless.tag) == self.unless.value:
            value = math.nan
        self.watch.update(step, value)


def _at(steps: Steps, other_steps: Steps, other_values: Values) -> Values:
    """The latest value of another series at each step; NaN before its first."""
    position = np.searchsorted(other_steps, steps, side="right") - 1
    if not len(other_values):
        return np.full(len(steps), math.nan)
    return np.where(position >= 0, other_values[np.maximum(position, 0)], math.nan)
