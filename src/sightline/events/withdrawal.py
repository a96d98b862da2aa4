"""Takes back what earlier sessions said once for the whole run, such as how it ended.

Of such a tag, TensorBoard shows what it reads first. What a later session says can only be seen
once the earlier word is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from mmap import mmap
from pathlib import Path

from sightline.events.adoption import SUMMARY, VALUE
from sightline.events.framing import frame, scan
from sightline.events.messages import Value
from sightline.events.naming import event_files
from sightline.events.paths import AnyPath
from sightline.events.reading import buffers
from sightline.events.remote import put
from sightline.events.truncation import replace_file
from sightline.events.wire import Field, WireError, decode, encode


def withdraw(run_dir: AnyPath, tags: Collection[str], *, but_not_from: AnyPath) -> list[AnyPath]:
    """Remove all values of some tags from the event files of a run.

    A file in which none of the tags occurs is searched, at the speed of the disk, and not touched.
    Damaged records stay as they are.

    Args:
        run_dir: The run's directory.
        tags: The tags.
        but_not_from: The file that is being written; of a remote one, what its objects are called.

    Returns:
        The files that were rewritten.
    """
    earlier = [path for path in event_files(run_dir) if not path.name.startswith(but_not_from.name)]
    rewritten: list[AnyPath] = []
    for path, buffer in buffers(earlier):
        if any(buffer.find(tag.encode()) >= 0 for tag in tags):
            if isinstance(path, Path):
                replace_file(path, _without(buffer, tags))
            else:
                put(path, b"".join(_without(buffer, tags)))
            rewritten.append(path)
    return rewritten


def _without(buffer: bytes | mmap, tags: Collection[str]) -> Iterator[bytes]:
    for record in scan(buffer):
        if record.data is None or not any(tag.encode() in record.data for tag in tags):
            yield buffer[record.offset : record.end]
        else:
            yield from _thinned(record.data, tags)


def _thinned(data: bytes, tags: Collection[str]) -> Iterator[bytes]:
    """The event without these values; no event where nothing else was in it.

    Yields:
        A framed event, or nothing.
    """
    fields: list[Field] = []
    is_empty = False
    try:
        for field in decode(data):
            if field.number == SUMMARY and isinstance(field.value, bytes):
                kept = [value for value in decode(field.value) if not _is_of(value, tags)]
                field = field._replace(value=encode(kept))
                is_empty = not kept
            fields.append(field)
    except WireError:  # damage that has a right checksum
        yield frame(data)
        return
    if not is_empty:
        yield frame(encode(fields))


def _is_of(value: Field, tags: Collection[str]) -> bool:
    if value.number != VALUE or not isinstance(value.value, bytes):
        return False
    return Value.decode(value.value).tag in tags
