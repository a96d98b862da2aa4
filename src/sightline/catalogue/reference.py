"""The catalogue as a page of the documentation."""

from __future__ import annotations

from itertools import groupby

from sightline.catalogue.lookup import Row, as_markdown, rows

_HEAD = """\
# Tags

Every tag that Sightline writes, and how to read it. TensorBoard shows the same text behind the info
icon of each chart; `sightline tags` prints it too. All tags share one x axis, the global optimizer
step. `{l}` stands for a level, 0 the finest; `{i}` for a number; `{module}`, `{layer}` and `{name}`
for names. N is the number of samples that a value is measured on, D the width of their features.

This page is generated from the rows in `src/sightline/catalogue/rows/`;
`python -m sightline.catalogue > docs/tags.md` writes it anew.
"""

_RECIPES = {"common": "Every trainer", "hjepa": "H-JEPA"}


def page() -> str:
    """Write docs/tags.md from the rows: contents, then a table and the texts of each subject.

    Returns:
        The page in markdown, with a trailing newline.

    Example:
        >>> page().splitlines()[0]
        '# Tags'
    """
    subjects = [
        (recipe, subject, list(members))
        for (recipe, subject), members in groupby(rows(), lambda row: (row.recipe, row.subject))
    ]
    parts = [_HEAD, _contents([(recipe, subject) for recipe, subject, _ in subjects])]
    for recipe, by_recipe in groupby(subjects, lambda one: one[0]):
        parts.append(f"## {_RECIPES.get(recipe, recipe)}\n")
        for _, subject, members in by_recipe:
            parts += [f"### {subject}\n", _table(members)]
            parts += [f"#### `{row.tag}`\n\n{as_markdown(row)}\n" for row in members]
    return "\n".join(parts)


def _contents(subjects: list[tuple[str, str]]) -> str:
    lines = [
        f"- {_RECIPES.get(recipe, recipe)}: "
        + ", ".join(f"[{subject}](#{_anchor(subject)})" for _, subject in members)
        for recipe, members in groupby(subjects, lambda one: one[0])
    ]
    return "\n".join([*lines, ""])


def _anchor(heading: str) -> str:
    """Where a heading is found on a rendered page."""
    return heading.lower().replace(" ", "-")


def _table(members: list[Row]) -> str:
    lines = ["| tag | kind | unit | written |", "|---|---|---|---|"]
    lines += [f"| `{row.tag}` | {row.kind} | {row.unit or ''} | {row.when} |" for row in members]
    return "\n".join([*lines, ""])
