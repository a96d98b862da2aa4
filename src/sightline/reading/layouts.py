"""What is the same in all records of one shape, and where the rest lies."""

from __future__ import annotations

from dataclasses import dataclass

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from sightline.events.messages import Metadata
from sightline.events.wire import BYTES, FIXED32, VARINT, WireError
from sightline.reading.records import kind_of, metadata_of
from sightline.reading.store import Store
from sightline.reading.tag_table import TagTable
from sightline.reading.tensors import shape_of
from sightline.reading.walk import TENSOR, Span, spans, text_of, varint_at, walk_event

FOOTER_BYTES = 4
# Of a tensor: fields that may hold its element, by type.
ELEMENT_FIELDS = {1: ("<f4", {4, 5}), 2: ("<f8", {4, 6}), 3: ("<i4", {4}), 9: ("<i8", {4})}


@dataclass(frozen=True, slots=True)
class TagsOfShape:
    """The tags of records that hold one scalar each, and differ in the tag.

    Args:
        words: Which words of the data hold the tag.
        is_tag: uint64 array: the bits of the tag in them.
        table: Numbers of the tags that are known.
        start: Where the tag lies.
        stop: Where it ends.
        about: What the records say of their tags, or None.
    """

    words: slice
    is_tag: NDArray[np.uint64]
    table: TagTable
    start: int
    stop: int
    about: Metadata | None

    @classmethod
    def of(cls, span: Span, words: NDArray[np.uint64], about: Metadata | None) -> TagsOfShape:
        """Of records like one.

        Args:
            span: Where its tag lies.
            words: The data of that record.
            about: What it says of its tag, or None.

        Returns:
            An empty table.
        """
        is_tag = np.zeros(8 * len(words), np.uint8)
        is_tag[span.start : span.stop] = 0xFF
        which = slice(span.start // 8, -(-span.stop // 8))
        bits = is_tag.view(np.uint64)[which]
        return cls(which, bits, TagTable(bits), span.start, span.stop, about)

    def numbers(
        self, words_WN: NDArray[np.uint64], ordinals: NDArray[np.int64], store: Store
    ) -> NDArray[np.int32]:
        """Numbers of the tags of records; tags that are new get one.

        Args:
            words_WN: uint64 array of shape (w, n): the data of each.
            ordinals: int64 array of shape (n,): number of each in the run, rising.
            store: Of the run.

        Returns:
            int32 array of shape (n,); -1 where a tag is no text.
        """
        tags_WN = words_WN[self.words]
        numbers = self.table.find(tags_WN)
        unknown = np.flatnonzero(numbers < 0)
        if not len(unknown):
            return numbers
        new_WN = np.ascontiguousarray((tags_WN[:, unknown] & self.is_tag[:, None]).T)
        _, first = np.unique(new_WN.view(f"V{new_WN.shape[1] * 8}").ravel(), return_index=True)
        first.sort()
        shift = 8 * self.words.start
        found: list[tuple[int, int]] = []
        for row in first.tolist():
            encoded = new_WN[row].tobytes()[self.start - shift : self.stop - shift]
            try:
                tag = text_of(encoded)
            except WireError:
                continue
            if self.about is not None:
                store.describe(tag, self.about, int(ordinals[unknown[row]]))
            store.tell(tag, "scalar", int(ordinals[unknown[row]]))
            found.append((row, store.number_of(tag)))
        rows = np.array([row for row, _ in found], np.int64)
        self.table.add(
            np.ascontiguousarray(new_WN[rows].T), np.array([n for _, n in found], np.int32)
        )
        numbers[unknown] = self.table.find(tags_WN[:, unknown])
        return numbers


@dataclass(frozen=True, slots=True)
class Layout:
    """What is the same in all records of one shape, and where the rest lies.

    Args:
        length: Bytes of data.
        words: uint64 array: the data of one record, its checksum and padding.
        is_fixed: uint64 array: the bits that are the same in all records.
        crc: Checksum of that record, not masked.
        wall_time: Where the wall time lies, or None.
        step: Where the step lies.
        num_step_bytes: How many bytes it has.
        tags: int32 array of shape (k,): numbers of the scalars' tags.
        dtypes: Type of each scalar.
        places: int64 array of shape (k,): where each scalar lies.
        by_dtype: Which scalars have a type.
        tags_of_shape: What finds the tags of records that hold one scalar each; None where the tags
            are the same in all records.
    """

    length: int
    words: NDArray[np.uint64]
    is_fixed: NDArray[np.uint64]
    crc: int
    wall_time: int | None
    step: int
    num_step_bytes: int
    tags: NDArray[np.int32]
    dtypes: list[str]
    places: NDArray[np.int64]
    by_dtype: dict[str, NDArray[np.int64]]
    tags_of_shape: TagsOfShape | None


def layout_of(data: bytes, ordinal: int, store: Store) -> Layout | None:
    """Make a template of a record.

    Args:
        data: What the record carries.
        ordinal: Its number in the run.
        store: Of the run; tags that are new get their numbers.

    Returns:
        The template; None where the record holds anything but scalars.
    """
    try:
        event = walk_event(data, 0, len(data))
        if event.has_more or not event.values:
            return None
        places: list[tuple[str, int]] = []
        news: list[tuple[str, Metadata]] = []
        for value in event.values:
            about = metadata_of(data, value)
            if value.content is None or kind_of(value, about) != "scalar":
                return None
            place = _place_of(data, value.content)
            if place is None:
                return None
            places.append(place)
            if about is not None:
                news.append((value.tag, about))
    except WireError:
        return None
    for value in event.values:
        store.tell(value.tag, "scalar", ordinal)
    for tag, about in news:
        store.describe(tag, about, ordinal)
    num_words = -(-(len(data) + FOOTER_BYTES) // 8)
    padded = np.zeros(8 * num_words, np.uint8)
    padded[: len(data)] = np.frombuffer(data, np.uint8)
    is_fixed = np.zeros(8 * num_words, np.uint8)
    is_fixed[: len(data)] = 0xFF
    names = np.array([dtype for dtype, _ in places])
    starts = np.array([place for _, place in places], np.int64)
    by_dtype = {str(name): np.flatnonzero(names == name) for name in np.unique(names)}
    for name, which in by_dtype.items():
        is_fixed[starts[which, None] + np.arange(np.dtype(name).itemsize)] = 0
    if (wall_time := event.wall_time) is not None:
        is_fixed[wall_time.start : wall_time.stop] = 0
    if (step := event.step) is not None:
        is_fixed[step.start : step.stop] = 0x80
    tags_of_shape = None
    [first, *others] = event.values
    if not others and first.tag_span is not None and first.tag:
        about = news[0][1] if news else None
        tags_of_shape = TagsOfShape.of(first.tag_span, padded.view(np.uint64), about)
        is_fixed[first.tag_span.start : first.tag_span.stop] = 0
    return Layout(
        length=len(data),
        words=padded.view(np.uint64),
        is_fixed=is_fixed.view(np.uint64),
        crc=google_crc32c.value(data),
        wall_time=None if wall_time is None else wall_time.start,
        step=0 if step is None else step.start,
        num_step_bytes=0 if step is None else step.stop - step.start,
        tags=np.array([store.number_of(value.tag) for value in event.values], np.int32),
        dtypes=[dtype for dtype, _ in places],
        places=starts,
        by_dtype=by_dtype,
        tags_of_shape=tags_of_shape,
    )


def _place_of(data: bytes, content: Span) -> tuple[str, int] | None:
    """Type and place of a number, alone or in a tensor of one element."""
    if content.kind == FIXED32:
        return "<f4", content.start
    if content.number != TENSOR:
        return None
    dtype = 0
    elements: list[Span] = []
    for span in spans(data, content.start, content.stop):
        if span.number == 1 and span.kind == VARINT:
            dtype, _ = varint_at(data, span.start, span.stop)
        elif span.number == 2 and span.kind == BYTES:
            if any(size != 1 for size in shape_of(data[span.start : span.stop])):
                return None
        elif span.number not in {2, 3}:
            elements.append(span)
    if dtype not in ELEMENT_FIELDS or len(elements) != 1:
        return None
    name, fields = ELEMENT_FIELDS[dtype]
    [element] = elements
    if element.number not in fields or element.stop - element.start != np.dtype(name).itemsize:
        return None
    if element.kind == VARINT:
        return None
    return name, element.start
