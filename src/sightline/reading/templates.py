"""Reads records of one shape as columns.

Records of scalars differ in little more than time, step and numbers. The first one of a shape is
read field by field; it becomes a template, and whatever agrees with it in all other bytes is read
as columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from sightline.events.framing import FOOTER, masked_crc32c
from sightline.reading.checksums import MAX_DISTANCE, table_at, unmasked
from sightline.reading.framing import HEADER_BYTES, at
from sightline.reading.layouts import Layout, layout_of
from sightline.reading.store import Grid, Points, Store

WORD = 8
MAX_TRIES = 16  # shapes that are tried on records of one length
MAX_SHAPES = 64  # of one length, that are remembered
FEW_ROWS = 32  # that are not worth columns of their own


@dataclass(frozen=True, slots=True)
class Rows:
    """Records in a window.

    Args:
        starts: int64 array of shape (n,): where each begins in the window, its header first.
        lengths: int64 array of shape (n,): how many bytes of data each carries.
        offsets: int64 array of shape (n,): where each begins in the file.
        ordinals: int64 array of shape (n,): number of each in the run.
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    offsets: NDArray[np.int64]
    ordinals: NDArray[np.int64]

    def __getitem__(self, which: slice | NDArray[np.generic]) -> Rows:
        """Some of the records."""
        return Rows(
            self.starts[which], self.lengths[which], self.offsets[which], self.ordinals[which]
        )

    def moved(self, num_bytes: int) -> Rows:
        """The same records, further on in a window."""
        return Rows(self.starts + num_bytes, self.lengths, self.offsets, self.ordinals)

    def each(self) -> Iterator[tuple[int, int, int, int]]:
        """Start, length, offset and ordinal of every record."""
        return zip(
            self.starts.tolist(),
            self.lengths.tolist(),
            self.offsets.tolist(),
            self.ordinals.tolist(),
            strict=True,
        )

    @classmethod
    def joined(cls, parts: list[Rows]) -> Rows:
        """Records after each other."""
        return cls(
            np.concatenate([part.starts for part in parts]),
            np.concatenate([part.lengths for part in parts]),
            np.concatenate([part.offsets for part in parts]),
            np.concatenate([part.ordinals for part in parts]),
        )


class Templates:
    """The shapes of records that a run is known to hold."""

    large_bytes = 32 << 10  # a record of as many bytes of scalars is worth a template by itself

    def __init__(self) -> None:
        self._layouts: dict[int, list[Layout]] = {}

    def read(
        self, window: NDArray[np.uint8], rows: Rows, store: Store
    ) -> tuple[Rows, tuple[list[int], list[int]]]:
        """Read records of one length.

        Args:
            window: Bytes, and the padding behind them.
            rows: The records.
            store: Of the run.

        Returns:
            The records that no template fits, and offsets and lengths of those with a wrong
            checksum.
        """
        length = int(rows.lengths[0])
        known = self._layouts.setdefault(length, [])
        unread: list[Rows] = []
        damaged: list[Rows] = []
        for layout in list(known):
            rows = self._apply(layout, window, rows, store, damaged)
            if not len(rows.starts):
                break
        for _ in range(MAX_TRIES):
            if not len(rows.starts):
                break
            data = _data_of(window, rows)
            new = layout_of(data, store) if data is not None else None
            if new is None:
                unread.append(rows[:1])
                rows = rows[1:]
                continue
            known.insert(0, new)
            del known[MAX_SHAPES:]
            rows = self._apply(new, window, rows, store, damaged)
        rest = Rows.joined([*unread, rows])
        offsets = [offset for part in damaged for offset in part.offsets.tolist()]
        return rest, (offsets, [length] * len(offsets))

    def _apply(
        self,
        layout: Layout,
        window: NDArray[np.uint8],
        rows: Rows,
        store: Store,
        damaged: list[Rows],
    ) -> Rows:
        """Read the records that a template fits; returns the others."""
        num_words = len(layout.words)
        words = at(window, f"V{WORD * num_words}", rows.starts + HEADER_BYTES)
        words_NW = words.view("<u8").reshape(-1, num_words)
        difference_NW = words_NW ^ layout.words
        others = rows[:0]
        if np.any(np.bitwise_or.reduce(difference_NW, axis=0) & layout.is_fixed):
            fits = np.bitwise_or.reduce(difference_NW & layout.is_fixed, axis=1) == 0
            others, rows = rows[~fits], rows[fits]
            words_NW, difference_NW = words_NW[fits], difference_NW[fits]
            if not len(rows.starts):
                return others
        is_right = _checksums_are_right(layout, words_NW, difference_NW)
        if not is_right.all():
            damaged.append(rows[~is_right])
            rows, words_NW = rows[is_right], words_NW[is_right]
        _store_columns(layout, words_NW, rows.ordinals, store)
        return others


