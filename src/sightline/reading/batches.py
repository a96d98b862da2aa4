"""Reads many small records at once: those of one shape as columns, the others one by one."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sightline.events.framing import FOOTER, masked_crc32c
from sightline.events.reading import Damage
from sightline.events.wire import WireError
from sightline.reading.framing import FRAME_BYTES, HEADER_BYTES
from sightline.reading.places import PADDING
from sightline.reading.records import read_record
from sightline.reading.store import Store
from sightline.reading.templates import Rows, Templates

FEW = 8  # records of one length that are not worth a template


class Batch:
    """Records of a file that are in memory.

    Args:
        file: Number of the file in the run.
    """

    def __init__(self, file: int) -> None:
        self.file = file
        self.num_bytes = 0
        self._windows: list[NDArray[np.uint8]] = []
        self._rows: list[Rows] = []

    def add(self, window: NDArray[np.uint8], rows: Rows) -> None:
        """Add records that lie in a window.

        Args:
            window: Bytes, and the padding behind them.
            rows: Where in the window the records lie, rising.
        """
        first, end = int(rows.starts[0]), int(rows.starts[-1] + rows.lengths[-1]) + FRAME_BYTES
        part = window[first : end + PADDING]
        self._windows.append(part if 2 * part.size > window.size else part.copy())
        self._rows.append(rows.moved(self.num_bytes - first))
        self.num_bytes += end - first

    def joined(self) -> tuple[NDArray[np.uint8], Rows]:
        """All bytes, with padding behind them, and all records."""
        if len(self._windows) == 1:
            return self._windows[0], self._rows[0]
        *earlier, last = self._windows
        window = np.concatenate([*(part[:-PADDING] for part in earlier), last])
        return window, Rows.joined(self._rows)


def read_batch(batch: Batch, store: Store, templates: Templates, path: Path | str) -> None:
    """Put all that records hold into the store, and note those that are damaged.

    Args:
        batch: The records.
        store: Of the run.
        templates: Shapes of records that are known.
        path: Of the file.
    """
    window, rows = batch.joined()
    order = np.argsort(rows.lengths.astype(np.uint16), kind="stable")  # 16 bits are sorted fastest
    lengths = rows.lengths[order]
    bounds = [0, *(np.flatnonzero(lengths[1:] != lengths[:-1]) + 1).tolist(), len(lengths)]
    single: list[NDArray[np.int64]] = []
    groups: list[NDArray[np.int64]] = []
    for start, stop in itertools.pairwise(bounds):
        is_column = stop - start >= FEW or lengths[start] >= templates.large_bytes
        (groups if is_column else single).append(order[start:stop])
    _read_each(batch.file, window, rows[_joined(single)], store, path)
    for group in groups:
        rest, damaged = templates.read(window, rows[group], store)
        for offset, length in zip(*damaged, strict=True):
            _note(store, path, offset, length, "the checksum of the data is wrong")
        _read_each(batch.file, window, rest, store, path)


def _joined(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.sort(np.concatenate([*parts, np.empty(0, np.int64)]))


def _read_each(
    file: int, window: NDArray[np.uint8], rows: Rows, store: Store, path: Path | str
) -> None:
    for start, length, offset, ordinal in rows.each():
        first = start + HEADER_BYTES
        data = window[first : first + length].tobytes()
        (expected,) = FOOTER.unpack_from(window.data, first + length)
        if masked_crc32c(data) != expected:
            _note(store, path, offset, length, "the checksum of the data is wrong")
            continue
        try:
            read_record(store, data, length, ordinal=ordinal, file=file, offset=offset)
        except WireError as error:
            _note(store, path, offset, length, str(error))


def _note(store: Store, path: Path | str, offset: int, length: int, reason: str) -> None:
    store.damage.append(Damage(path, offset, length + FRAME_BYTES, reason))
