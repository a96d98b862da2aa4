"""Whether what was logged has reached the files."""

from __future__ import annotations

import os
import platform
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from sightline._amounts import counted, duration
from sightline.health.doctor.complaint import Checkup, Complaint
from sightline.health.doctor.event_file import EventFileFacts, Writer
from sightline.health.finding import Level

SUBJECT = "flushing"
PATIENCE_SECS = 130.0  # torch's SummaryWriter flushes every 120 s by itself


def runs_here(writer: Writer) -> bool:
    """Whether the process that wrote a file still runs on this machine, as far as can be told."""
    here = re.sub(r"[^\w.-]", "_", platform.node())
    if writer.host not in {platform.node(), here} or os.name != "posix" or not writer.pid:
        return False
    try:
        os.kill(writer.pid, 0)
    except PermissionError:  # it runs, and belongs to somebody else
        return True
    except OSError:
        return False
    return True


def check_flushing(
    files: Sequence[EventFileFacts],
    *,
    now: float,
    is_running: Callable[[Writer], bool] = runs_here,
) -> Checkup:
    """Find event files without a value although their run began a while ago.

    Args:
        files: The facts of a log directory.
        now: Seconds since 1970.
        is_running: Whether the process that wrote a file still runs.

    Returns:
        A complaint for each file of a run without any value, and for each beside others with
        values whose process still runs and wrote none of those.
    """
    by_run: dict[str, list[EventFileFacts]] = defaultdict(list)
    for file in files:
        by_run[file.run].append(file)
    complaints = []
    num_left_over = 0
    for run, of_run in by_run.items():
        shown_by = [file.writer for file in of_run if file.timelines]
        for file in of_run:
            if file.timelines or file.damage or file.unreadable:
                continue
            writer = file.writer
            started = writer.started if writer else file.modified
            if started is None or now - started < PATIENCE_SECS:
                continue
            is_alive = writer is not None and is_running(writer)
            if shown_by and not (is_alive and _is_other(writer, shown_by)):
                num_left_over += 1
                continue
            complaints.append(_complaint(run, file, now - started, writer if is_alive else None))
    found = counted(sum(bool(file.timelines) for file in files), "file") + " with values"
    if num_left_over:
        found += f", {num_left_over} empty beside them"
    return Checkup(SUBJECT, found, tuple(complaints))


def _is_other(writer: Writer | None, writers: Iterable[Writer | None]) -> bool:
    """Whether a file is by a process that has no other among these, which hold its values."""
    return writer is not None and all(one is None or one[:2] != writer[:2] for one in writers)


def _complaint(run: str, file: EventFileFacts, age: float, alive: Writer | None) -> Complaint:
    holds = "nothing at all" if not file.num_bytes else "its version record and no value"
    what = f"`{file.name}` of run `{run}` was begun {duration(age)} ago and holds {holds}"
    if alive:
        what += f", while process {alive.pid}, which began it, still runs."
        remedy = (
            "Look whether the loop logs at all; if it does, call `flush()` on its logger, or lower "
            "`flush_secs` of its SummaryWriter."
        )
    else:
        what += "; the process that began it no longer runs here."
        remedy = (
            "Log inside `with MetricsLogger(...)`, or call `close()` at the end, also after an "
            "error; delete the run if it never began."
        )
    return Complaint(Level.ERROR, SUBJECT, what, remedy, run, file.path)
