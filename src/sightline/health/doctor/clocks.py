"""Clocks that were wrong while a run was logged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sightline._amounts import counted, duration
from sightline.health.doctor.complaint import Checkup, Complaint
from sightline.health.doctor.event_file import EventFileFacts
from sightline.health.finding import Level

SUBJECT = "clock"
AHEAD_SECS = 60.0
_REMEDY = (
    "Let the machine that trains set its clock by NTP (`timedatectl set-ntp true`), and look at "
    "the run over steps, not over time."
)


def check_clocks(files: Sequence[EventFileFacts], *, now: float) -> Checkup:
    """Find wall times in the future, and those that run backward while steps advance.

    Args:
        files: The facts of a log directory.
        now: Seconds since 1970.

    Returns:
        At most two complaints a file.
    """
    complaints = []
    latest = max(
        (timeline.max_time for file in files for timeline in file.timelines.values()), default=None
    )
    for file in files:
        if not file.timelines:
            continue
        newest = max(timeline.max_time for timeline in file.timelines.values())
        if newest > now + AHEAD_SECS:
            what = (
                f"The newest wall time of run `{file.run}` is {_date(newest)}, "
                f"{duration(newest - now)} ahead of this machine's clock."
            )
            complaints.append(Complaint(Level.WARN, SUBJECT, what, _REMEDY, file.run, file.path))
        tag, slipped = max(file.timelines.items(), key=lambda pair: pair[1].longest_slip)
        if slipped.num_slips:
            what = (
                f"Wall time runs backward {counted(slipped.num_slips, 'time')} in `{tag.name}` of "
                f"run `{file.run}`, by up to {duration(slipped.longest_slip)}, while its steps "
                "advance."
            )
            complaints.append(Complaint(Level.WARN, SUBJECT, what, _REMEDY, file.run, file.path))
    found = f"newest value {_date(latest)}" if latest is not None else "no value"
    return Checkup(SUBJECT, found, tuple(complaints))


def _date(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{seconds:g} s after 1970"
