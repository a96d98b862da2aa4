"""Where a run lives: one folder a run, numbered when a name is used again."""

from __future__ import annotations

import re

from sightline.events.paths import AnyPath


def new_run_name(log_dir: AnyPath, name: str) -> str:
    """The name of a new run: the given one, or the first of name-2, name-3, ... that is free.

    Args:
        log_dir: The folder that holds all runs, here or in a remote storage.
        name: The name that was asked for.

    Returns:
        A name that no folder in `log_dir` has.
    """
    taken = [number for number, _ in _runs(log_dir, name)]
    return f"{name}-{max(taken) + 1}" if taken else name


def latest_run_name(log_dir: AnyPath, name: str) -> str | None:
    """The name of the last run that was started under a name.

    Args:
        log_dir: The folder that holds all runs, here or in a remote storage.
        name: The name that was asked for.

    Returns:
        The name with its number, or None if there is no such run.
    """
    return max(_runs(log_dir, name), default=(0, None))[1]


def _runs(log_dir: AnyPath, name: str) -> list[tuple[int, str]]:
    pattern = re.compile(re.escape(name) + r"(?:-(\d+))?")
    folders = log_dir.iterdir() if log_dir.is_dir() else ()
    matches = ((pattern.fullmatch(folder.name), folder.name) for folder in folders)
    return [(int(match[1] or 1), folder) for match, folder in matches if match]
