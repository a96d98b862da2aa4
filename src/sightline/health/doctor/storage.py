"""Whether the log directory can be written to, and how much room is left."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sightline._amounts import size
from sightline.health.doctor.complaint import Checkup, Complaint
from sightline.health.finding import Level

SUBJECT = "disk"
LITTLE_BYTES = 1_000_000_000
NO_BYTES = 50_000_000
NO_FILES = 100


@dataclass(frozen=True, slots=True)
class StorageFacts:
    """What was found of the disk that a log directory lies on.

    Attributes:
        folder: the log directory, or the nearest folder above it that is there.
        fault: why no file can be made in it; empty where one can.
        free_bytes: what this user may still write.
        num_bytes: size of the disk.
        free_files: how many files can still be made; None where there is no such limit.
    """

    folder: str
    fault: str
    free_bytes: int
    num_bytes: int
    free_files: int | None = None


def gather_storage(logdir: Path) -> StorageFacts:
    """Look at the disk of a log directory; a file without a name is made there and dropped.

    Args:
        logdir: The log directory; it need not be there yet.

    Returns:
        What was found.
    """
    folder = next(one for one in [logdir.absolute(), *logdir.absolute().parents] if one.is_dir())
    fault = ""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0")
    except OSError as error:
        fault = error.strerror or str(error)
    usage = shutil.disk_usage(folder)
    free_files = None
    if hasattr(os, "statvfs"):
        status = os.statvfs(folder)
        free_files = status.f_favail if status.f_files else None
    return StorageFacts(str(folder), fault, usage.free, usage.total, free_files)


def check_storage(facts: StorageFacts) -> Checkup:
    """Complain about a directory that takes no file, and about a disk that is almost full.

    Args:
        facts: What was found of the disk.

    Returns:
        At most two complaints: errors where nothing more can be logged.
    """
    complaints = []
    if facts.fault:
        what = f"No file can be made in {facts.folder}: {facts.fault}."
        remedy = "Log into a directory that is yours: `MetricsLogger(name, log_dir)`."
        complaints.append(Complaint(Level.ERROR, SUBJECT, what, remedy, path=facts.folder))
    few_files = facts.free_files is not None and facts.free_files < NO_FILES
    if facts.free_bytes < LITTLE_BYTES or few_files:
        left = f"{size(facts.free_bytes)} of {size(facts.num_bytes)}"
        left = f"room for {facts.free_files} more files" if few_files else left
        what = f"The disk of {facts.folder} has {left} left."
        remedy = "Delete old checkpoints and runs, or log to another disk."
        is_full = facts.free_bytes < NO_BYTES or few_files
        level = Level.ERROR if is_full else Level.WARN
        complaints.append(Complaint(level, SUBJECT, what, remedy, path=facts.folder))
    found = f"{size(facts.free_bytes)} of {size(facts.num_bytes)} free"
    return Checkup(SUBJECT, found, tuple(complaints))
