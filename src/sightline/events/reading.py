"""Reads event files, whole or damaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path

from sightline.events.framing import scan
from sightline.events.messages import Event
from sightline.events.naming import event_files
from sightline.events.paths import AnyPath, Given, to_path
from sightline.events.remote import contents
from sightline.events.wire import WireError


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of an event file that could not be read.

    Args:
        path: The file.
        offset: Where they begin.
        num_bytes: How many they are.
        reason: What is wrong with them.
    """

    path: AnyPath | str
    offset: int
    num_bytes: int
    reason: str


class Reading:
    """The events of a run, read as they are iterated over, and what could not be read.

    Args:
        files: Event files, in order.
    """

    def __init__(self, files: Sequence[AnyPath]) -> None:
        self.files = tuple(files)
        self.damage: list[Damage] = []

    def __iter__(self) -> Iterator[Event]:
        """Walk over all events; `damage` is complete at the end.

        Yields:
            The events, file by file.
        """
        self.damage.clear()
        for path, buffer in buffers(self.files):
            for record in scan(buffer):
                fault = record.fault
                if record.data is not None:
                    try:
                        yield Event.decode(record.data)
                        continue
                    except WireError as error:
                        fault = str(error)
                size = record.end - record.offset
                self.damage.append(Damage(path, record.offset, size, fault))


def read(path: Given) -> Reading:
    """Read an event file, or all those of a run directory.

    A torn or damaged record is skipped and noted; it neither ends the reading nor hides what
    follows.

    Args:
        path: A file, or a run's directory; a URL such as `s3://bucket/logs/run` too.

    Returns:
        An iterable of events, with a list of the damage.

    Raises:
        FileNotFoundError: If there is no event file.
    """
    path = to_path(path)
    is_file = isinstance(path, Path) and not path.is_dir()
    # A storage has no directories, only names of which some begin alike.
    files = [path] if is_file else event_files(path) or [path]
    if not files[0].is_file():
        raise FileNotFoundError(
            f"expected an event file or a directory with event files, got {path}; "
            "name the directory of one run"
        )
    return Reading(files)


def buffers(files: Sequence[AnyPath]) -> Iterator[tuple[AnyPath, bytes | mmap]]:
    """The contents of files, of which those on a disk take memory only where they are in use.

    Args:
        files: Files of one run.

    Yields:
        Each file with its bytes, which are gone when the next one comes.
    """
    local = [path for path in files if isinstance(path, Path)]
    remote = [path for path in files if not isinstance(path, Path)]
    for path in local:
        with mapped(path) as buffer:
            yield path, buffer
    yield from zip(remote, contents(remote), strict=True)


@contextmanager
def mapped(path: Path) -> Iterator[bytes | mmap]:
    """A file as bytes, of which only those in use take memory.

    Args:
        path: The file.

    Yields:
        Its bytes.
    """
    with path.open("rb") as file:
        if path.stat().st_size == 0:  # nothing cannot be mapped
            yield b""
            return
        with mmap(file.fileno(), 0, access=ACCESS_READ) as buffer:
            yield buffer
