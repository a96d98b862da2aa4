"""How the event files of a run are named: loaders read them in the order of their names."""

from __future__ import annotations

import itertools
import os
import platform
import re
from pathlib import Path

from sightline.events.paths import AnyPath
from sightline.events.remote import list_names

PATTERN = re.compile(r"events\.out\.tfevents\.(\d{10})\.")
COUNTER = itertools.count()


def event_files(run_dir: AnyPath) -> list[AnyPath]:
    """The event files of a run, in the order that loaders read them.

    Args:
        run_dir: The run's directory; subdirectories are other runs.

    Returns:
        Paths of files whose name contains `tfevents`.
    """
    if isinstance(run_dir, Path):
        names = [path.name for path in run_dir.iterdir() if path.is_file()]
    else:
        names = list_names(run_dir)
    return [
        run_dir / name
        for name in sorted(names)
        if "tfevents" in name and not name.endswith(".profile-empty")
    ]


def next_event_file(run_dir: AnyPath, now: float) -> AnyPath:
    """A name that sorts after every event file of the run.

    It is `events.out.tfevents.<seconds>.<host>.<pid>.<count>`. Within the second of an earlier
    file, or under a clock that went back, the seconds count on from that file.

    Args:
        run_dir: The run's directory.
        now: Seconds since 1970.

    Returns:
        A path where no file is.

    Example:
        >>> next_event_file(Path("src"), 1.5).name[:30]
        'events.out.tfevents.0000000001'
    """
    names = [path.name for path in event_files(run_dir)]
    used = [int(match[1]) for name in names if (match := PATTERN.match(name))]
    seconds = max([int(now), *(second + 1 for second in used)])
    host = re.sub(r"[^\w.-]", "_", platform.node())
    name = f"events.out.tfevents.{seconds:010d}.{host}.{os.getpid()}.{next(COUNTER)}"
    last = max(names, default="")
    # A file of another program may be named in any way; what continues its name sorts after it.
    return run_dir / (name if name > last else f"{last}.{name}")
