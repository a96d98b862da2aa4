"""Where event files lie: on a disk, or behind a URL."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sightline._optional import missing

PADDING = 16  # rows are copied in words of eight bytes, past the end of the last record


class Handle(Protocol):
    """An event file that is open."""

    def size(self) -> int:
        """Bytes that are there now."""

    def identity(self) -> object:
        """What changes when another file takes the place of this one."""

    def read(self, offset: int, num_bytes: int) -> NDArray[np.uint8]:
        """Bytes from an offset on, fewer at the end, and `PADDING` zeros behind them."""


class Place(Protocol):
    """An event file that can be opened.

    Args:
        path: Its path or URL.
        smallest_read: Bytes that cost no more to read than one.
    """

    path: Path | str
    smallest_read: int

    def open(self) -> Any:
        """A context in which the file is a `Handle`."""


class LocalFile:
    """A file of this machine.

    It is read and not mapped: a mapped file that another program cuts short kills the
    process that touches it, and its pages count as memory of the process.

    Args:
        path: The file.
    """

    smallest_read = 4096

    def __init__(self, path: Path) -> None:
        self.path: Path | str = path

    @contextmanager
    def open(self) -> Iterator[Handle]:
        """Open the file.

        Yields:
            What can be read from.
        """
        with Path(self.path).open("rb", buffering=0) as file:
            yield _LocalHandle(file)


class _LocalHandle:
    def __init__(self, file: FileIO) -> None:
        self._file = file

    def size(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def identity(self) -> object:
        status = os.fstat(self._file.fileno())
        return status.st_dev, status.st_ino

    def read(self, offset: int, num_bytes: int) -> NDArray[np.uint8]:
        buffer = np.empty(num_bytes + PADDING, np.uint8)
        view = buffer.data
        self._file.seek(offset)
        num_read = 0
        while num_read < num_bytes:
            count = self._file.readinto(view[num_read:num_bytes])
            if not count:
                break
            num_read += count
        buffer[num_read : num_read + PADDING] = 0
        return buffer[: num_read + PADDING]


class RemoteFile:
    """A file that fsspec knows how to read.

    Args:
        filesystem: The file system of fsspec.
        path: The file, as the file system names it.
    """

    smallest_read = 1 << 20

    def __init__(self, filesystem: Any, path: str) -> None:
        self._filesystem = filesystem
        self._name = path
        self.path: Path | str = filesystem.unstrip_protocol(path)

    @contextmanager
    def open(self) -> Iterator[Handle]:
        """Open the file.

        Yields:
            What can be read from.
        """
        yield _RemoteHandle(self._filesystem, self._name)


class _RemoteHandle:
    def __init__(self, filesystem: Any, path: str) -> None:
        self._filesystem = filesystem
        self._path = path
        self._filesystem.invalidate_cache(path)
        self._size = int(filesystem.size(path))

    def size(self) -> int:
        return self._size

    def identity(self) -> object:
        return None

    def read(self, offset: int, num_bytes: int) -> NDArray[np.uint8]:
        end = min(offset + num_bytes, self._size)
        data = self._filesystem.cat_file(self._path, start=offset, end=end) if offset < end else b""
        buffer = np.zeros(len(data) + PADDING, np.uint8)
        buffer[: len(data)] = np.frombuffer(data, np.uint8)
        return buffer


def is_url(logdir: str | os.PathLike[str]) -> bool:
    """Whether a log directory lies behind a URL."""
    return isinstance(logdir, str) and "://" in logdir


def find_runs(logdir: str | os.PathLike[str]) -> dict[str, list[Place]]:
    """The event files of every run below a directory, in the order that loaders read them.

    Args:
        logdir: A directory, one event file, or the URL of either.

    Returns:
        Files by name of the run: `.` for the directory itself, else the path below it with
        slashes. Nothing where there are no event files.
    """
    if is_url(logdir):
        return _find_remote(str(logdir))
    root = Path(logdir)
    if root.is_file():
        return {".": [LocalFile(root)]}
    runs: dict[str, list[Place]] = {}
    seen: set[tuple[int, int]] = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        status = os.stat(folder)  # noqa: PTH116 - one call less per folder than with a Path
        if (status.st_dev, status.st_ino) in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders.sort()
        files = [Path(folder, name) for name in sorted(names) if _is_event_file(name)]
        if files:
            runs[Path(folder).relative_to(root).as_posix()] = [LocalFile(path) for path in files]
    return dict(sorted(runs.items()))


def _find_remote(url: str) -> dict[str, list[Place]]:
    try:
        fsspec = importlib.import_module("fsspec.core")
    except ModuleNotFoundError:
        missing("fsspec", "remote")
    filesystem, root = fsspec.url_to_fs(url)
    filesystem.invalidate_cache()
    if filesystem.isfile(root):
        return {".": [RemoteFile(filesystem, root)]}
    runs: dict[str, list[Place]] = {}
    for path in sorted(filesystem.find(root)):
        name = PurePosixPath(path)
        if _is_event_file(name.name):
            run = name.parent.relative_to(PurePosixPath(root)).as_posix()
            runs.setdefault(run, []).append(RemoteFile(filesystem, path))
    return dict(sorted(runs.items()))


def _is_event_file(name: str) -> bool:
    return "tfevents" in name and not name.endswith(".profile-empty")
