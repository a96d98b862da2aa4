"""Finds the way back to the records behind damaged bytes."""

from __future__ import annotations

import google_crc32c
import numpy as np

from sightline.events.framing import FOOTER
from sightline.reading.checksums import crc_of_lengths, unmasked
from sightline.reading.framing import FRAME_BYTES, HEADER_BYTES
from sightline.reading.places import PADDING, Handle

FIRST_WINDOW, WINDOW = 1 << 9, 1 << 20  # the next record is near, as a rule
FREE_BYTES = 64 << 20
MAX_LENGTH = np.uint64(1 << 40)  # no file is as long


class Search:
    """Looks for the next whole record of one file, as often as it takes.

    Every offset is a candidate whose length has a right checksum and lies within the file. The data
    of a candidate is checked too, until four times the bytes of the file so far have been read for
    that: a hostile file full of right lengths would take forever otherwise. From there on a right
    length is enough.
    """

    def __init__(self) -> None:
        self._num_checked = 0

    def next_record(self, handle: Handle, start: int, size: int) -> tuple[int | None, int]:
        """Where the next record begins that is whole.

        Args:
            handle: The file.
            start: The first offset that may be one.
            size: Where the file ends.

        Returns:
            An offset, or None; and where to search on when the file has grown: at the first right
            length that does not lie within the file yet.
        """
        resume: int | None = None
        end, num_bytes = start, FIRST_WINDOW
        while end <= size - FRAME_BYTES:
            offset = end
            window = handle.read(offset, min(num_bytes + HEADER_BYTES - 1, size - offset))
            count = min(num_bytes, window.size - PADDING - HEADER_BYTES + 1)
            if count <= 0:
                break
            end, num_bytes = offset + count, min(4 * num_bytes, WINDOW)
            lengths = np.ndarray((count,), "<u8", window, strides=(1,))
            places = np.flatnonzero(lengths < MAX_LENGTH)
            masked = np.ndarray((count,), "<u4", window, 8, strides=(1,))[places]
            right = crc_of_lengths(lengths[places]) == unmasked(masked)
            for place in places[right].tolist():
                length = int(lengths[place])
                if offset + place + length + FRAME_BYTES > size:
                    resume = offset + place if resume is None else resume
                    continue
                if self._num_checked > FREE_BYTES + 4 * (offset + place):
                    return offset + place, size
                self._num_checked += length
                if data_is_right(handle, offset + place, length):
                    return offset + place, size
        # The end may hold a header in part.
        return None, max(start, size - FRAME_BYTES + 1) if resume is None else resume


def data_is_right(handle: Handle, offset: int, length: int) -> bool:
    """Whether the checksum of a record's data is right; only a piece of it is held at a time."""
    start, crc = offset + HEADER_BYTES, 0
    for piece in range(0, length, WINDOW):
        data = handle.read(start + piece, min(WINDOW, length - piece))
        crc = google_crc32c.extend(crc, data[: data.size - PADDING].tobytes())
    footer = handle.read(start + length, FOOTER.size)
    if footer.size - PADDING < FOOTER.size:
        return False
    return int(unmasked(footer[: FOOTER.size].view("<u4"))[0]) == crc
