"""Reads an event file from where the last reading ended."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sightline.events.reading import Damage
from sightline.events.wire import FIXED32, WireError
from sightline.reading.batches import Batch, read_batch
from sightline.reading.checksums import crc_of_lengths, unmasked
from sightline.reading.framing import FRAME_BYTES, HEADER_BYTES, find_frames
from sightline.reading.places import PADDING, Handle, Place
from sightline.reading.records import read_record
from sightline.reading.resync import Search, data_is_right
from sightline.reading.store import Store
from sightline.reading.templates import Rows, Templates
from sightline.reading.walk import SparseRecord, spans, walk_value

LARGE_BYTES = 32 << 10  # of a record: pictures are larger, and are not read with the scalars
MAX_WINDOW = 4 << 20
MANY_VALUES = 200  # a record that begins with as many scalars is read as a whole
BATCH_BYTES = 2 << 20
MANY_UNTOLD = 10_000  # values that wait for what earlier ones say


class Replaced(Exception):  # noqa: N818 - no error: the run is read anew
    """Another file has taken the place of an event file, or it was cut short."""


class EventFileReader:
    """Reads an event file of a run, and later what was appended to it.

    Args:
        place: The file.
        number: Its number in the run.
        store: Where to put what it holds.
        templates: Shapes of records that the run's files share.
    """

    def __init__(self, place: Place, number: int, store: Store, templates: Templates) -> None:
        self.place = place
        self.offset = 0
        self.size = 0
        self._number = number
        self._store = store
        self._templates = templates
        self._window = max(place.smallest_read, 64 << 10)
        self._identity: object = None
        self._search = Search()
        self._damaged_from: int | None = None
        self._batch = Batch(number)

    @property
    def torn(self) -> Damage | None:
        """The end of the file that is no whole record, and may become one."""
        start = self.offset if self._damaged_from is None else self._damaged_from
        if start >= self.size:
            return None
        return Damage(self.place.path, start, self.size - start, "the file ends inside a record")

    def read(self, *, may_grow: bool = False) -> None:
        """Read what is there now.

        Args:
            may_grow: Whether to wait for the rest of a record that is not whole, rather than to
                look for other records in what is there of it.

        Raises:
            Replaced: If it is not the file that was read before.
        """  # noqa: DOC502
        for _ in self.parts(may_grow=may_grow):
            pass

    def parts(self, *, may_grow: bool = False) -> Iterator[None]:
        """Read what is there now, part by part; between two the store may be emptied.

        Args:
            may_grow: As for `read`.

        Yields:
            Nothing, after each part.

        Raises:
            Replaced: If it is not the file that was read before.
        """
        with self.place.open() as handle:
            self.size = handle.size()
            identity = handle.identity()
            if self.size < self.offset or self._identity not in (None, identity):
                raise Replaced(str(self.place.path))
            self._identity = identity
            while self._step(handle, may_grow):
                yield
            self._flush()
        self._store.settle()
        yield

    def _step(self, handle: Handle, may_grow: bool) -> bool:
        """Read a window; False where the file has no more whole records."""
        if self._damaged_from is not None:
            return self._resume(handle)
        left = self.size - self.offset
        if left < HEADER_BYTES:
            return False
        window = handle.read(self.offset, min(self._window, left))
        num_bytes = window.size - PADDING
        if num_bytes < min(left, HEADER_BYTES):  # the file was cut short just now
            return False
        frames = find_frames(window)
        num_small = self._take(handle, window, frames.starts, frames.lengths)
        self.offset += frames.end
        if frames.is_damaged:
            self._damaged_from = self.offset
            self.offset += 1
            self._window = self.place.smallest_read
            return True
        if frames.end == num_bytes or num_small * 2 > num_bytes:
            self._window = min(2 * self._window, MAX_WINDOW)
        else:  # mostly what is not read
            self._window = max(self._window // 4, self.place.smallest_read)
        if num_bytes - frames.end < HEADER_BYTES:
            return frames.end > 0
        return self._take_beyond(handle, window, frames.end, may_grow) or frames.end > 0

    def _resume(self, handle: Handle) -> bool:
        """Go on behind damaged bytes."""
        assert self._damaged_from is not None
        found, self.offset = self._search.next_record(handle, self.offset, self.size)
        if found is None:
            return False
        self._store.damage.append(
            Damage(
                self.place.path,
                self._damaged_from,
                found - self._damaged_from,
                "the length is damaged",
            )
        )
        self.offset, self._damaged_from = found, None
        return True

    def _take(
        self,
        handle: Handle,
        window: NDArray[np.uint8],
        starts: NDArray[np.int64],
        lengths: NDArray[np.int64],
    ) -> int:
        """Take the records of a window; returns how many bytes of it were small records."""
        is_large = lengths > LARGE_BYTES
        num_records = len(starts)
        if not is_large.any():
            self._add(window, starts, lengths, self.offset, self._store.num_records)
            self._store.num_records += num_records
            return int(starts[-1] + lengths[-1]) if num_records else 0
        num_small = 0
        previous = 0
        for large in np.flatnonzero(is_large).tolist():
            part = slice(previous, large)
            self._add(window, starts[part], lengths[part], self.offset, self._store.num_records)
            self._store.num_records += large - previous
            num_small += int(lengths[part].sum())
            self._take_large(handle, self.offset + int(starts[large]), int(lengths[large]))
            previous = large + 1
        part = slice(previous, num_records)
        self._add(window, starts[part], lengths[part], self.offset, self._store.num_records)
        self._store.num_records += num_records - previous
        return num_small + int(lengths[part].sum())

    def _take_beyond(
        self, handle: Handle, window: NDArray[np.uint8], start: int, may_grow: bool
    ) -> bool:
        """Take the record that the window does not hold as a whole; whether there was one."""
        header = window[start : start + HEADER_BYTES]
        length_bytes = header[:8].view("<u8") if start % 8 == 0 else header[:8].copy().view("<u8")
        crc = header[8:].copy().view("<u4")
        if crc_of_lengths(length_bytes)[0] != unmasked(crc)[0]:
            self._damaged_from = self.offset
            self.offset += 1
            return True
        length = int(length_bytes[0])
        if self.offset + length + FRAME_BYTES > self.size:
            if may_grow:
                return False
            return self._look_inside_torn(handle)
        if length <= LARGE_BYTES:
            self._window = max(self._window, length + FRAME_BYTES)
            return True
        self._take_large(handle, self.offset, length)
        self.offset += length + FRAME_BYTES
        return True

    def _look_inside_torn(self, handle: Handle) -> bool:
        found, _ = self._search.next_record(handle, self.offset + 1, self.size)
        if found is None:
            return False
        self._store.damage.append(
            Damage(self.place.path, self.offset, found - self.offset, "the length is damaged")
        )
        self.offset = found
        return True

    def _take_large(self, handle: Handle, offset: int, length: int) -> None:
        view = SparseRecord(handle, offset)
        ordinal = self._store.num_records
        if begins_with_scalars(view, length):
            record = handle.read(offset, length + FRAME_BYTES)
            zero = np.zeros(1, np.int64)
            self._add(record, zero, zero + length, offset, ordinal)
        else:
            try:
                read_record(
                    self._store, view, length, ordinal=ordinal, file=self._number, offset=offset
                )
            except WireError as error:
                self._add_damage(offset, length, str(error), data_is_right(handle, offset, length))
        self._store.num_records += 1
        if len(self._store.untold) >= MANY_UNTOLD:
            self._flush()

    def _add_damage(self, offset: int, length: int, reason: str, crc_is_right: bool) -> None:
        if not crc_is_right:
            reason = "the checksum of the data is wrong"
        self._store.damage.append(Damage(self.place.path, offset, length + FRAME_BYTES, reason))

    def _add(
        self,
        window: NDArray[np.uint8],
        starts: NDArray[np.int64],
        lengths: NDArray[np.int64],
        offset: int,
        ordinal: int,
    ) -> None:
        if not len(starts):
            return
        ordinals = np.arange(ordinal, ordinal + len(starts))
        self._batch.add(window, Rows(starts, lengths, starts + offset, ordinals))
        if self._batch.num_bytes >= BATCH_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._batch.num_bytes:
            read_batch(self._batch, self._store, self._templates, self.place.path)
            self._batch = Batch(self._number)
        self._store.add_untold()


def begins_with_scalars(view: SparseRecord, length: int) -> bool:
    """Whether a large record is worth reading as a whole: many scalars, and nothing else first.

    Args:
        view: The record's data.
        length: How many bytes they are.

    Returns:
        False too where the data is no event.
    """
    num_scalars = 0
    try:
        for span in spans(view, 0, length):
            if span.number == 5 and span.kind == 2:
                for inner in spans(view, span.start, span.stop):
                    if inner.number == 1 and inner.kind == 2:
                        if inner.stop - inner.start > LARGE_BYTES:
                            return False
                        content = walk_value(view, inner.start, inner.stop).content
                        if content is None or content.kind != FIXED32:
                            return False
                        num_scalars += 1
                        if num_scalars == MANY_VALUES:
                            return True
            elif span.stop - span.start > LARGE_BYTES:
                return False
    except WireError:
        return False
    return num_scalars > 0
