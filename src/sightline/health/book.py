"""From the catalogue's limits to rules: which rules a tag gets, once it is seen."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from sightline.catalogue import (
    FOREIGN,
    RECIPES,
    Limit,
    Row,
    advice,
    factor,
    fields_of,
    fill,
    find,
    rows,
)
from sightline.health.criteria import Band, Criterion, Interval, NonFinite, StuckAt
from sightline.health.facts import Facts
from sightline.health.finding import Level
from sightline.health.related import (
    Related,
    Relation,
    Unless,
    difference,
    share,
    standard_errors,
)
from sightline.health.rule import About, Watch
from sightline.health.transforms import Change, OfFirst, OffPlan, Transform
from sightline.health.windows import Deviations, Drift, Gain, Range

RELATIONS: dict[str, Relation] = {
    "share": share,
    "difference": difference,
    "standard_errors": standard_errors,
}


@dataclass(frozen=True)
class RuleBook:
    """The rules of a preset: they are made of the catalogue's limits when a tag is first seen.

    Attributes:
        recipes: whose limits; all that a tag has in any of them are judged.
        facts: what is known of the run.

    Example:
        >>> book = RuleBook(("common", "hjepa"), Facts(num_samples=257, width=64))
        >>> [rule.about.unit for rule in book.rules_for("collapse/effective_rank")]
        ['% of min(N - 1, D)']
        >>> book.rules_for("my/own")
        ()
    """

    recipes: tuple[str, ...]
    facts: Facts

    def rules_for(self, tag: str) -> tuple[Watch | Related, ...]:
        """Fresh rules of one tag.

        Args:
            tag: a tag as it is written.

        Returns:
            A rule for each limit that can be judged; none for a stranger.
        """
        made = (self._make(tag, *found) for found in self._limits(tag))
        return tuple(rule for rule in made if not isinstance(rule, str))

    def dependents(self, tag: str) -> tuple[str, ...]:
        """Tags whose rules set them against this one.

        Args:
            tag: a tag as it is written.

        Returns:
            Their names, each once.
        """
        names: dict[str, None] = {}
        for family, other in self._read_by:
            found = fields_of(other, tag)
            if found is not None:
                names[fill(family, found)] = None
        return tuple(names)

    @cached_property
    def _read_by(self) -> list[tuple[str, str]]:
        """Tags that are set against others, each with that other."""
        return [
            (row.tag, other)
            for row in self._rows()
            for limit in row.limits
            for other in _others(row.tag, limit)
        ]

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags of which a value is waited for: those with limits, families left out."""
        return tuple(
            dict.fromkeys(row.tag for row in self._rows() if row.limits and "{" not in row.tag)
        )

    def unjudged(self, tags: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """Limits that no rule can be made of, since a fact of the run is not known.

        Args:
            tags: the tags that were seen.

        Returns:
            Tag and reason of each.
        """
        return tuple(
            (tag, made)
            for tag in tags
            for found in self._limits(tag)
            if isinstance(made := self._make(tag, *found), str)
        )

    def to_json(self) -> str:
        """Write down what the rules are made of, as a run keeps it beside its curves.

        Returns:
            A JSON object.

        Example:
            >>> book = RuleBook(("common",), Facts(width=64))
            >>> RuleBook.from_json(book.to_json()) == book
            True
        """
        return json.dumps({"recipes": self.recipes, "facts": json.loads(self.facts.to_json())})

    @classmethod
    def from_json(cls, text: str) -> RuleBook:
        """Read what `to_json` wrote.

        Args:
            text: a JSON object.

        Returns:
            The rules.

        Raises:
            ValueError: if it is something else.
        """
        try:
            found = json.loads(text)
            facts = Facts.from_json(json.dumps(found["facts"]))
            recipes = tuple(map(str, found["recipes"]))
        except (TypeError, KeyError, ValueError) as error:
            raise ValueError(
                f"expected rules as RuleBook.to_json writes them, got {text[:80]!r}; name a preset"
            ) from error
        known = {*RECIPES, *FOREIGN}
        if not set(recipes) <= known:
            raise ValueError(
                f"expected recipes among {', '.join(sorted(known))}, got {', '.join(recipes)}; "
                "name a preset"
            )
        return cls(recipes, facts)

    def _rows(self) -> Iterator[Row]:
        for recipes in self._sources():
            yield from rows(recipes)

    def _sources(self) -> list[tuple[str, ...]]:
        """What is looked up together: all that Sightline writes, and all that others do."""
        own = tuple(recipe for recipe in self.recipes if recipe not in FOREIGN)
        others = tuple(recipe for recipe in self.recipes if recipe in FOREIGN)
        return [recipes for recipes in (own, others) if recipes]

    def _limits(self, tag: str) -> Iterator[tuple[Row, dict[str, str], Limit]]:
        """The limits of a tag, each with its row and what stands for the row's fields."""
        for recipes in self._sources():
            row = find(tag, recipes)
            if row is not None and row.limits:
                family, found = next(
                    (other, fields)
                    for other in sorted(rows(recipes), key=lambda one: one.tag != tag)
                    if (fields := fields_of(other.tag, tag)) is not None
                )
                for limit in row.limits:
                    yield family, found, limit

    def _make(
        self, tag: str, row: Row, found: dict[str, str], limit: Limit
    ) -> Watch | Related | str:
        """A rule, or why there is none."""
        facts = self.facts
        if limit.min_patches and (facts.num_patches or 0) < limit.min_patches:
            known = "not known" if facts.num_patches is None else f"{facts.num_patches}"
            return f"it holds from {limit.min_patches} patches on, and their number is {known}"
        low, high = limit.low, limit.high
        scale, transform = 1.0, None
        if limit.scale == "configured":
            if tag not in facts.ranges:
                return "the configured range is not known"
            low, high = facts.ranges[tag]
        elif limit.scale == "schedule":
            if tag not in facts.plans:
                return "the schedule is not known"
            transform = OffPlan(facts.plans[tag])
        elif limit.scale not in {*RELATIONS, "deviations", "first", "jump"}:
            times = factor(limit.scale, num_samples=facts.num_samples, width=facts.width)
            if times is None:
                return "the shape of the features is not known, or shows nothing"
            scale = times
        starts = {"start": 0, "warmup": facts.warmup_steps, "settled": facts.settle_steps}
        criterion = _criterion(limit, low, high)
        words = advice(row.tag, limit.kind, found)
        watch = Watch(
            About(
                tag=tag,
                level=Level[limit.level.upper()],
                unit=fill(_unit(row, limit), found),
                why="" if words is None else words.why,
                remedy="" if words is None else words.remedy,
                page="" if words is None else words.page,
            ),
            criterion,
            transform=transform or _transform(limit, criterion.calm),
            scale=scale,
            warmup_steps=starts[limit.after],
            until_step=None if limit.until is None else starts[limit.until],
            patience=limit.patience,
        )
        if limit.scale not in RELATIONS and limit.unless is None:
            return watch
        reference = _reference(row.tag, limit)
        return Related(
            watch,
            RELATIONS.get(limit.scale),
            None if reference is None else fill(reference, found),
            None if limit.unless is None else Unless(fill(limit.unless[0], found), limit.unless[1]),
        )


def _reference(family: str, limit: Limit) -> str | None:
    return f"{family}_error" if limit.scale == "standard_errors" else limit.reference


def _others(family: str, limit: Limit) -> list[str]:
    unless = None if limit.unless is None else limit.unless[0]
    return [tag for tag in (_reference(family, limit), unless) if tag is not None]


def _unit(row: Row, limit: Limit) -> str:
    if limit.trend is not None and limit.low is None and limit.high is None:
        return f"% {'up' if limit.trend == 'rising' else 'down'} in {limit.window} readings"
    if limit.plateau is not None:
        return f"% of all that was gained, in {limit.window} readings"
    if limit.flat is not None:
        return f"% between the extremes of {limit.window} readings"
    if limit.monotone is not None or limit.unchanged:
        return "from one reading to the next"
    return limit.unit or row.unit or ""


def _criterion(limit: Limit, low: float | None, high: float | None) -> Criterion:
    if limit.finite:
        return NonFinite(limit.kind)
    if limit.forbidden is not None:
        return StuckAt(limit.forbidden, limit.kind)
    if limit.unchanged:
        return StuckAt(0.0, limit.kind)
    if limit.monotone is not None:
        low, high = (0.0, None) if limit.monotone == "rising" else (None, 0.0)
    elif limit.plateau is not None:
        low, high = limit.plateau, None
    elif limit.flat is not None:
        low, high = limit.flat, None
    elif limit.trend is not None and low is None and high is None:
        low, high = None, limit.change
    return Band(
        low=-math.inf if low is None else low,
        high=math.inf if high is None else high,
        name=limit.kind,
    )


def _transform(limit: Limit, fine: Interval) -> Transform | None:
    if limit.monotone is not None or limit.unchanged:
        return Change()
    if limit.scale == "jump":
        return Change(relative=True)
    if limit.scale == "first":
        return OfFirst()
    if limit.scale == "deviations":
        return Deviations(limit.window)
    if limit.plateau is not None:
        return Gain(limit.window)
    if limit.flat is not None:
        return Range(limit.window)
    if limit.trend is not None:
        is_of_level = limit.low is not None or limit.high is not None
        return Drift(limit.trend, limit.window, limit.change, fine=fine if is_of_level else None)
    return None
