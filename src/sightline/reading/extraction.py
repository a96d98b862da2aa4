"""Takes times, steps and numbers out of records of one shape, and checks their checksums."""

from __future__ import annotations

from typing import Any

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from sightline.reading.checksums import MAX_DISTANCE, table_at, unmasked
from sightline.reading.framing import at
from sightline.reading.kept import Grid, Points
from sightline.reading.layouts import Layout
from sightline.reading.store import Store

WORD = 8
FEW_ROWS = 32  # that are not worth columns of their own


def checksums_are_right(
    layout: Layout, words_NW: NDArray[np.uint64], difference_WN: NDArray[np.uint64]
) -> NDArray[np.bool_]:
    """Whether the checksums of records are right.

    Args:
        layout: Their shape.
        words_NW: uint64 array of shape (n, w): data and checksum of each.
        difference_WN: uint64 array of shape (w, n): where each differs from the template.

    Returns:
        Bool array of shape (n,).
    """
    num_rows, num_words = words_NW.shape
    masked = np.ndarray((num_rows,), "<u4", words_NW, layout.length, (WORD * num_words,))
    expected = unmasked(masked)
    if layout.length > MAX_DISTANCE or num_rows < FEW_ROWS:
        bytes_NB = words_NW.view(np.uint8)
        crcs = [google_crc32c.value(row[: layout.length].tobytes()) for row in bytes_NB]
        return np.array(crcs, np.uint32) == expected
    crc = np.full(num_rows, layout.crc, np.uint32)
    differs = np.bitwise_or.reduce(difference_WN, axis=1).view(np.uint8)[: layout.length] != 0
    for place in np.flatnonzero(differs).tolist():
        digits = difference_WN[place // WORD].view(np.uint8)[place % WORD :: WORD]
        crc ^= np.take(table_at(layout.length - 1 - place), digits)
    return crc == expected


def store_columns(
    layout: Layout,
    words_NW: NDArray[np.uint64],
    ordinals: NDArray[np.int64],
    numbers: NDArray[np.int32] | None,
    store: Store,
) -> None:
    """Put what records hold into the store.

    Args:
        layout: Their shape.
        words_NW: uint64 array of shape (n, w): the data of each.
        ordinals: Number of each in the run.
        numbers: Number of each one's tag; None where the template says.
        store: Of the run.
    """
    num_rows, num_words = words_NW.shape
    stride = WORD * num_words

    def column(dtype: str, place: int) -> NDArray[Any]:
        return np.ndarray((num_rows,), dtype, words_NW, place, (stride,)).copy()

    wall_times = np.zeros(num_rows) if layout.wall_time is None else column("<f8", layout.wall_time)
    digits = np.zeros(num_rows, np.uint64)
    for digit in range(layout.num_step_bytes):
        low_bits = column("u1", layout.step + digit).astype(np.uint64) & np.uint64(0x7F)
        digits |= low_bits << np.uint64(7 * digit)
    steps = digits.view(np.int64)
    if numbers is not None:
        [dtype], [place] = layout.dtypes, layout.places.tolist()
        with np.errstate(invalid="ignore"):  # a signalling NaN becomes a quiet one
            values = column(dtype, place).astype(np.float64)
        _store_mixed(Points(numbers, ordinals, steps, wall_times, values), store)
        return
    if num_rows >= FEW_ROWS:
        columns = [
            column(dtype, place) if dtype == "<f4" else column(dtype, place).astype(np.float64)
            for dtype, place in zip(layout.dtypes, layout.places.tolist(), strict=True)
        ]
        store.grids.append(Grid(layout.tags, ordinals, steps, wall_times, columns))
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
            np.repeat(steps, num_values),
            np.repeat(wall_times, num_values),
            values_NK.ravel(),
        )
    )


def _store_mixed(points: Points, store: Store) -> None:
    """Put points of any tags into the store: few tags as columns."""
    num_rows = len(points.tags)
    if num_rows < FEW_ROWS:
        store.points.append(points)
        return
    counts = np.bincount(points.tags)
    tags = np.flatnonzero(counts)
    if num_rows < FEW_ROWS * len(tags):
        store.points.append(points)
        return
    if len(tags) > 1:
        # Places of tags fit into 16 bits, which are sorted fastest.
        places = np.cumsum(counts > 0, dtype=np.uint16)
        points = points[np.argsort(places[points.tags], kind="stable")]
    stop = 0
    for tag, count in zip(tags.tolist(), counts[tags].tolist(), strict=True):
        start, stop = stop, stop + count
        store.grids.append(
            Grid(
                np.array([tag], np.int32),
                points.ordinals[start:stop],
                points.steps[start:stop],
                points.wall_times[start:stop],
                [points.values[start:stop]],
            )
        )
