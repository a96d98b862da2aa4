"""`sightline check`: a verdict on runs, from their files."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline._amounts import counted
from sightline.cli.errors import explained
from sightline.cli.options import Debug, LogDir, Run
from sightline.cli.selection import (
    FOUND_A_PROBLEM,
    chosen_runs,
    damage_of,
    damage_report,
    read_now,
    warn,
)
from sightline.events.json_numbers import json_number

if TYPE_CHECKING:
    from sightline.health import Finding, Verdict

EPILOG = (
    "A run of Sightline says itself what it is to be judged by (its text run/health), and the "
    "verdict is the one that it came to while it ran. Any other log is judged by --preset, or by "
    "generic rules; a tag map in YAML names its curves: loss, val_loss, val_accuracy, lr, "
    "grad_norm, data_time, step_time, or any tag of the catalogue. Exit codes: 0 fine, 1 findings "
    "at the level of --fail-on or above, 2 usage."
)


class FailOn(StrEnum):
    """From which level on findings fail the check."""

    WARN = "warn"
    ERROR = "error"


def check(
    logdir: LogDir,
    preset: Annotated[
        str | None, typer.Option(metavar="NAME", help="hjepa, hnerv, vae, gan or generic.")
    ] = None,
    tag_map: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="YAML: which tag is the loss, ..."),
    ] = None,
    run: Run = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    fail_on: Annotated[
        FailOn, typer.Option(help="Level from which on findings exit with 1.")
    ] = FailOn.ERROR,
    debug: Debug = False,
) -> None:
    """Judge runs by the health rules: ours, or anybody's TensorBoard logs."""
    with explained(debug=debug):
        from sightline.cli.judged import judge_run, read_tag_map, rules_of
        from sightline.health import Level
        from sightline.reading import read

        names = read_tag_map(tag_map)
        log = read(logdir)
        runs = chosen_runs(log, run)
        read_now(runs.values())
        runs = {name: one for name, one in runs.items() if len(one.scalars)}
        if not runs:
            raise ValueError(
                f"expected runs with scalars in {logdir}, got none; give the folder of a run, or "
                "one that holds runs"
            )
        verdicts = {
            name: judge_run(one, rules_of(one, preset), names) for name, one in runs.items()
        }
    if as_json:
        typer.echo(json.dumps(as_document(verdicts), indent=2))
    else:
        _print(verdicts)
    warn(damage_report(damage_of(runs.values())))
    worst = max((verdict.worst or 0 for verdict in verdicts.values()), default=0)
    if worst >= Level[fail_on.value.upper()]:
        raise typer.Exit(FOUND_A_PROBLEM)


def as_document(verdicts: dict[str, Verdict]) -> dict[str, Any]:
    """Verdicts as JSON values.

    Args:
        verdicts: Verdict by run.

    Returns:
        By run: its findings, levels by name, numbers that are not finite as text; the tags that no
        value came of; and the limits that could not be judged.
    """
    return {
        name: {
            "passed": verdict.passed,
            "findings": [_finding(finding) for finding in verdict.findings],
            "unmeasured": list(verdict.unmeasured),
            "unjudged": [{"tag": tag, "reason": reason} for tag, reason in verdict.unjudged],
        }
        for name, verdict in verdicts.items()
    }


def _finding(finding: Finding) -> dict[str, Any]:
    fields = {
        name: json_number(value) if isinstance(value, float) else value
        for name, value in asdict(finding).items()
    }
    return {**fields, "level": finding.level.name.lower()}


def _print(verdicts: dict[str, Verdict]) -> None:
    from rich.console import Console
    from rich.text import Text

    from sightline.health import Level

    console = Console(highlight=False)
    colours = {Level.INFO: "cyan", Level.WARN: "yellow", Level.ERROR: "red"}
    for name, verdict in verdicts.items():
        console.print(Text(f"{name}: {_summary(verdict)}", "bold"))
        for finding in verdict.findings:
            line = Text(f"  {finding}", no_wrap=False)
            line.stylize(colours[finding.level], 2, 2 + len(finding.level.name))
            console.print(line)
            if finding.page:
                console.print(Text(f"    See {finding.page}.", "dim"))
        by_reason: dict[str, list[str]] = defaultdict(list)
        for tag, reason in verdict.unjudged:
            by_reason[reason].append(tag)
        for reason, tags in by_reason.items():
            console.print(Text(f"  Not judged, as {reason}: {', '.join(tags)}.", "dim"))


def _summary(verdict: Verdict) -> str:
    from sightline.health import Level

    counts = {
        level: sum(finding.level == level for finding in verdict.findings)
        for level in reversed(Level)
    }
    nouns = {Level.ERROR: "error", Level.WARN: "warning", Level.INFO: "note"}
    told = [counted(number, nouns[level]) for level, number in counts.items() if number]
    return ", ".join(told) or "healthy"
