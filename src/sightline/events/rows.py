"""Many steps of the same scalars, encoded at once: what a training loop writes most.

Records of one length are rows of one array of bytes, which a template fills and columns complete.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from sightline.events.framing import FOOTER, HEADER, LENGTH, MASK_DELTA, masked_crc32c
from sightline.events.messages import event_head
from sightline.events.wire import bytes_field

WALL_TIME = slice(1, 9)  # of an event, where its first field is the wall time
STEP = 10  # where the digits of the step begin
MAX_STEP_BYTES = 10


class Template(NamedTuple):
    """A record whose wall time, step and numbers are still zero.

    Args:
        record: uint8 array of shape (record length,).
        numbers: int64 array of shape (tags, 4): where the bytes of each number go.
    """

    record: NDArray[np.uint8]
    numbers: NDArray[np.int64]


def frame_rows(
    heads: Sequence[bytes],
    numbers: NDArray[np.float32],
    steps: NDArray[np.int64],
    wall_times: NDArray[np.float64],
) -> bytes:
    """Encode and frame one event a step, each with the same tags.

    Args:
        heads: For each tag the bytes of a value before those of its number.
        numbers: float32 array of shape (steps, tags).
        steps: int64 array of shape (steps,).
        wall_times: float64 array of shape (steps,), seconds since 1970.

    Returns:
        Framed records, in order.
    """
    sizes = _varint_sizes(steps)
    changes = np.flatnonzero(np.diff(sizes)) + 1
    bounds = [0, *changes.tolist(), len(steps)]
    return b"".join(
        _frame_alike(heads, numbers[i:j], steps[i:j], wall_times[i:j], int(sizes[i]))
        for i, j in pairwise(bounds)
    )


def _frame_alike(
    heads: Sequence[bytes],
    numbers: NDArray[np.float32],
    steps: NDArray[np.int64],
    wall_times: NDArray[np.float64],
    step_size: int,
) -> bytes:
    template = _template(tuple(heads), step_size)
    records = np.tile(template.record, (len(steps), 1))
    event = records[:, HEADER.size : -FOOTER.size]
    event[:, WALL_TIME] = wall_times.astype("<f8")[:, None].view(np.uint8)
    event[:, STEP : STEP + step_size] = _varints(steps, step_size)
    event[:, template.numbers] = numbers.astype("<f4")[..., None].view(np.uint8)
    records[:, -FOOTER.size :] = _checksums(np.ascontiguousarray(event))[:, None].view(np.uint8)
    return records.tobytes()


@lru_cache(maxsize=256)
def _template(heads: tuple[bytes, ...], step_size: int) -> Template:
    values = b"".join(head + bytes(4) for head in heads)
    summary = bytes_field(5, values)
    if step_size:
        event = event_head(0.0, 1)[:STEP] + bytes(step_size) + summary
    else:
        event = event_head(0.0, 0) + summary
    ends = np.cumsum([len(head) + 4 for head in heads])
    starts = len(event) - len(values) + ends - 4
    length = LENGTH.pack(len(event))
    record = length + FOOTER.pack(masked_crc32c(length)) + event + bytes(FOOTER.size)
    return Template(np.frombuffer(record, np.uint8), starts[:, None] + np.arange(4))


def _varint_sizes(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many bytes each number takes; a field that is zero is left out."""
    limits = np.array([1, *(1 << 7 * k for k in range(1, MAX_STEP_BYTES - 1))], np.int64)
    sizes = np.searchsorted(limits, numbers, side="right")
    return np.where(numbers < 0, MAX_STEP_BYTES, sizes).astype(np.int64)


def _varints(numbers: NDArray[np.int64], size: int) -> NDArray[np.uint8]:
    digits = np.empty((len(numbers), size), np.uint8)
    left = numbers.astype(np.uint64)
    for k in range(size):
        digits[:, k] = (left & np.uint64(0x7F)).astype(np.uint8) | (0x80 if k < size - 1 else 0)
        left >>= np.uint64(7)
    return digits


def _checksums(events: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """The masked CRC-32C of each row."""
    data, size = events.tobytes(), events.shape[1]
    value = google_crc32c.value
    crcs = np.array([value(data[i : i + size]) for i in range(0, len(data), size)], np.uint32)
    return ((crcs >> 15 | crcs << 17) + np.uint32(MASK_DELTA)).astype("<u4")
