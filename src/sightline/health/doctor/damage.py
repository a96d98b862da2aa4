"""Records that cannot be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from sightline._amounts import counted, size
from sightline.health.doctor.complaint import Checkup, Complaint
from sightline.health.doctor.event_file import EventFileFacts, Writer
from sightline.health.doctor.flushing import runs_here
from sightline.health.finding import Level

SUBJECT = "records"
WRITTEN_SECS = 60.0  # a file that changed so short a time ago may be in the middle of a record


def check_damage(
    files: Sequence[EventFileFacts],
    *,
    now: float,
    is_running: Callable[[Writer], bool] = runs_here,
) -> Checkup:
    """Find damaged records, files that end inside one, and files that cannot be opened.

    Args:
        files: The facts of a log directory.
        now: Seconds since 1970.
        is_running: Whether the process that wrote a file still runs.

    Returns:
        At most two complaints a file.
    """
    complaints = []
    for file in files:
        if file.unreadable:
            what = f"`{file.name}` of run `{file.run}` cannot be opened: {file.unreadable}."
            remedy = "Give yourself the right to read it, or mend the link."
            complaints.append(Complaint(Level.ERROR, SUBJECT, what, remedy, file.run, file.path))
        if file.damage:
            complaints.append(_damaged(file))
        if file.torn and not _may_grow(file, now, is_running):
            what = (
                f"`{file.name}` of run `{file.run}` ends inside a record, at byte "
                f"{file.torn.offset:,}: its process was killed, or the disk was full."
            )
            remedy = "What was logged last is lost, the rest is fine; go on in a new file."
            complaints.append(Complaint(Level.WARN, SUBJECT, what, remedy, file.run, file.path))
    found = f"{counted(sum(file.num_records for file in files), 'record')} read"
    return Checkup(SUBJECT, found, tuple(complaints))


def _damaged(file: EventFileFacts) -> Complaint:
    reasons = Counter(one.reason for one in file.damage)
    num_bytes = sum(one.num_bytes for one in file.damage)
    first = "at byte" if len(file.damage) == 1 else "the first at byte"
    what = (
        f"`{file.name}` of run `{file.run}` has {counted(len(file.damage), 'damaged place')} of "
        f"{size(num_bytes)}, {first} {file.damage[0].offset:,}: {', '.join(reasons)}. TensorBoard "
        "may stop reading the file there."
    )
    remedy = (
        "`sightline show` and `sightline export` skip them and read on; look at the disk, and copy "
        "the file again if it was copied."
    )
    return Complaint(Level.ERROR, SUBJECT, what, remedy, file.run, file.path)


def _may_grow(file: EventFileFacts, now: float, is_running: Callable[[Writer], bool]) -> bool:
    if file.modified is not None and now - file.modified < WRITTEN_SECS:
        return True
    return file.writer is not None and is_running(file.writer)
