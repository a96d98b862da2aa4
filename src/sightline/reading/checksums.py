"""CRC-32C of many stretches of equal length at once.

The checksum is linear: of two stretches of one length, the difference of the checksums is the
checksum of the difference, and that is the sum of what each byte adds. Where most bytes of many
records are the same, only the others have to be looked up.
"""

from __future__ import annotations

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from sightline.events.framing import MASK_DELTA

REVERSED_POLYNOMIAL = 0x82F63B78
MAX_DISTANCE = 4096  # a kilobyte of table each


def _first_table() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> np.uint32(1)) ^ np.uint32(REVERSED_POLYNOMIAL) * (table & np.uint32(1))
    return table


_TABLES = [_first_table()]


def table_at(distance: int) -> NDArray[np.uint32]:
    """What a byte adds to the checksum of a stretch.

    Args:
        distance: How many bytes of the stretch follow it, below `MAX_DISTANCE`.

    Returns:
        256 unsigned 32-bit numbers.
    """
    while len(_TABLES) <= distance:
        last = _TABLES[-1]
        _TABLES.append(_TABLES[0][last & 0xFF] ^ (last >> 8))
    return _TABLES[distance]


def unmasked(masked: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Checksums as they are, of checksums as event files hold them."""
    rotated = masked - np.uint32(MASK_DELTA)
    return (rotated << np.uint32(15)) | (rotated >> np.uint32(17))


ZERO_LENGTH_CRC = np.uint32(google_crc32c.value(bytes(8)))


def crc_of_lengths(lengths: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """Checksums of eight bytes each.

    Args:
        lengths: Unsigned 64-bit numbers.

    Returns:
        One checksum for each, not masked.
    """
    crc = np.full(lengths.shape, ZERO_LENGTH_CRC)
    highest = int(lengths.max(initial=0))
    for byte in range((highest.bit_length() + 7) // 8):
        digits = (lengths >> np.uint64(8 * byte)).astype(np.uint8)
        crc ^= table_at(7 - byte)[digits]
    return crc
