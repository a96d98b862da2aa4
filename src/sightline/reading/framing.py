"""Finds the records in a window of an event file.

Training loops repeat themselves: so do the lengths of what they log. The lengths of some records
are walked over one by one; where they repeat, the headers of the next thousands are compared with
those at once, up to the first that differs.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.reading.checksums import crc_of_lengths, unmasked
from sightline.reading.places import PADDING

HEADER_BYTES, FRAME_BYTES = 12, 16
LENGTH = struct.Struct("<Q")
WALK = 128  # records that are walked over before a period is looked for
MAX_WALK = 1 << 14
MAX_PERIOD = 40


@dataclass(frozen=True, slots=True)
class Frames:
    """Whole records that follow upon each other in a window.

    Args:
        starts: int64 array: where each begins, its header first.
        lengths: int64 array: how many bytes of data each carries.
        end: Where the last one ends.
        is_damaged: Whether what follows there is no header of a record.
    """

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    end: int
    is_damaged: bool


def find_frames(window: NDArray[np.uint8]) -> Frames:
    """Find the records that lie in a window as a whole.

    Args:
        window: Bytes that begin with a record, and the padding behind them.

    Returns:
        The records whose lengths have a right checksum; their data is not looked at.
    """
    num_bytes = window.size - PADDING
    parts: list[NDArray[np.int64]] = []
    offset, num_walked = 0, WALK
    while True:
        starts, offset = _walk(window, offset, num_walked)
        bounds = np.append(starts, offset)
        is_end = len(starts) < num_walked
        checked = bounds if is_end and offset + HEADER_BYTES <= num_bytes else starts
        wrong = np.flatnonzero(~headers_are_right(window, checked))
        if wrong.size:
            parts.append(starts[: wrong[0]])
            return _frames(parts, int(checked[wrong[0]]), is_damaged=True)
        parts.append(starts)
        if is_end:
            return _frames(parts, offset, is_damaged=False)
        repeated, offset = _repeated(window, bounds)
        parts.append(repeated)
        num_walked = WALK if len(repeated) > num_walked else min(4 * num_walked, MAX_WALK)


def headers_are_right(window: NDArray[np.uint8], starts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the checksums of lengths are right.

    Args:
        window: Bytes, and the padding behind them.
        starts: Where headers begin.

    Returns:
        One answer for each.
    """
    return crc_of_lengths(at(window, "<u8", starts)) == unmasked(at(window, "<u4", starts + 8))


def at(window: NDArray[np.uint8], dtype: str, starts: NDArray[np.int64]) -> NDArray[Any]:
    """Numbers, or stretches of bytes, that begin anywhere.

    Args:
        window: Bytes.
        dtype: What is to be read.
        starts: Where each begins.

    Returns:
        A copy, one element for each start.
    """
    size = np.dtype(dtype).itemsize
    every = np.ndarray((max(window.size - size + 1, 0),), dtype, window, strides=(1,))
    return every[starts]


def _walk(window: NDArray[np.uint8], offset: int, most: int) -> tuple[NDArray[np.int64], int]:
    """Starts of the next records that lie in the window as a whole, and where they end."""
    num_bytes = window.size - PADDING
    starts: list[int] = []
    add, length_at, view = starts.append, LENGTH.unpack_from, window.data
    last_start = num_bytes - FRAME_BYTES
    while offset <= last_start and len(starts) < most:
        end = offset + length_at(view, offset)[0] + FRAME_BYTES
        if end > num_bytes:
            break
        add(offset)
        offset = end
    return np.array(starts, np.int64), offset


def _frames(parts: list[NDArray[np.int64]], end: int, *, is_damaged: bool) -> Frames:
    starts = np.concatenate(parts)
    return Frames(starts, np.diff(starts, append=end) - FRAME_BYTES, end, is_damaged)


def _period(bounds: NDArray[np.int64]) -> int:
    """After how many records their lengths repeat; 0 for never."""
    sizes = np.diff(bounds)
    for period in range(1, min(MAX_PERIOD, len(sizes) // 3) + 1):
        if np.array_equal(sizes[-2 * period :], sizes[-3 * period : -period]):
            return period
    return 0


def _repeated(
    window: NDArray[np.uint8], bounds: NDArray[np.int64]
) -> tuple[NDArray[np.int64], int]:
    """Starts of the records that repeat the last ones, and where they end."""
    period, end = _period(bounds), int(bounds[-1])
    if not period:
        return bounds[:0], end
    starts = bounds[-1 - period : -1]
    stride = end - int(starts[0])
    count = (window.size - PADDING - end) // stride
    for start in starts.tolist():
        if not count:
            break
        for dtype, place in (("<u8", start), ("<u4", start + 8)):
            same = np.ndarray((count + 1,), dtype, window, place, strides=(stride,))
            differs = same[1:] != same[0]
            first = int(differs.argmax())
            if differs[first]:
                count = first
            if not count:
                break
    return (starts + stride * np.arange(1, count + 1)[:, None]).ravel(), end + count * stride
