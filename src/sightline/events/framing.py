"""How records lie in an event file: length, checksum, data, checksum."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

import google_crc32c

HEADER = struct.Struct("<QI")
LENGTH = struct.Struct("<Q")
FOOTER = struct.Struct("<I")
MASK_DELTA = 0xA282EAD8


def masked_crc32c(data: bytes) -> int:
    """CRC-32C of data, rotated and shifted so that checksums of checksums stay apart.

    mask(c) = ((c >> 15 | c << 17) + 0xa282ead8) mod 2^32

    Args:
        data: Any bytes.

    Returns:
        An unsigned 32-bit number.

    Example:
        >>> hex(masked_crc32c(b"123456789"))  # CRC-32C of these is 0xe3069283
        '0xc78ab0e5'
    """
    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + MASK_DELTA) & 0xFFFFFFFF


def frame(data: bytes) -> bytes:
    """Wrap data as one record.

    Args:
        data: An encoded event.

    Returns:
        `uint64 length | uint32 masked crc of length | data | uint32 masked crc of data`, all
        little endian: 16 bytes more than the data.
    """
    length = LENGTH.pack(len(data))
    return b"".join((
        length,
        FOOTER.pack(masked_crc32c(length)),
        data,
        FOOTER.pack(masked_crc32c(data)),
    ))


@dataclass(frozen=True, slots=True)
class Record:
    """A stretch of an event file: a whole record, or bytes that are none.

    Args:
        offset: Where it begins, in bytes.
        end: Where the next one begins.
        data: What the record carries; None where the bytes are damaged.
        fault: What is wrong with damaged bytes; empty for a whole record.
    """

    offset: int
    end: int
    data: bytes | None
    fault: str = ""


def scan(buffer: bytes | mmap) -> Iterator[Record]:
    """Walk over the records of a file, past damaged ones.

    A record with a wrong data checksum is skipped by its length. Where the length itself is wrong,
    the walk goes on at the next bytes that make a whole record. Nothing is allocated by a length
    before it is known to lie within the file.

    Args:
        buffer: The whole file.

    Yields:
        Every stretch, in order and without gaps.
    """
    offset = 0
    while offset < len(buffer):
        record = _record_at(buffer, offset)
        if record is None:
            end = _next_whole_record(buffer, offset + 1)
            torn = end == len(buffer)
            fault = "the file ends inside a record" if torn else "the length is damaged"
            record = Record(offset, end, None, fault)
        yield record
        offset = record.end


def _record_at(buffer: bytes | mmap, offset: int) -> Record | None:
    """The record that begins here; None where the length makes no sense."""
    data_start = offset + HEADER.size
    if data_start + FOOTER.size > len(buffer):
        return None
    length, length_crc = HEADER.unpack_from(buffer, offset)
    data_end = data_start + length
    if data_end + FOOTER.size > len(buffer):
        return None
    if masked_crc32c(buffer[offset : offset + LENGTH.size]) != length_crc:
        return None
    data = buffer[data_start:data_end]
    (data_crc,) = FOOTER.unpack_from(buffer, data_end)
    end = data_end + FOOTER.size
    if masked_crc32c(data) != data_crc:
        return Record(offset, end, None, "the checksum of the data is wrong")
    return Record(offset, end, data)


def _next_whole_record(buffer: bytes | mmap, start: int) -> int:
    for offset in range(start, len(buffer) - HEADER.size - FOOTER.size + 1):
        record = _record_at(buffer, offset)
        if record is not None and record.data is not None:
            return offset
    return len(buffer)
