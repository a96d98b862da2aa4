"""Where values lie that are no scalars: they are read when they are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from sightline.events.framing import FOOTER, LENGTH, masked_crc32c
from sightline.events.reading import Damage
from sightline.reading.framing import FRAME_BYTES, HEADER_BYTES
from sightline.reading.kept import Blobs
from sightline.reading.places import PADDING, Place
from sightline.reading.store import Store
from sightline.reading.tensors import array_of


class Blob:
    """A value that is no scalar.

    What is not in memory yet is read from the file at first use; where it is damaged, or gone,
    that raises ValueError.

    Args:
        place: The event file.
        step: Its step.
        wall_time: When it was logged, in seconds since 1970.
        record: Where its record begins in the file.
        start: Where the content begins in the record's data.
        stop: Where it ends there.
        field: Which field of the value it is.
    """

    def __init__(
        self,
        place: Place,
        step: int,
        wall_time: float,
        record: int,
        start: int,
        stop: int,
        field: int,
    ) -> None:
        self.step = step
        self.wall_time = wall_time
        self._place = place
        self._record = record
        self._start = start
        self._stop = stop
        self._field = field

    def __repr__(self) -> str:
        """Kind, step and size."""
        size = self._stop - self._start
        return f"{type(self).__name__}(step={self.step}, num_bytes={size})"

    @cached_property
    def content(self) -> bytes:
        """The message, as the file holds it."""
        with self._place.open() as handle:
            header = handle.read(self._record, HEADER_BYTES)
            (length,) = LENGTH.unpack_from(header)
            if self._record + length + FRAME_BYTES <= handle.size():
                record = handle.read(self._record + HEADER_BYTES, length + FOOTER.size)
                data = record[:length].tobytes()
                if record.size - PADDING == length + FOOTER.size:
                    (expected,) = FOOTER.unpack_from(record, length)
                    if masked_crc32c(data) == expected:
                        return data[self._start : self._stop]
        raise DamagedBlobError(
            Damage(
                self._place.path,
                self._record,
                self._stop + FRAME_BYTES,
                "the checksum of the data is wrong",
            )
        )

    @cached_property
    def _tensor(self) -> NDArray[Any]:
        return array_of(self.content)


class DamagedBlobError(ValueError):
    """A value whose bytes are damaged.

    Args:
        damage: What is wrong.
    """

    def __init__(self, damage: Damage) -> None:
        super().__init__(
            f"expected a whole record at byte {damage.offset} of {damage.path}, got damaged bytes: "
            f"{damage.reason}; iterate over the values, which skips it"
        )
        self.damage = damage


B = TypeVar("B", bound=Blob)


class BlobSequence(Sequence[B], Generic[B]):
    """The values of a tag that are no scalars, in the order of the file.

    Iterating skips those whose bytes turn out to be damaged, and notes them in `log.damage`;
    their number is not known before.

    Args:
        make: Class of the values.
        blobs: Where they lie.
        store: Of the run.
        raw: Keep what restarts drop.
    """

    def __init__(self, make: type[B], blobs: Blobs, store: Store, *, raw: bool) -> None:
        self._make = make
        self._blobs = blobs
        self._store = store
        ordinals = np.array(blobs.ordinals, np.int64)
        order = np.argsort(ordinals, kind="stable")
        steps = np.array(blobs.steps, np.int64)
        stays = None if raw else store.restarts().survivors(steps[order], ordinals[order])
        self._which = order if stays is None else order[stays]
        self.steps = steps[self._which]
        self.wall_times = np.array(blobs.wall_times, np.float64)[self._which]

    def __len__(self) -> int:
        """How many values there are."""
        return len(self._which)

    @overload
    def __getitem__(self, index: int) -> B: ...
    @overload
    def __getitem__(self, index: slice) -> list[B]: ...
    def __getitem__(self, index: int | slice) -> B | list[B]:
        """One value, or several."""
        if isinstance(index, slice):
            return [self._at(int(place)) for place in self._which[index]]
        return self._at(int(self._which[index]))

    def __iter__(self) -> Iterator[B]:
        """Walk over the values.

        Yields:
            Those that are whole.
        """
        for place in self._which.tolist():
            blob = self._at(place)
            try:
                _ = blob.content
            except DamagedBlobError as error:
                if error.damage not in self._store.damage:
                    self._store.damage.append(error.damage)
                continue
            yield blob

    def _at(self, place: int) -> B:
        blobs = self._blobs
        return self._make(
            blobs.places[blobs.files[place]],
            blobs.steps[place],
            blobs.wall_times[place],
            blobs.records[place],
            blobs.starts[place],
            blobs.stops[place],
            blobs.fields[place],
        )
