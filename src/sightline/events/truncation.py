"""Takes back what a killed session wrote past the step that a run continues from.

TensorBoard's loaders disagree on restarts: one heeds session logs and the other only steps, tag by
tag. What is no longer in the files, neither can show.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from mmap import mmap
from pathlib import Path
from typing import TYPE_CHECKING

from sightline.events.adoption import adopt, metadata_by_tag
from sightline.events.framing import frame, scan
from sightline.events.messages import Event
from sightline.events.naming import event_files
from sightline.events.paths import AnyPath
from sightline.events.reading import buffers
from sightline.events.remote import delete, put
from sightline.events.wire import WireError

if TYPE_CHECKING:
    from upath import UPath

# The name must not look like an event file, lest a loader read it after a kill.
TEMPORARY = ".resume.tmp"


def truncate_run(run_dir: AnyPath, last_step: int) -> list[AnyPath]:
    """Remove the events past a step, and damaged records, from the event files of a run.

    A file is replaced in one piece, and only if something in it has to go: a kill at any moment
    leaves the old file or the new one. An object of a remote storage of which nothing but its
    version would stay is deleted; to know what they hold, all objects of the run are read.

    Args:
        run_dir: The run's directory.
        last_step: The last step that stays.

    Returns:
        The files that were rewritten or deleted.

    Raises:
        OSError: If a file cannot be read or written.
    """  # noqa: DOC502
    rewritten: list[AnyPath] = []
    objects: list[tuple[UPath, bytes]] = []
    orphans: dict[str, bytes] = {}
    for path, buffer in buffers(event_files(run_dir)):
        known = dict(orphans)
        if not _changes(buffer, last_step, known):
            orphans = known
            continue
        records = _kept_records(buffer, last_step, orphans)
        if isinstance(path, Path):
            replace_file(path, records)
        else:
            objects.append((path, b"".join(records)))
        rewritten.append(path)
    # The last one first: metadata has reached its new place before it goes from the old one.
    for remote, data in reversed(objects):
        if _holds_events(data):
            put(remote, data)
        else:
            delete(remote)
    return rewritten


def replace_file(path: Path, parts: Iterable[bytes]) -> None:
    """Replace a file in one piece: a kill at any moment leaves the old file or the new one.

    Args:
        path: The file; its rights stay.
        parts: What it holds from now on, in order.
    """
    temporary = path.parent / TEMPORARY
    try:
        with temporary.open("wb") as file:
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(path.stat().st_mode & 0o777)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _changes(buffer: bytes | mmap, last_step: int, orphans: dict[str, bytes]) -> bool:
    """Whether anything in a file has to go, or to take over metadata."""
    for record in scan(buffer):
        if record.data is None or _is_past(record.data, last_step):
            return True
        if orphans and adopt(record.data, orphans) != record.data:
            return True
    return False


def _holds_events(data: bytes) -> bool:
    """Whether there is more than the version that every file begins with."""
    events = (Event.decode(record.data) for record in scan(data) if record.data is not None)
    return any(event.file_version is None for event in events)


def _is_past(data: bytes, last_step: int) -> bool:
    try:
        return Event.decode(data).step > last_step
    except WireError:  # damage that has a right checksum
        return True


def _kept_records(
    buffer: bytes | mmap, last_step: int, orphans: dict[str, bytes]
) -> Iterator[bytes]:
    """Records up to a step.

    A tag's metadata stands on its first value. If that one goes and an earlier step of the tag,
    written later, stays, then that one takes over the metadata.

    Args:
        buffer: The whole file.
        last_step: The last step that stays.
        orphans: Metadata by tag that nothing carries yet, of this file and those before it.

    Yields:
        Framed events.
    """
    for record in scan(buffer):
        if record.data is None:
            continue
        if not _is_past(record.data, last_step):
            data = adopt(record.data, orphans) if orphans else record.data
            yield frame(data)
        else:
            for tag, metadata in metadata_by_tag(record.data).items():
                orphans.setdefault(tag, metadata)
