"""The same judgement of a run, live and from its files."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from ctypes import c_float
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.health.book import RuleBook
from sightline.health.criteria import Interval
from sightline.health.finding import Finding
from sightline.health.followed import Followed
from sightline.health.related import Related
from sightline.health.rule import Rule, Steps, Values, Watch
from sightline.health.verdict import Verdict

Rules = RuleBook | Iterable[Rule]
Column = Sequence[int] | Sequence[float] | NDArray[Any]


class Judge:
    """Hands values to the rules that follow them; live, call `update` with what was logged.

    Values are rounded to float32 first, which is what an event file keeps, so that a live verdict
    and one from the files of the same run are equal. Steps of a tag must rise, as they do in what
    a reader keeps of a file.

    Cost: 0.05 us for a value that no rule need be told of, 0.3 to 2 us for others, by the number
    and kind of their rules (benchmarks/health_rules.py).

    Args:
        rules: those of a preset, or fresh rules of your own; they remember what they see.

    Example:
        >>> from sightline.health import Facts, hjepa
        >>> judge = Judge(hjepa(Facts(num_samples=256, width=64)))
        >>> [finding.rule for finding in judge.update(5, {"train/loss": float("nan")})]
        ['non_finite']
        >>> judge.update(6, {"train/loss": float("nan")})     # known already
        ()
    """

    def __init__(self, rules: Rules) -> None:
        self._book = rules if isinstance(rules, RuleBook) else None
        own: dict[str, list[Rule]] = defaultdict(list)
        for rule in () if isinstance(rules, RuleBook) else rules:
            own[rule.tag].append(rule)
        self._own = dict(own)
        self._followed: dict[str, Followed] = {}
        self._calm: dict[str, Interval] = {}  # of each tag that is followed
        self._listeners: dict[str, tuple[Callable[[int, float], object], ...]] = {}
        self._news: list[Rule] = []
        self._as_stored = c_float()
        self._readers: dict[str, list[Related]] = defaultdict(list)
        self._prepared: dict[str, Followed] = {}  # not seen yet, but they listen to what is
        self._next_start = -1.0
        for tag in self._own:
            self._prepare(tag)

    def update(self, step: int, values: Mapping[str, float]) -> tuple[Finding, ...]:
        """Take the values of one step.

        Args:
            step: global optimizer step.
            values: scalars by tag; tags that no rule follows are passed over.

        Returns:
            The findings that are new with these values.
        """
        if step > self._next_start:
            self._enter(step)
        calm, listeners, as_stored = self._calm, self._listeners, self._as_stored
        for tag, value in values.items():
            try:
                low, high = calm[tag]
            except KeyError:
                low, high = self._follow(tag, step)
            if not low <= value <= high:
                as_stored.value = value
                stored = as_stored.value
                for tell in listeners[tag]:
                    tell(step, stored)
        if not self._news:
            return ()
        news = tuple(found for rule in self._news if (found := rule.verdict()) is not None)
        self._news.clear()
        return news

    def update_many(self, series: Mapping[str, tuple[Steps, Values]]) -> None:
        """Take whole series, with the same outcome as their values step by step.

        Args:
            series: steps, int64, and values, float64 and as a file keeps them, by tag.
        """
        for tag, (steps, values) in series.items():
            if not len(steps):
                continue
            if tag not in self._followed:
                self._follow(tag, -1)
            for rule in self._followed[tag].rules:
                if isinstance(rule, Related):
                    rule.update_many(steps, values, series)
                elif isinstance(rule, Watch):
                    rule.update_many(steps, values)
                else:
                    for step, value in zip(steps.tolist(), values.tolist(), strict=True):
                        rule.update(step, value)

    def verdict(self) -> Verdict:
        """Say what was found so far.

        Returns:
            The verdict over all rules.
        """
        rules = [rule for one in self._followed.values() for rule in one.rules]
        findings = [finding for rule in rules if (finding := rule.verdict()) is not None]
        waited_for = (*self._own, *(self._book.tags if self._book is not None else ()))
        unjudged = () if self._book is None else self._book.unjudged(self._followed)
        return Verdict(
            findings=tuple(
                sorted(findings, key=lambda f: (-f.level, f.first_step, f.tag, f.rule, f.unit))
            ),
            unmeasured=tuple(tag for tag in waited_for if tag not in self._followed),
            unjudged=unjudged,
        )

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must be told: JSON values.

        Returns:
            The memories of all rules of a preset, by tag.
        """
        memories = {
            tag: [
                rule.state_dict() if isinstance(rule, Watch | Related) else {} for rule in one.rules
            ]
            for tag, one in (self._prepared | self._followed).items()
        }
        return {"measured": list(self._followed), "rules": memories}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` returned; other limits than then start anew.

        Args:
            state: the memories.
        """
        self._followed.clear()
        self._calm.clear()
        self._prepared.clear()
        self._readers.clear()
        for tag, memories in state["rules"].items():
            rules = self._prepare(tag).rules
            kinds = [rule.kind if isinstance(rule, Watch | Related) else None for rule in rules]
            if kinds == [memory.get("kind") for memory in memories]:
                for rule, memory in zip(rules, memories, strict=True):
                    if isinstance(rule, Watch | Related):
                        rule.load_state_dict(memory)
        for tag in state["measured"]:
            self._follow(tag, -1)

    def _follow(self, tag: str, step: int) -> Interval:
        """Take up a tag that is seen for the first time."""
        for dependent in self._book.dependents(tag) if self._book is not None else ():
            if dependent not in self._followed:
                self._prepare(dependent)
        one = self._followed[tag] = self._prepare(tag)
        del self._prepared[tag]
        self._next_start = -1.0
        self._calm[tag] = one.calm(step)
        self._listeners[tag] = one.listeners(self._calm)
        return self._calm[tag]

    def _prepare(self, tag: str) -> Followed:
        if tag not in self._prepared:
            made = self._book.rules_for(tag) if self._book is not None else ()
            rules = (*self._own.get(tag, ()), *made)
            one = Followed(tag, rules, self._readers[tag], self._news)
            self._prepared[tag] = one
            for rule in one.rules:
                if isinstance(rule, Related):
                    for read in rule.reads:
                        self._readers[read].append(rule)
        return self._prepared[tag]

    def _enter(self, step: int) -> None:
        """What is calm changes where warm-ups end."""
        bounds = [bound for one in self._followed.values() for bound in one.bounds]
        self._next_start = min((bound for bound in bounds if bound >= step), default=math.inf)
        for tag, one in self._followed.items():
            self._calm[tag] = one.calm(step)
            self._listeners[tag] = one.listeners(self._calm)


def judge(rules: Rules, series: Mapping[str, tuple[Column, Column]]) -> Verdict:
    """Judge recorded series with the rules that also run live.

    Args:
        rules: those of a preset, or fresh rules.
        series: steps and values by tag, in the order in which they were written: steps rise.

    Returns:
        The verdict over all rules.

    Raises:
        ValueError: if a series has not as many steps as values, or its steps do not rise.

    Example:
        >>> from sightline.health import Facts, hjepa
        >>> rules = hjepa(Facts(num_samples=256, width=64))
        >>> verdict = judge(rules, {"masking/context_target_overlap": ([50, 100], [0.0, 0.02])})
        >>> verdict.passed, verdict.findings[0].first_step
        (False, 100)
    """  # noqa: DOC502  _column raises it
    judging = Judge(rules)
    judging.update_many({tag: _column(tag, *columns) for tag, columns in series.items()})
    return judging.verdict()


def _column(tag: str, steps: Column, values: Column) -> tuple[Steps, Values]:
    if len(steps) != len(values):
        raise ValueError(
            f"expected as many steps as values for {tag}, got {len(steps)} and {len(values)}; "
            "pass one step for each value"
        )
    rising = np.asarray(steps, np.int64)
    if bool(np.any(rising[1:] <= rising[:-1])):
        raise ValueError(
            f"expected rising steps for {tag}, got some that are not higher than the one before; "
            "leave out what a restart replaced, as sightline.read does"
        )
    with np.errstate(over="ignore"):
        return rising, np.asarray(values, np.float32).astype(np.float64)
