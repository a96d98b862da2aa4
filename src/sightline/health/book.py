"""From the catalogue's limits to rules: which rules a tag gets, once it is seen."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from sightline.catalogue import FOREIGN, RECIPES, Limit, Row, fields_of, fill, find, rows
from sightline.health.facts import Facts
from sightline.health.making import make_rule, tags_read
from sightline.health.related import Related
from sightline.health.rule import Watch


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

    NOTED_AS: ClassVar = "run/health"  # the text of a run that says what it is to be judged by

    recipes: tuple[str, ...]
    facts: Facts

    def rules_for(self, tag: str) -> tuple[Watch | Related, ...]:
        """Fresh rules of one tag.

        Args:
            tag: a tag as it is written.

        Returns:
            A rule for each limit that can be judged; none for a stranger.
        """
        made = (make_rule(tag, *found, self.facts) for found in self._limits(tag))
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
            for other in tags_read(row.tag, limit)
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
            if isinstance(made := make_rule(tag, *found, self.facts), str)
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

    def to_note(self) -> str:
        """What a run notes as `run/health`.

        Returns:
            `to_json` as Markdown.
        """
        return f"```json\n{self.to_json()}\n```"

    @classmethod
    def from_note(cls, note: str) -> RuleBook:
        """Read what `to_note` wrote.

        Args:
            note: Markdown.

        Returns:
            The rules.

        Raises:
            ValueError: if it is something else.
        """  # noqa: DOC502  from_json raises it
        return cls.from_json(note.strip().removeprefix("```json").removesuffix("```"))

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
