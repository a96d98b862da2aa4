"""Walks over a record field by field, without copying what is not wanted."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, overload

from sightline.events.messages import SessionStatus
from sightline.events.wire import BYTES, FIXED32, FIXED64, VARINT, WireError, signed
from sightline.reading.framing import HEADER_BYTES
from sightline.reading.places import PADDING, Handle

PAGE_BYTES = 4096


class View(Protocol):
    """Bytes of which single ones and stretches can be had."""

    @overload
    def __getitem__(self, place: int, /) -> int: ...
    @overload
    def __getitem__(self, place: slice, /) -> bytes: ...


class SparseRecord:
    """The data of a record of which only the pages in use are read.

    Args:
        handle: The file.
        offset: Where the record begins.
    """

    def __init__(self, handle: Handle, offset: int) -> None:
        self._handle = handle
        self._start = offset + HEADER_BYTES
        self._page = b""
        self._page_start = 0

    @overload
    def __getitem__(self, place: int, /) -> int: ...
    @overload
    def __getitem__(self, place: slice, /) -> bytes: ...
    def __getitem__(self, place: int | slice, /) -> int | bytes:
        """A byte, or the bytes from start to stop."""
        if isinstance(place, int):
            index = place - self._page_start
            if not 0 <= index < len(self._page):
                self._page, self._page_start, index = self._read(place, PAGE_BYTES), place, 0
            return self._page[index]
        start, stop = place.start - self._page_start, place.stop - self._page_start
        if start >= 0 and stop <= len(self._page):
            return self._page[start:stop]
        return self._read(place.start, place.stop - place.start)

    def _read(self, place: int, num_bytes: int) -> bytes:
        data = self._handle.read(self._start + place, num_bytes)
        if data.size == PADDING:
            raise WireError("the file ends inside a record")
        return data[: data.size - PADDING].tobytes()


class Span(NamedTuple):
    """A field of a message, and where its content lies.

    Args:
        number: Its number in the message.
        kind: VARINT, FIXED64, BYTES or FIXED32.
        start: Where its content begins.
        stop: Where it ends.
    """

    number: int
    kind: int
    start: int
    stop: int


def spans(view: View, start: int, stop: int) -> Iterator[Span]:
    """Walk over the fields of a message.

    Args:
        view: What the message is part of.
        start: Where it begins.
        stop: Where it ends.

    Yields:
        Its fields, in order, unknown ones too.

    Raises:
        WireError: If the bytes are not a message.
    """
    while start < stop:
        key, start = varint_at(view, start, stop)
        kind = key & 7
        if kind == VARINT:
            _, end = varint_at(view, start, stop)
        elif kind == BYTES:
            length, start = varint_at(view, start, stop)
            end = start + length
        elif kind == FIXED64:
            end = start + 8
        elif kind == FIXED32:
            end = start + 4
        else:
            raise WireError(f"expected a field of kind 0, 1, 2 or 5, got {kind}")
        if end > stop:
            raise WireError(f"expected {end - start} more bytes, got {stop - start}")
        yield Span(key >> 3, kind, start, end)
        start = end


def varint_at(view: View, start: int, stop: int) -> tuple[int, int]:
    """Read a number, and where it ends.

    Args:
        view: What it is part of.
        start: Where it begins.
        stop: Where it must have ended.

    Returns:
        From 0 to 2^64 - 1, and an offset.

    Raises:
        WireError: If it does not end in time.
    """
    number = shift = 0
    while shift < 70:
        if start >= stop:
            raise WireError("the message ends inside a number")
        byte = view[start]
        start += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & (1 << 64) - 1, start
        shift += 7
    raise WireError("a number is longer than ten bytes")


def text_of(encoded: bytes) -> str:
    """Bytes as text; others than UTF-8 raise WireError."""
    try:
        return encoded.decode()
    except UnicodeDecodeError as error:
        raise WireError("expected text in UTF-8, got other bytes") from error


@dataclass(slots=True)
class ValueSpan:
    """A value under a tag, and where its parts lie.

    Args:
        tag: Its name.
        tag_span: Where the name lies, or None.
        content: Its number, picture, histogram, sound or tensor: the last one counts, or None.
        metadata: What it says of its tag, or None.
    """

    tag: str = ""
    tag_span: Span | None = None
    content: Span | None = None
    metadata: Span | None = None


@dataclass(slots=True)
class EventSpan:
    """An event, and where its parts lie.

    Args:
        wall_time: When, or None.
        step: Of all its values, or None.
        values: The values.
        graph: A graph, or None.
        is_start: Whether a session starts.
        has_more: Whether it carries what no event of scalars does.
    """

    wall_time: Span | None = None
    step: Span | None = None
    values: list[ValueSpan] = field(default_factory=list)
    graph: Span | None = None
    is_start: bool = False
    has_more: bool = False


WALL_TIME, STEP, FILE_VERSION, GRAPH_DEF, SUMMARY, SESSION_LOG = 1, 2, 3, 4, 5, 7
SIMPLE_VALUE, IMAGE, HISTOGRAM, AUDIO, TENSOR, METADATA = 2, 4, 5, 6, 8, 9
CONTENT_KINDS = {SIMPLE_VALUE: FIXED32, IMAGE: BYTES, HISTOGRAM: BYTES, AUDIO: BYTES, TENSOR: BYTES}


def walk_event(view: View, start: int, stop: int) -> EventSpan:
    """Find the parts of an event.

    Args:
        view: What the event is part of.
        start: Where it begins.
        stop: Where it ends.

    Returns:
        Its parts; bytes that are no event raise WireError.
    """
    event = EventSpan()
    for span in spans(view, start, stop):
        match span.number, span.kind:
            case 1, 1:
                event.wall_time = span
            case 2, 0:
                event.step = span
            case 3, 2:
                event.has_more = True
                text_of(view[span.start : span.stop])
            case 4, 2:
                event.has_more = True
                event.graph = span
            case 5, 2:
                for inner in spans(view, span.start, span.stop):
                    if inner.number == 1 and inner.kind == BYTES:
                        event.values.append(walk_value(view, inner.start, inner.stop))
            case 7, 2:
                event.has_more = True
                for inner in spans(view, span.start, span.stop):
                    if inner.number == 1 and inner.kind == VARINT:
                        status, _ = varint_at(view, inner.start, inner.stop)
                        event.is_start = status == SessionStatus.START
    return event


def walk_value(view: View, start: int, stop: int) -> ValueSpan:
    """Find the parts of a value.

    Args:
        view: What the value is part of.
        start: Where it begins.
        stop: Where it ends.

    Returns:
        Its parts; bytes that are no value raise WireError.
    """
    value = ValueSpan()
    for span in spans(view, start, stop):
        if span.number == 1 and span.kind == BYTES:
            value.tag, value.tag_span = text_of(view[span.start : span.stop]), span
        elif CONTENT_KINDS.get(span.number) == span.kind:
            value.content = span
        elif span.number == METADATA and span.kind == BYTES:
            value.metadata = span
    return value


def time_and_step(view: View, event: EventSpan) -> tuple[float, int]:
    """When an event was written, and its step.

    Args:
        view: What the event is part of.
        event: Its parts.

    Returns:
        Seconds since 1970, and a step; 0 where the event names none.
    """
    wall_time, step = 0.0, 0
    if (span := event.wall_time) is not None:
        (wall_time,) = struct.unpack("<d", view[span.start : span.stop])
    if (span := event.step) is not None:
        step = signed(varint_at(view, span.start, span.stop)[0])
    return wall_time, step
