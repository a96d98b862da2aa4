"""The catalogue as a page of the documentation."""

from __future__ import annotations

from itertools import groupby

from sightline.catalogue.lookup import Row, as_markdown, rows

_HEAD = """\
# Tags

Every tag that Sightline writes, and how to read it. TensorBoard shows the same text behind the info
icon of each chart. All tags share one x axis, the global optimizer step. `{l}` stands for a level,
0 the finest; `{name}` for any metric's name.

This page is generated from `src/sightline/catalogue/tags.yaml`;
`python -m sightline.catalogue > docs/tags.md` writes it anew.
"""

_RECIPES = {"common": "Every trainer", "hjepa": "H-JEPA"}


def page() -> str:
    """Write docs/tags.md from the rows: a table of all tags, then each one with its text.

    Returns:
        The page in markdown, with a trailing newline.

    Example:
        >>> page().splitlines()[0]
        '# Tags'
    """
    by_recipe = [(name, list(group)) for name, group in groupby(rows(), lambda row: row.recipe)]
    parts = [_HEAD]
    for recipe, members in by_recipe:
        parts += [f"## {_RECIPES.get(recipe, recipe)}\n", _table(members)]
        parts += [f"### `{row.tag}`\n\n{as_markdown(row)}\n" for row in members]
    return "\n".join(parts)


def _table(members: list[Row]) -> str:
    lines = ["| tag | kind | unit | written |", "|---|---|---|---|"]
    lines += [f"| `{row.tag}` | {row.kind} | {row.unit or ''} | {row.when} |" for row in members]
    return "\n".join([*lines, ""])
