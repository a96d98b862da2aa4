"""`sightline show`: where each curve of a log directory stands."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from sightline._amounts import counted
from sightline.cli.best import Best
from sightline.cli.errors import explained
from sightline.cli.options import Debug, LogDir, Run, Strict, Tag
from sightline.cli.selection import (
    FOUND_A_PROBLEM,
    TORN,
    chosen_runs,
    damage_of,
    damage_report,
    matcher,
    nothing_matched,
    read_now,
    warn,
)

if TYPE_CHECKING:
    from rich.console import Console, Group

    from sightline.cli.facts import Facts
    from sightline.reading import Damage, Log


EPILOG = (
    "The trend is that of the last quarter of the points, in % of their size, with one standard "
    "error; a rise or fall of less than three errors is flat. An arrow before the best value says "
    "whether it is the lowest or the highest. Exit codes: 0 fine, 1 nothing matched (or damage, "
    "with --strict), 2 usage."
)


class Sort(StrEnum):
    """Order of the rows of a run."""

    TAG = "tag"
    LOGGED = "logged"
    LAST = "last"
    BEST = "best"
    TREND = "trend"
    POINTS = "points"
    STEP = "step"


def show(
    logdir: LogDir,
    tag: Tag = None,
    run: Run = None,
    best: Annotated[Best, typer.Option(help="Which value is the best; auto: by the tag.")] = (
        Best.AUTO
    ),
    sort: Annotated[Sort, typer.Option(help="Order within a run; numbers fall.")] = Sort.TAG,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep the table up to date until Ctrl-C.")
    ] = False,
    every_secs: Annotated[
        float, typer.Option(min=0.05, help="With --follow: pause between two looks.")
    ] = 1.0,
    strict: Strict = False,
    debug: Debug = False,
) -> None:
    """Print last value, best value and trend of each scalar, a row for each run and tag."""
    with explained(debug=debug):
        from sightline.cli.facts import facts_of_runs
        from sightline.reading import Log, read

        is_wanted = matcher("--tag", tag)
        matcher("--run", run)
        if follow and (as_json or not sys.stdout.isatty()):
            raise ValueError(
                "expected a terminal for --follow, got a pipe, a file or --json; leave out "
                "--follow, or iterate over sightline.read(logdir, follow=True) in Python"
            )

        def look(log: Log) -> tuple[list[Facts], list[Damage]]:
            runs = chosen_runs(log, run)
            return ordered(facts_of_runs(runs, is_wanted, best), sort), damage_of(runs.values())

        if not follow:
            log = read(logdir)
            read_now(chosen_runs(log, run).values())
            rows, damage = look(log)
    if follow:
        _follow(Log(logdir), look, every_secs, debug=debug)
        return
    if as_json:
        typer.echo(as_document(logdir, rows, damage))
    elif rows:
        _print(rows)
    warn([*_not_finite(rows), *damage_report(damage)])
    if not rows:
        warn([nothing_matched(log)])
        raise typer.Exit(FOUND_A_PROBLEM)
    if strict and damage:
        raise typer.Exit(FOUND_A_PROBLEM)


def ordered(rows: list[Facts], sort: Sort) -> list[Facts]:
    """Order the rows of each run; what has no number to go by comes last.

    Args:
        rows: The facts, those of one run together.
        sort: By what.

    Returns:
        The rows.
    """
    runs = {name: number for number, name in enumerate(dict.fromkeys(row.run for row in rows))}

    def key(row: Facts) -> tuple[int, float, str]:
        number: float | None = None
        match sort:
            case Sort.LOGGED:
                return runs[row.run], 0.0, ""
            case Sort.TAG:
                return runs[row.run], 0.0, row.tag
            case Sort.LAST:
                number = row.last
            case Sort.BEST:
                number = row.best
            case Sort.TREND if row.trend is not None:
                number = row.trend.change
            case Sort.POINTS:
                number = row.num_points
            case Sort.STEP:
                number = row.last_step
        if number is None or math.isnan(number):
            return runs[row.run], math.inf, row.tag
        return runs[row.run], -number, row.tag

    return sorted(rows, key=key)


def as_document(logdir: str, rows: list[Facts], damage: list[Damage]) -> str:
    """The facts as JSON.

    Args:
        logdir: What was read.
        rows: The facts.
        damage: What could not be read.

    Returns:
        One JSON object: `logdir`, `scalars` and `damage`.
    """
    return json.dumps(
        {
            "logdir": logdir,
            "scalars": [row.as_json() for row in rows],
            "damage": [
                {
                    "path": str(one.path),
                    "offset": one.offset,
                    "num_bytes": one.num_bytes,
                    "reason": one.reason,
                }
                for one in damage
            ],
        },
        indent=2,
        allow_nan=False,
    )


def _print(rows: list[Facts]) -> None:
    from rich.console import Console

    from sightline.cli.facts_table import UNLIMITED, alphabet_for, facts_table

    console = Console()
    alphabet = alphabet_for(console.encoding)
    if console.is_terminal:
        console.print(facts_table(rows, console.width, alphabet))
    else:  # for grep and less: nothing is cut off
        Console(width=UNLIMITED).print(facts_table(rows, None, alphabet))


def _not_finite(rows: list[Facts]) -> list[str]:
    spoilt = [row for row in rows if row.num_not_finite]
    if not spoilt:
        return []
    num_points = sum(row.num_not_finite for row in spoilt)
    where = f"{counted(num_points, 'point')} in {counted(len(spoilt), 'row')}"
    return [f"NaN or infinity, ! in the curve: {where}"]


def _follow(
    log: Log,
    look: Callable[[Log], tuple[list[Facts], list[Damage]]],
    every_secs: float,
    *,
    debug: bool,
) -> None:
    from rich.console import Console
    from rich.live import Live

    console = Console()
    try:
        with Live(console=console, auto_refresh=False) as live:
            while True:
                with explained(debug=debug):
                    log.refresh(may_grow=True)
                    rows, damage = look(log)
                live.update(_view(log, rows, damage, console), refresh=True)
                time.sleep(every_secs)
    except KeyboardInterrupt:
        return


def _view(log: Log, rows: list[Facts], damage: list[Damage], console: Console) -> Group:
    from rich.console import Group
    from rich.text import Text

    from sightline.cli.facts_table import alphabet_for, facts_table

    if not rows:
        return Group(Text(f"Waiting for scalars in {log.logdir}", "dim"))
    lines = damage_report(one for one in damage if one.reason != TORN)
    table = facts_table(rows, console.width, alphabet_for(console.encoding))
    return Group(table, *(Text(line, "yellow") for line in lines), Text("Ctrl-C ends it.", "dim"))
