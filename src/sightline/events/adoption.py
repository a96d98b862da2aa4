"""Metadata whose value is gone finds another value of its tag.

A loader heeds the metadata of the first value of a tag in a run and of no other.
"""

from __future__ import annotations

from sightline.events.framing import frame, scan
from sightline.events.messages import Value
from sightline.events.wire import BYTES, Field, WireError, decode, encode

SUMMARY, VALUE, METADATA = 5, 1, 9


def adopt_in_records(records: bytes, orphans: dict[str, bytes]) -> bytes:
    """Give values without metadata that of their tag.

    Args:
        records: Whole framed events.
        orphans: Encoded metadata by tag; each is taken once.

    Returns:
        Framed events.
    """
    return b"".join(
        frame(adopt(record.data, orphans)) for record in scan(records) if record.data is not None
    )


def metadata_by_tag(data: bytes) -> dict[str, bytes]:
    """The metadata that an event carries.

    Args:
        data: An encoded event.

    Returns:
        Encoded metadata by tag.
    """
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


def adopt(data: bytes, orphans: dict[str, bytes]) -> bytes:
    """Give values without metadata that of their tag.

    Args:
        data: An encoded event.
        orphans: Encoded metadata by tag; each is taken once.

    Returns:
        The event, encoded.
    """
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
