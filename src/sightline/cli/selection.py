"""Which runs and tags of a log directory a command is about, and what was damaged in them."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING

from sightline._amounts import counted

if TYPE_CHECKING:
    from sightline.reading import Damage, Log, Run

FOUND_A_PROBLEM = 1
TORN = "the file ends inside a record"
MANY = 8


def matcher(option: str, pattern: str | None) -> Callable[[str], bool]:
    """Whether a name holds what a regular expression describes.

    Args:
        option: The option that gave it, for the message.
        pattern: The expression; None for all names.

    Returns:
        A test of a name.

    Raises:
        ValueError: If it is no regular expression.
    """
    try:
        compiled = re.compile(pattern or "")
    except re.error as error:
        raise ValueError(
            f"expected a regular expression for {option}, got {pattern!r}: {error}; put a "
            "backslash before characters that are meant as they are"
        ) from error
    return lambda name: compiled.search(name) is not None


def chosen_runs(log: Log, run: str | None) -> dict[str, Run]:
    """The runs whose names match.

    Args:
        log: The log.
        run: A regular expression, or None.

    Returns:
        Runs by name.
    """
    is_wanted = matcher("--run", run)
    return {name: one for name, one in log.runs.items() if is_wanted(name)}


def read_now(runs: Collection[Run]) -> None:
    """Read runs, with a progress bar on stderr where they are many and somebody looks.

    Args:
        runs: The runs.
    """
    if len(runs) < MANY or not sys.stderr.isatty():
        return
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    for one in track(runs, "Reading runs", console=console, transient=True):
        _ = one.tags


def nothing_matched(log: Log) -> str:
    """Say that there is no such scalar, and what there is.

    Args:
        log: The log.

    Returns:
        A sentence.
    """
    known = dict.fromkeys(tag for run in log.runs.values() for tag in run.scalars)
    tags = ", ".join(list(known)[:MANY]) + (f" and {len(known) - MANY} more" * (len(known) > MANY))
    runs = ", ".join(list(log.runs)[:MANY]) + " and more" * (len(log.runs) > MANY)
    if not known:
        where = counted(len(log.runs), "run")
        return f"expected scalars in {log.logdir}, got none in its {where} ({runs})"
    return (
        f"expected scalars in {log.logdir} that match, got none; its runs are {runs}, and its tags "
        f"{tags}"
    )


def damage_of(runs: Iterable[Run]) -> list[Damage]:
    """What could not be read of runs."""
    return [damage for run in runs for damage in run.damage]


def damage_report(damage: Iterable[Damage]) -> list[str]:
    """Say what was skipped, a line for each file and kind.

    Args:
        damage: What could not be read.

    Returns:
        Lines for people.
    """
    by_file: dict[tuple[str, str], list[Damage]] = defaultdict(list)
    for one in damage:
        by_file[str(one.path), one.reason].append(one)
    lines = []
    for (path, reason), places in by_file.items():
        offset = f"{places[0].offset:,}"
        if reason == TORN:
            lines.append(f"{path} ends inside a record, at byte {offset}: torn, or being written")
        else:
            what = counted(len(places), "damaged place")
            first = "at byte" if len(places) == 1 else "the first at byte"
            size = counted(sum(place.num_bytes for place in places), "byte")
            lines.append(f"{what} skipped in {path}, {first} {offset}, {size}: {reason}")
    return lines


def warn(lines: Iterable[str]) -> None:
    """Print lines on stderr."""
    for line in lines:
        print(f"sightline: {line}", file=sys.stderr)
