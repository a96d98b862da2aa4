"""Finds the records in a window of an event file."""

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
    starts: list[int] = []
    add, length_at, view = starts.append, LENGTH.unpack_from, window.data
    offset, last_start = 0, num_bytes - FRAME_BYTES
    while offset <= last_start:
        end = offset + length_at(view, offset)[0] + FRAME_BYTES
        if end > num_bytes:
            break
        add(offset)
        offset = end
    found = np.array(starts, np.int64)
    bounds = np.append(found, offset)
    checked = bounds if offset + HEADER_BYTES <= num_bytes else found
    wrong = np.flatnonzero(~headers_are_right(window, checked))
    is_damaged = wrong.size > 0
    if is_damaged:
        found, offset = found[: wrong[0]], int(checked[wrong[0]])
        bounds = bounds[: wrong[0] + 1]
    return Frames(found, np.diff(bounds) - FRAME_BYTES, offset, is_damaged)


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