def _data_of(window: NDArray[np.uint8], rows: Rows) -> bytes | None:
    """The data of the first record; None where its checksum is wrong."""
    first = int(rows.starts[0]) + HEADER_BYTES
    length = int(rows.lengths[0])
    data = window[first : first + length].tobytes()
    (expected,) = FOOTER.unpack_from(window.data, first + length)
    return data if masked_crc32c(data) == expected else None


def _checksums_are_right(
    layout: Layout, words_NW: NDArray[np.uint64], difference_NW: NDArray[np.uint64]
) -> NDArray[np.bool_]:
    num_rows, num_words = words_NW.shape
    masked = np.ndarray((num_rows,), "<u4", words_NW, layout.length, (WORD * num_words,))
    expected = unmasked(masked)
    if layout.length > MAX_DISTANCE or num_rows < FEW_ROWS:
        bytes_NB = words_NW.view(np.uint8)
        crcs = [google_crc32c.value(row[: layout.length].tobytes()) for row in bytes_NB]
        return np.array(crcs, np.uint32) == expected
    crc = np.full(num_rows, layout.crc, np.uint32)
    difference_NB = difference_NW.view(np.uint8)
    differs = np.bitwise_or.reduce(difference_NW, axis=0).view(np.uint8)[: layout.length] != 0
    for place in np.flatnonzero(differs).tolist():
        crc ^= np.take(table_at(layout.length - 1 - place), difference_NB[:, place])
    return crc == expected


def _store_columns(
    layout: Layout, words_NW: NDArray[np.uint64], ordinals: NDArray[np.int64], store: Store
) -> None:
    num_rows, num_words = words_NW.shape
    if not num_rows:
        return
    stride = WORD * num_words

    def column(dtype: str, place: int) -> NDArray[Any]:
        return np.ndarray((num_rows,), dtype, words_NW, place, (stride,)).copy()

    wall_times = np.zeros(num_rows) if layout.wall_time is None else column("<f8", layout.wall_time)
    steps = np.zeros(num_rows, np.uint64)
    for digit in range(layout.num_step_bytes):
        low_bits = column("u1", layout.step + digit).astype(np.uint64) & np.uint64(0x7F)
        steps |= low_bits << np.uint64(7 * digit)
    signed = steps.view(np.int64)
    if num_rows >= FEW_ROWS:
        values = [
            column(dtype, place) if dtype == "<f4" else column(dtype, place).astype(np.float64)
            for dtype, place in zip(layout.dtypes, layout.places.tolist(), strict=True)
        ]
        store.grids.append(Grid(layout.tags, ordinals, signed, wall_times, values))
        return
    num_values = len(layout.tags)
    values_NK = np.empty((num_rows, num_values))
    for dtype, which in layout.by_dtype.items():
        for row in range(num_rows):
            data = words_NW[row].view(np.uint8)
            values_NK[row, which] = at(data, dtype, layout.places[which])
    store.points.append(
        Points(
            np.tile(layout.tags, num_rows),
            np.repeat(ordinals, num_values),
            np.repeat(signed, num_values),
            np.repeat(wall_times, num_values),
            values_NK.ravel(),
        )
    )
