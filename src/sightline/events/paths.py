"""Where a run lies: on a disk, or behind a URL."""

from __future__ import annotations

import re
import sys
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from sightline._optional import missing

if TYPE_CHECKING:
    from typing_extensions import TypeIs
    from upath import UPath

AnyPath: TypeAlias = "Path | UPath"
Given: TypeAlias = "str | PathLike[str] | UPath"

# What pathlib makes of the beginning of a URL.
SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:", re.IGNORECASE)


def to_path(given: Given) -> AnyPath:
    """A path for what a user names: a `Path` on the disk, a `UPath` for a URL.

    The path of a URL holds no connection yet, so that a forked process gets one of its own.

    Args:
        given: A path, or a URL that fsspec knows, such as `s3://bucket/logs`. A `UPath` carries
            options for its storage, such as `UPath("s3://bucket", endpoint_url=...)`.

    Returns:
        A `Path` for all that lies on this machine's disks, `file://` included.

    Raises:
        ModuleNotFoundError: If a URL is given without the extra that reads them.
        ValueError: If a URL has become a `Path`, which drops one of its slashes.

    Example:
        >>> to_path("runs"), str(to_path("memory://logs/run"))
        (PosixPath('runs'), 'memory://logs/run')
    """  # noqa: DOC502
    if _is_upath(given):
        # One that was used before holds a connection, which a forked process must not use.
        fresh = type(given)(str(given), protocol=given.protocol, **given.storage_options)
        return _unless_local(fresh)
    if isinstance(given, str) and "://" in given:
        try:
            from upath import UPath
        except ModuleNotFoundError:
            missing("universal-pathlib", "remote")
        return _unless_local(UPath(given))
    path = Path(given)
    if path.parts and SCHEME.fullmatch(path.parts[0]) and not Path(path.parts[0]).is_dir():
        raise ValueError(
            f"expected a URL as text, got {path!r}, which has lost a slash; give it as "
            f"'{path.parts[0]}//{'/'.join(path.parts[1:])}' and without Path()"
        )
    return path


def to_local_path(given: Given) -> Path:
    """A path on the disk, for what cannot lie elsewhere.

    Args:
        given: A path.

    Returns:
        The same path.

    Raises:
        ValueError: If it is a URL.

    Example:
        >>> to_local_path("memory://logs/log.jsonl")
        Traceback (most recent call last):
        ValueError: expected a path on the disk, got memory://logs/log.jsonl; name a local one
    """
    path = to_path(given)
    if isinstance(path, Path):
        return path
    raise ValueError(f"expected a path on the disk, got {path}; name a local one")


def make_directory(path: AnyPath) -> None:
    """Create a directory and those above it, where there are directories.

    A bucket has none; asked for one, fsspec would create a bucket of a misspelt name.

    Args:
        path: The directory.
    """
    if not isinstance(path, Path):
        from upath.implementations.cloud import CloudPath

        if isinstance(path, CloudPath):
            return
    path.mkdir(parents=True, exist_ok=True)


def _is_upath(given: Given) -> TypeIs[UPath]:
    # Who has one has imported its module. One of a local path is a Path.
    module = sys.modules.get("upath")
    return module is not None and isinstance(given, module.UPath) and not isinstance(given, Path)


def _unless_local(path: UPath) -> AnyPath:
    return Path(path.path) if path.protocol == "file" else path
