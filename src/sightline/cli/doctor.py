"""`sightline doctor`: what is wrong with the environment and with a log directory."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.cli.errors import explained
from sightline.cli.options import Debug
from sightline.cli.selection import FOUND_A_PROBLEM, MANY

if TYPE_CHECKING:
    from rich.text import Text

    from sightline.health.doctor import Checkup, Complaint
    from sightline.reading.places import Place

EPILOG = (
    "Exit codes: 0 fine, also with warnings and notes; 1 an error was found, that is, something "
    "that costs data or blocks viewing; 2 usage."
)
DEFAULT = Path("runs")
STYLES = {"info": "dim", "warn": "yellow", "error": "bold red", "fine": "green"}
WORDS = {"info": "note", "warn": "warning", "error": "error", "fine": "fine"}


def doctor(
    logdir: Annotated[
        str | None,
        typer.Argument(
            help="A run, a folder of runs, or a URL of one; `runs`, if that is there.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="The port that TensorBoard shall have.")
    ] = 6006,
    host: Annotated[str, typer.Option(help="The address that it shall listen on.")] = "localhost",
    large_gb: Annotated[
        float, typer.Option(min=0, help="From how many GB on a run is too large.")
    ] = 1.0,
    debug: Debug = False,
) -> None:
    """Say what is wrong with the environment and a log directory, and how to mend it."""
    with explained(debug=debug):
        from sightline.health.doctor import (
            check_storage,
            examine_environment,
            examine_log,
            gather_storage,
        )

        checkups = examine_environment(port=port, host=host)
        if logdir is None and DEFAULT.is_dir():
            logdir = str(DEFAULT)
        if logdir is None:
            checkups.append(check_storage(gather_storage(DEFAULT)))
        else:
            checkups += examine_log(logdir, large_bytes=int(large_gb * 1e9), each=_each)
    is_bad = any(one.level is not None and one.level.name == "ERROR" for one in checkups)
    if as_json:
        typer.echo(as_document(logdir, checkups))
    else:
        _print(checkups)
    if is_bad:
        raise typer.Exit(FOUND_A_PROBLEM)


def as_document(logdir: str | None, checkups: list[Checkup]) -> str:
    """What was found as JSON.

    Args:
        logdir: What was examined; None for the environment alone.
        checkups: What was found.

    Returns:
        One JSON object: `logdir` and `checks`.
    """
    checks = [one.as_json() for one in checkups]
    return json.dumps({"logdir": logdir, "checks": checks}, indent=2, allow_nan=False)


def _each(places: list[tuple[str, Place]]) -> Iterator[tuple[str, Place]]:
    """The files, with a progress bar on stderr where they are many and somebody looks."""
    if len(places) < MANY or not sys.stderr.isatty():
        yield from places
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(places, "Reading files", console=Console(stderr=True), transient=True)


def _print(checkups: list[Checkup]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:  # for grep and less: nothing is cut off
        console = Console(width=10_000)
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("subject", "state", "found"):
        table.add_column(name)
    for one in checkups:
        level = one.level.name.lower() if one.level else "fine"
        number = f" ({len(one.complaints)})" if len(one.complaints) > 1 else ""
        table.add_row(one.subject, Text(WORDS[level] + number, STYLES[level]), Text(one.found))
    console.print(table)
    complaints = [one for checkup in checkups for one in checkup.complaints]
    for complaint in sorted(complaints, key=lambda one: -one.level):
        console.print()
        console.print(_in_words(complaint), soft_wrap=not console.is_terminal)
    if not complaints:
        console.print("\nAll is well.")


def _in_words(one: Complaint) -> Text:
    from rich.text import Text

    level = one.level.name.lower()
    text = Text(f"{WORDS[level]} ", STYLES[level])
    text.append(f"{one.subject}: ", "bold")
    text.append(f"{one.what}\n  {one.remedy}", "default")
    return text
