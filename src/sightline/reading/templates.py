"""Reads records of one shape as columns.

Records of scalars differ in little more than time, step and numbers. The first one of a shape is
read field by field; it becomes a template, and whatever agrees with it in all other bytes is read
as columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.events.framing import FOOTER, masked_crc32c
from sightline.reading.extraction import WORD, checksums_are_right, store_columns
from sightline.reading.framing import HEADER_BYTES, at
from sightline.reading.layouts import Layout, layout_of
from sightline.reading.store import Store

MAX_TRIES = 16  # shapes that are tried on records of one length
MAX_SHAPES = 64  # of one length, that are remembered


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
            new = layout_of(data, int(rows.ordinals[0]), store) if data is not None else None
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
        words_WN = np.ascontiguousarray(words_NW.T)  # word by word it is five times as fast
        difference_WN = words_WN ^ layout.words[:, None]
        differs = np.bitwise_or.reduce(difference_WN & layout.is_fixed[:, None], axis=0) != 0
        others = rows[:0]
        if differs.any():
            others, rows = rows[differs], rows[~differs]
            words_NW = words_NW[~differs]
            words_WN = np.ascontiguousarray(words_NW.T)
            difference_WN = words_WN ^ layout.words[:, None]
            if not len(rows.starts):
                return others
        is_right = checksums_are_right(layout, words_NW, difference_WN)
        if not is_right.all():
            damaged.append(rows[~is_right])
            rows, words_NW, words_WN = rows[is_right], words_NW[is_right], words_WN[:, is_right]
        numbers = None
        if layout.tags_of_shape is not None and len(rows.starts):
            numbers = layout.tags_of_shape.numbers(words_WN, rows.ordinals, store)
            if numbers.min() < 0:
                others = Rows.joined([others, rows[numbers < 0]])
                rows, words_NW = rows[numbers >= 0], words_NW[numbers >= 0]
                numbers = numbers[numbers >= 0]
        if len(rows.starts):
            store_columns(layout, words_NW, rows.ordinals, numbers, store)
        return others


def _data_of(window: NDArray[np.uint8], rows: Rows) -> bytes | None:
    """The data of the first record; None where its checksum is wrong."""
    first = int(rows.starts[0]) + HEADER_BYTES
    length = int(rows.lengths[0])
    data = window[first : first + length].tobytes()
    (expected,) = FOOTER.unpack_from(window.data, first + length)
    return data if masked_crc32c(data) == expected else None
