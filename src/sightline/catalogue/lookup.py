"""The catalogue's rows: which tags exist, and what each of them tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import yaml

from sightline.catalogue.limits import HealthyRange, Limit

RECIPES = ("common", "hjepa")  # a file of rows each; the order in which a tag is looked up
# Curves that others write: what a log is judged by whose tags are named like these.
FOREIGN = ("generic", "hnerv", "vae", "gan")

_NUMBERS = {"l", "i", "m"}  # levels, indices; any other field stands for a name
FIELD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Row:
    """A tag, or a family of tags, and what a reader of its curve needs to know.

    Attributes:
        tag: exact name, with fields such as `{l}` where the row stands for a family.
        recipe: who writes it: `common` for every trainer, or the recipe's name.
        subject: what it is about; rows of one subject stand together.
        when: when it is written.
        meaning: what it is and how to read it.
        kind: scalar, histogram, image, video, text, graph, hparams, layout or embedding.
        unit: unit of the value, None for a plain number.
        healthy: what a good curve looks like.
        warn: what a bad curve looks like, and what it may mean.
        band: where a good curve runs, for charts to shade; None where no two numbers say it.
        limits: what the curve is judged by; empty where only a person can tell.
    """

    tag: str
    recipe: str
    subject: str
    when: str
    meaning: str
    kind: str = "scalar"
    unit: str | None = None
    healthy: str | None = None
    warn: str | None = None
    band: HealthyRange | None = None
    limits: tuple[Limit, ...] = ()

    def fill(self, tag: str) -> Row | None:
        """Return the row of one tag of the family, its fields filled in, or None for a stranger.

        Args:
            tag: a tag as it is written, such as `loss/h2`.

        Returns:
            The row with `{l}` and `{name}` replaced in all its texts; None if the tag is not of
            this family.
        """
        found = fields_of(self.tag, tag)
        if found is None:
            return None
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        filled: dict[str, Any] = {
            name: fill(text, found) for name, text in known.items() if isinstance(text, str)
        }
        return replace(self, **filled)


def fields_of(family: str, tag: str) -> dict[str, str] | None:
    """What stands for the fields of a family in one of its tags.

    Args:
        family: a row's tag, such as `loss/h{l}`.
        tag: a tag as it is written.

    Returns:
        Text by field; None if the tag is not of this family.

    Example:
        >>> fields_of("hierarchy/cka_{l}_{m}", "hierarchy/cka_0_2")
        {'l': '0', 'm': '2'}
        >>> fields_of("loss/h{l}", "loss/total") is None
        True
    """
    match = _pattern(family).fullmatch(tag)
    return None if match is None else match.groupdict()


def fill(text: str, found: Mapping[str, str]) -> str:
    """Put what was found in the place of the fields of a text; others stay.

    Args:
        text: a text of a row.
        found: text by field.

    Returns:
        The text, filled in.
    """
    return FIELD.sub(lambda hit: found.get(hit[1], hit[0]), text)


@cache
def rows(recipes: tuple[str, ...] = RECIPES) -> tuple[Row, ...]:
    """Return all rows, in the order of the files; they are read at the first call.

    Args:
        recipes: whose rows.

    Returns:
        The rows, every tag once, those of one subject together.

    Example:
        >>> [row.tag for row in rows()][:3]
        ['epoch', 'train/loss', 'train/lr']
    """
    return tuple(
        _row(recipe, subject, texts)
        for recipe in recipes
        for subject, members in read_data(f"rows/{recipe}.yaml").items()
        for texts in members
    )


def read_data(name: str) -> Any:
    """Read a file of the catalogue.

    Args:
        name: its place beside this module.

    Returns:
        What the YAML holds.
    """
    text = (files("sightline.catalogue") / name).read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster, where it is built
    return yaml.load(text, loader)


@lru_cache(maxsize=4096)
def find(tag: str, recipes: tuple[str, ...] = RECIPES) -> Row | None:
    """Find the row of a tag. An exact name goes before a family, a family before a later one.

    Args:
        tag: a tag as it is written, such as `loss/h2`.
        recipes: whose rows are looked through.

    Returns:
        The row with its fields filled in, or None for a tag that the catalogue does not know.

    Example:
        >>> find("loss/contribution_h2").meaning
        'Share of level 2 in loss/total, weights included. The shares add up to 100.'
        >>> find("my/own_metric") is None
        True
    """
    exact = (row for row in rows(recipes) if row.tag == tag)
    families = (row.fill(tag) for row in rows(recipes))
    return next(exact, None) or next(filter(None, families), None)


def describe(tag: str) -> str | None:
    """Describe a tag in markdown: the text behind TensorBoard's info icon.

    Args:
        tag: a tag as it is written, such as `loss/h2`.

    Returns:
        Meaning, healthy range, warning, unit and cadence; None for an unknown tag.

    Example:
        >>> print(describe("masking/context_target_overlap"))
        Share of the target patches that the encoder was also shown. The model can copy those.
        <BLANKLINE>
        - **Healthy:** exactly 0
        - **Warning:** anything above 0 (a leak; the loss falls and nothing is learned)
        - **Unit:** share of the targets
        - **Written:** every logging.monitor_frequency steps
    """
    row = find(tag)
    return None if row is None else as_markdown(row)


def as_markdown(row: Row) -> str:
    """Word a row in markdown: a paragraph of meaning and a list of what else is known.

    Args:
        row: a row, its fields filled in or not.

    Returns:
        Markdown without a trailing newline.
    """
    facts = {
        "Healthy": row.healthy,
        "Warning": row.warn,
        "Unit": row.unit,
        "Written": row.when,
    }
    points = [f"- **{name}:** {fact}" for name, fact in facts.items() if fact is not None]
    return "\n".join([row.meaning, "", *points])


def _row(recipe: str, subject: str, texts: Mapping[str, Any]) -> Row:
    numbers: dict[str, Any] = {"limits": tuple(Limit(**one) for one in texts.get("limits", ()))}
    if "band" in texts:
        numbers["band"] = HealthyRange(**texts["band"])
    return Row(recipe=recipe, subject=subject, **{**texts, **numbers})


@cache
def _pattern(tag: str) -> re.Pattern[str]:
    parts = FIELD.split(tag)  # literal, field, literal, field, ..., literal
    names = [f"(?P<{name}>{r'[0-9]+' if name in _NUMBERS else '.+'})" for name in parts[1::2]]
    literals = [re.escape(part) for part in parts[::2]]
    return re.compile("".join(a + b for a, b in zip(literals, [*names, ""], strict=True)))
