"""One tag of a live run: its rules, and the values that none of them need be told of."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sightline.health.criteria import Interval
from sightline.health.finding import Finding
from sightline.health.related import Related
from sightline.health.rule import EVERYTHING, NOTHING, Rule, Watch


class Followed:
    """Hands the values of a tag to the rules that follow it, and to those that only read it.

    Between `low` and `high` a value changes nothing, whatever its rounding to float32.

    Args:
        rules: those whose series it is.
        readers: those that set another series against it; the list may grow.
    """

    __slots__ = ("high", "low", "readers", "rules")

    def __init__(self, rules: Sequence[Rule], readers: list[Related]) -> None:
        self.rules = tuple(rules)
        self.readers = readers
        self.low, self.high = NOTHING

    @property
    def bounds(self) -> list[float]:
        """Steps after which another interval is calm."""
        watches = [rule.watch if isinstance(rule, Related) else rule for rule in self.rules]
        return [
            bound
            for watch in watches
            if isinstance(watch, Watch)
            for bound in (watch.warmup_steps, watch.until_step)
        ]

    def look(self, step: int) -> None:
        """Find out which values are calm at a step."""
        if self.readers:
            self.low, self.high = NOTHING
            return
        intervals = [_inner(_calm(rule, step)) for rule in self.rules]
        self.low = max((low for low, _ in intervals), default=-math.inf)
        self.high = min((high for _, high in intervals), default=math.inf)

    def take(self, tag: str, step: int, value: float, news: list[Finding]) -> None:
        """Tell the rules of a value.

        Args:
            tag: the tag.
            step: step of the value.
            value: the value, as a file keeps it.
            news: where findings go that are new with it.
        """
        for rule in self.rules:
            known = _has_found(rule)
            rule.update(step, value)
            if not known and _has_found(rule):
                news += filter(None, (rule.verdict(),))
        for reader in self.readers:
            known = reader.has_found
            reader.note(tag, step, value)
            if not known and reader.has_found:
                news += filter(None, (reader.verdict(),))
        self.look(step)


def _calm(rule: Rule, step: int) -> Interval:
    if isinstance(rule, Watch):
        return rule.calm(step)
    if isinstance(rule, Related) and rule.watch.calm(step) == EVERYTHING:
        return EVERYTHING
    return NOTHING


def _has_found(rule: Rule) -> bool:
    if isinstance(rule, Watch | Related):
        return rule.has_found
    return rule.verdict() is not None


def _inner(interval: Interval) -> Interval:
    """The interval without what float32 may round out of it."""
    low, high = interval
    if math.isfinite(low):
        rounded = np.float32(low)
        low = float(np.nextafter(rounded, np.float32(np.inf)) if rounded <= low else rounded)
    if math.isfinite(high):
        rounded = np.float32(high)
        high = float(np.nextafter(rounded, np.float32(-np.inf)) if rounded >= high else rounded)
    return low, high
