"""One tag of a live run: its rules, and the values that none of them need be told of."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

import numpy as np

from sightline.health.criteria import Interval
from sightline.health.related import Related
from sightline.health.rule import EVERYTHING, NOTHING, Rule, Watch


class Followed:
    """The rules that follow a tag, and those that only read it.

    Args:
        tag: the tag.
        rules: those whose series it is.
        readers: those that set another series against it; the list may grow.
        news: where rules are put that find something for the first time.
    """

    def __init__(
        self, tag: str, rules: Sequence[Rule], readers: list[Related], news: list[Rule]
    ) -> None:
        self.tag = tag
        self.rules = tuple(rules)
        self.readers = readers
        self._news = news
        for rule in self.rules:
            watch = rule.watch if isinstance(rule, Related) else rule
            if isinstance(watch, Watch):
                watch.on_found = partial(news.append, rule)

    @property
    def bounds(self) -> list[float]:
        """Steps after which other values are calm."""
        watches = [rule.watch if isinstance(rule, Related) else rule for rule in self.rules]
        return [
            bound
            for watch in watches
            if isinstance(watch, Watch)
            for bound in (watch.warmup_steps, watch.until_step)
        ]

    def listeners(self, calm: dict[str, Interval]) -> tuple[Callable[[int, float], object], ...]:
        """Whom to tell of a value that is not calm, with its step and the value as a file has it.

        Args:
            calm: where to keep which values of the tag are calm, if that depends on those before.

        Returns:
            Functions, in the order of the rules.
        """
        rules = (
            rule.update if isinstance(rule, Watch | Related) else partial(self._tell_other, rule)
            for rule in self.rules
        )
        told = *rules, *(partial(reader.note, self.tag) for reader in self.readers)
        if self.readers or not all(
            isinstance(rule, Watch) and rule.may_be_calm for rule in self.rules
        ):
            return told

        def look(step: int, _: float) -> None:
            calm[self.tag] = self.calm(step)

        return *told, look

    def _tell_other(self, rule: Rule, step: int, value: float) -> None:
        was_known = rule.verdict() is not None
        rule.update(step, value)
        if not was_known and rule.verdict() is not None:
            self._news.append(rule)

    def calm(self, step: int) -> Interval:
        """Values that nobody need be told of, up to the next of `bounds`.

        Args:
            step: the step of the next value.

        Returns:
            The smallest and the largest of them; whatever their rounding to float32.
        """
        if self.readers:
            return NOTHING
        low, high = EVERYTHING
        for rule in self.rules:
            calm = _calm(rule, step)
            if calm is NOTHING:
                return NOTHING
            low, high = max(low, calm[0]), min(high, calm[1])
        return _inner((low, high))


def _calm(rule: Rule, step: int) -> Interval:
    if isinstance(rule, Watch):
        return rule.calm(step)
    if isinstance(rule, Related) and rule.watch.calm(step) == EVERYTHING:
        return EVERYTHING
    return NOTHING


@lru_cache(maxsize=1024)
def _inner(interval: Interval) -> Interval:
    """The interval up to its outermost float32 numbers: rounding leads out of none of those."""
    low, high = interval
    if math.isfinite(low):
        rounded = np.float32(low)
        low = float(np.nextafter(rounded, np.float32(np.inf)) if float(rounded) < low else rounded)
    if math.isfinite(high):
        rounded = np.float32(high)
        high = float(
            np.nextafter(rounded, np.float32(-np.inf)) if float(rounded) > high else rounded
        )
    return low, high
