"""`sightline export`: the scalars of a log directory as a table for other programs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sightline._amounts import counted
from sightline.cli.errors import explained
from sightline.cli.options import Debug, LogDir, Run, Strict, Tag
from sightline.cli.selection import (
    FOUND_A_PROBLEM,
    chosen_runs,
    damage_of,
    damage_report,
    matcher,
    nothing_matched,
    read_now,
    warn,
)

EPILOG = (
    "The file appears when it is whole. Exit codes: 0 fine, 1 nothing matched (or damage, with "
    "--strict), 2 usage."
)
BINARY = frozenset({"parquet", "feather", "arrow"})


def export(
    logdir: LogDir,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            help="The file: .parquet, .csv, .jsonl, .feather, .arrow; - is stdout.",
        ),
    ],
    tag: Tag = None,
    run: Run = None,
    wide: Annotated[
        bool, typer.Option("--wide", help="A row for each run and step, a column for each tag.")
    ] = False,
    file_format: Annotated[
        str | None, typer.Option("--format", help="Where the ending does not say it.")
    ] = None,
    strict: Strict = False,
    debug: Debug = False,
) -> None:
    """Write scalars to a file: columns run, tag, step, wall_time and value, a row a point."""
    with explained(debug=debug):
        from sightline.reading import read, table_files

        format_name = chosen_format(output, file_format, list(table_files.FORMATS))
        is_wanted = matcher("--tag", tag)
        matcher("--run", run)
        log = read(logdir)
        runs = chosen_runs(log, run)
        read_now(runs.values())
        tags = dict.fromkeys(
            name for one in runs.values() for name in one.scalars if is_wanted(name)
        )
        columns = log.columns(tags, runs)
        damage = damage_of(runs.values())
        if not len(columns):
            warn([*damage_report(damage), nothing_matched(log)])
            raise typer.Exit(FOUND_A_PROBLEM)
        if output == "-":
            table_files.write_table(columns, sys.stdout.buffer, format_name, wide=wide)
            sys.stdout.buffer.flush()
            size = None
        else:
            size = table_files.export(columns, Path(output), format_name, wide=wide)
    counts = ", ".join([
        counted(len(columns), "point"),
        counted(len(columns.run_names), "run"),
        counted(len(columns.tag_names), "tag"),
    ])
    print(
        counts if size is None else f"{output}: {counts}, {counted(size, 'byte')}", file=sys.stderr
    )
    warn(damage_report(damage))
    if strict and damage:
        raise typer.Exit(FOUND_A_PROBLEM)


def chosen_format(output: str, file_format: str | None, known: list[str]) -> str:
    """The format of a file.

    Args:
        output: The file, or `-`.
        file_format: What was asked for; None to go by the ending.
        known: All formats.

    Returns:
        One of them.

    Raises:
        ValueError: If it is none of them, or cannot be written there.
    """
    endings = ", ".join(known)
    if file_format is not None and file_format not in known:
        raise ValueError(f"expected --format to be one of {endings}, got {file_format!r}")
    if "://" in output:
        raise ValueError(
            f"expected a file of this machine for -o, got {output}; write to -o - and pipe it"
        )
    if output == "-":
        if file_format is None:
            raise ValueError(f"expected --format with -o -, got none; use one of {endings}")
        if file_format in BINARY and sys.stdout.isatty():
            raise ValueError(
                f"expected a pipe or a file for {file_format}, got a terminal; use -o FILE"
            )
        return file_format
    ending = Path(output).suffix.removeprefix(".").lower()
    if file_format is None and ending not in known:
        raise ValueError(
            f"expected -o with an ending among {endings}, got {output}; or name one by --format"
        )
    return file_format or ending
