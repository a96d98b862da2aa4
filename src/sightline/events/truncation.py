"""Takes back what a killed session wrote past the step that a run continues from.

TensorBoard's loaders disagree on restarts: one heeds session logs and the other only steps, tag by
tag. What is no longer in the files, neither can show.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from mmap import mmap
from pathlib import Path

from sightline.events.framing import frame, scan
from sightline.events.messages import Event, Value
from sightline.events.naming import event_files
from sightline.events.reading import mapped
from sightline.events.wire import BYTES, Field, WireError, decode, encode

# The name must not look like an event file, lest a loader read it after a kill.
TEMPORARY = ".resume.tmp"
SUMMARY, VALUE, TAG, METADATA = 5, 1, 1, 9


def truncate_run(run_dir: Path, last_step: int) -> list[Path]:
    """Remove the events past a step, and damaged records, from the event files of a run.

    A file is replaced in one piece, and only if something in it has to go: a kill at any moment
    leaves the old file or the new one.

    Args:
        run_dir: The run's directory.
        last_step: The last step that stays.

    Returns:
        The files that were rewritten.
    """
    rewritten = []
    for path in event_files(run_dir):
        with mapped(path) as buffer:
            if not _has_more_than(buffer, last_step):
                continue
            replace_file(path, _kept_records(buffer, last_step))
        rewritten.append(path)
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


def _has_more_than(buffer: bytes | mmap, last_step: int) -> bool:
    return any(record.data is None or _is_past(record.data, last_step) for record in scan(buffer))


def _is_past(data: bytes, last_step: int) -> bool:
    try:
        return Event.decode(data).step > last_step
    except WireError:  # damage that has a right checksum
        return True


def _kept_records(buffer: bytes | mmap, last_step: int) -> Iterator[bytes]:
    """Records up to a step.

    A tag's metadata stands on its first value. If that one goes and an earlier step of the tag,
    written later, stays, then that one takes over the metadata.

    Yields:
        Framed events.
    """
    orphans: dict[str, bytes] = {}
    for record in scan(buffer):
        if record.data is None:
            continue
        if not _is_past(record.data, last_step):
            data = _adopt(record.data, orphans) if orphans else record.data
            yield frame(data)
        else:
            orphans |= {
                tag: metadata
                for tag, metadata in _metadata_by_tag(record.data).items()
                if tag not in orphans
            }


def _metadata_by_tag(data: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        for field in decode(data):
            if field.number == SUMMARY and isinstance(field.value, bytes):
                for value in decode(field.value):
                    if isinstance(value.value, bytes):
                        tag, metadata = _tag_and_metadata(value.value)
                        if metadata is not None:
                            found[tag] = metadata
    except WireError:
        return found
    return found


def _tag_and_metadata(value: bytes) -> tuple[str, bytes | None]:
    metadata = None
    for field in decode(value):
        if field.number == METADATA and isinstance(field.value, bytes):
            metadata = field.value
    return Value.decode(value).tag, metadata


def _adopt(data: bytes, orphans: dict[str, bytes]) -> bytes:
    """Give values without metadata that of their tag; each orphan is taken once."""
    fields = []
    for field in decode(data):
        if field.number == SUMMARY and isinstance(field.value, bytes):
            values = [_adopted_value(value, orphans) for value in decode(field.value)]
            field = field._replace(value=encode(values))
        fields.append(field)
    return encode(fields)


def _adopted_value(value: Field, orphans: dict[str, bytes]) -> Field:
    if value.number != VALUE or not isinstance(value.value, bytes):
        return value
    tag, metadata = _tag_and_metadata(value.value)
    orphan = orphans.pop(tag, None)
    if orphan is None or metadata is not None:
        return value
    return value._replace(value=value.value + encode([Field(METADATA, BYTES, orphan)]))
