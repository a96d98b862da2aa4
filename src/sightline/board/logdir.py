"""What a log directory holds, named as TensorBoard names it."""

from __future__ import annotations

import os
from pathlib import Path


def run_names(logdir: str | os.PathLike[str]) -> tuple[str, ...]:
    """Names of the runs under a log directory, as TensorBoard shows them.

    A run is a directory with event files in it; its name is its path below `logdir`, and `"."`
    where the event files lie in `logdir` itself.

    Args:
        logdir: a directory that exists.

    Returns:
        The names, sorted. Never empty.

    Raises:
        FileNotFoundError: when the directory is missing, or holds no event file at any depth.
        NotADirectoryError: when `logdir` is a file.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as logs:
        ...     for run in ["digits", "sweep/b", "sweep/a"]:
        ...         (Path(logs) / run).mkdir(parents=True)
        ...         (Path(logs) / run / "events.out.tfevents.0000000001.host").touch()
        ...     run_names(logs)
        ('digits', 'sweep/a', 'sweep/b')
    """
    root = Path(logdir)
    if not root.exists():
        raise FileNotFoundError(
            f"expected a directory of runs at {root}, got nothing there: train first, for example "
            "with `sightline train hjepa`, or name the directory that your runs are written to"
        )
    if not root.is_dir():
        raise NotADirectoryError(
            f"expected a directory of runs, got the file {root}: name the directory that it lies in"
        )
    names = {
        Path(folder).relative_to(root).as_posix()
        for folder, _, files in os.walk(root, followlinks=True)
        if any("tfevents" in name for name in files)
    }
    if not names:
        raise FileNotFoundError(
            f"expected TensorBoard event files under {root}, got none: train first, for example "
            "with `sightline train hjepa`, or name the directory that your runs are written to"
        )
    return tuple(sorted(names))
