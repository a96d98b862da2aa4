"""`sightline tags`: what a tag means, how to read its curve, and what is drawn together."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.cli.errors import explained
from sightline.cli.selection import FOUND_A_PROBLEM, matcher, warn

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from sightline.catalogue import Row

UNLIMITED = 10_000
EPILOG = (
    "A layout is written in the JSON form of TensorBoard's own message. Edit it, then reuse it: "
    "logger.log_layout(sightline.catalogue.layout_from_json(json.load(open('layout.json')))). "
    "Shaded ranges show where sightline.catalogue.bands is logged beside the values; --no-bands "
    "draws curves alone. Exit codes: 0 fine, 1 nothing matched, 2 usage."
)


class LayoutFormat(StrEnum):
    """How a layout is printed."""

    JSON = "json"


def tags(
    pattern: Annotated[
        str | None, typer.Argument(help="A tag as it is logged, or a regular expression.")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only what this recipe writes, or common.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    layout: Annotated[
        LayoutFormat | None,
        typer.Option(help="Print the dashboards of the recipe (hjepa, if none is named)."),
    ] = None,
    levels: Annotated[int, typer.Option(min=1, help="With --layout: levels of the run.")] = 3,
    param_groups: Annotated[
        int, typer.Option(min=1, help="With --layout: parameter groups of the run.")
    ] = 1,
    module: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="With --layout: a module of the run; may be repeated."),
    ] = None,
    block: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="With --layout: a block of the run; may be repeated."),
    ] = None,
    bands: Annotated[bool, typer.Option(help="With --layout: shade healthy ranges.")] = True,
    debug: Annotated[bool, typer.Option(help="Show tracebacks.")] = False,
) -> None:
    """Print what is known of tags: a table of all that match, or one tag in full."""
    with explained(debug=debug):
        from sightline import catalogue

        if layout is not None:
            dashboards = catalogue.layout(
                recipe or "hjepa",
                num_levels=levels,
                modules=module or (),
                blocks=block or (),
                num_param_groups=param_groups,
                with_bands=bands,
            )
            typer.echo(json.dumps(catalogue.layout_to_json(dashboards), indent=2))
            return
        found = chosen_rows(pattern, recipe)
    if not found:
        warn([
            f"expected a tag of the catalogue that matches {pattern!r}, got none; `sightline tags` "
            "prints all of them"
        ])
        raise typer.Exit(FOUND_A_PROBLEM)
    if as_json:
        typer.echo(json.dumps([as_document(row) for row in found], indent=2))
    else:
        _print(found)


def chosen_rows(pattern: str | None, recipe: str | None) -> list[Row]:
    """The rows that a pattern means: the one of that very tag, or all whose tags match.

    Args:
        pattern: A tag, one of a family, or a regular expression; None for all.
        recipe: Only of this recipe; None for all.

    Returns:
        The rows, in the order of the catalogue.

    Raises:
        ValueError: If there is no such recipe, or the pattern is no regular expression.
    """
    from sightline.catalogue import RECIPES, find, rows

    if recipe is not None and recipe not in RECIPES:
        raise ValueError(
            f"expected --recipe to be one of {', '.join(RECIPES)}, got {recipe!r}; leave it out "
            "for all of them"
        )
    wanted = [row for row in rows() if recipe in (None, row.recipe)]
    exact = [row for row in wanted if row.tag == pattern]
    if exact or pattern is None:
        return exact or wanted
    is_wanted = matcher("PATTERN", pattern)
    matching = [row for row in wanted if is_wanted(row.tag)]
    member = find(pattern)
    if not matching and member is not None and recipe in (None, member.recipe):
        return [member]
    return matching


def as_document(row: Row) -> dict[str, Any]:
    """A row as JSON values; what it does not say is null.

    Args:
        row: The row.

    Returns:
        A dictionary of its fields.
    """
    return asdict(row)


def _print(found: list[Row]) -> None:
    from rich.console import Console

    console = Console()
    if len(found) == 1:
        console.print(_details(found[0]))
        return
    wide = console if console.is_terminal else Console(width=UNLIMITED)  # for grep and less
    wide.print(_table(found, wide))


def _table(found: list[Row], console: Console) -> RenderableType:
    """A line for each tag, under the headings of their subjects."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("tag", no_wrap=True)
    table.add_column("kind", no_wrap=True)
    table.add_column("healthy", no_wrap=True, overflow="ellipsis")
    subject = None
    for row in found:
        if subject != (row.recipe, row.subject):
            subject = (row.recipe, row.subject)
            table.add_row(Text(f"{row.subject} ({row.recipe})", "bold"))
        table.add_row(Text(f"  {row.tag}"), row.kind, Text(row.healthy or ""))
    return table


def _details(row: Row) -> RenderableType:
    """All that is known of one tag."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    facts: dict[str, list[str | None]] = {
        "healthy": [row.healthy],
        "warning": [row.warn],
        "range": [None if row.band is None else str(row.band)],
        "limits": [f"{limit} ({limit.source})" for limit in row.limits],
        "unit": [row.unit],
        "written": [row.when],
        "kind": [row.kind],
        "by": [row.recipe],
    }
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, texts in facts.items():
        for text in texts:
            if text is not None:
                table.add_row(name, Text(text))
    return Group(Text(row.tag, "bold"), Text(row.meaning), Text(""), table)
