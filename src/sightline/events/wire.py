"""The wire format of protocol buffers, as far as events need it."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class WireError(ValueError):
    """Bytes that are not a message."""


class Field(NamedTuple):
    """One field of a message.

    Args:
        number: Its number in the message.
        kind: VARINT, FIXED64, BYTES or FIXED32.
        value: An unsigned number for a varint, else the bytes.
    """

    number: int
    kind: int
    value: int | bytes


def varint(number: int) -> bytes:
    """Encode an integer in groups of seven bits, the lowest first.

    Args:
        number: From -2^63 to 2^64 - 1; a negative one is written as its two's complement.

    Returns:
        One to ten bytes.

    Raises:
        ValueError: If the number does not fit into 64 bits.

    Example:
        >>> varint(300).hex(), len(varint(-1))
        ('ac02', 10)
    """
    if not -(1 << 63) <= number < 1 << 64:
        raise ValueError(f"expected an integer of at most 64 bits, got {number}; use a smaller one")
    number &= (1 << 64) - 1
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def varint_field(number: int, value: int) -> bytes:
    """A field that holds an integer."""
    return varint(number << 3 | VARINT) + varint(value)


def double_field(number: int, value: float) -> bytes:
    """A field that holds a 64-bit float."""
    return varint(number << 3 | FIXED64) + struct.pack("<d", value)


def bytes_field(number: int, value: bytes) -> bytes:
    """A field that holds bytes, text in UTF-8 or a message."""
    return varint(number << 3 | BYTES) + varint(len(value)) + value


def string_field(number: int, value: str) -> bytes:
    """A field that holds text."""
    return bytes_field(number, value.encode())


def encode(fields: Iterable[Field]) -> bytes:
    """Encode fields as they were decoded.

    Args:
        fields: In order.

    Returns:
        The message.
    """
    encoded = bytearray()
    for number, kind, value in fields:
        encoded += varint(number << 3 | kind)
        if isinstance(value, int):
            encoded += varint(value)
        else:
            if kind == BYTES:
                encoded += varint(len(value))
            encoded += value
    return bytes(encoded)


def decode(message: bytes) -> Iterator[Field]:
    """Walk over the fields of a message.

    Args:
        message: The encoded message.

    Yields:
        Its fields, in order, unknown ones too.

    Raises:
        WireError: If the bytes are not a message.
    """
    offset = 0
    while offset < len(message):
        key, offset = _varint_at(message, offset)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, offset = _varint_at(message, offset)
            yield Field(number, kind, value)
            continue
        if kind == BYTES:
            length, offset = _varint_at(message, offset)
        elif kind in {FIXED64, FIXED32}:
            length = 8 if kind == FIXED64 else 4
        else:
            raise WireError(f"expected a field of kind 0, 1, 2 or 5, got {kind}")
        if offset + length > len(message):
            raise WireError(f"expected {length} more bytes, got {len(message) - offset}")
        yield Field(number, kind, message[offset : offset + length])
        offset += length


def signed(number: int) -> int:
    """Read an unsigned varint as the 64-bit integer it stands for.

    Args:
        number: From 0 to 2^64 - 1.

    Returns:
        From -2^63 to 2^63 - 1.

    Example:
        >>> signed(2**64 - 1)
        -1
    """
    return number - (1 << 64) if number >> 63 else number


def _varint_at(message: bytes, offset: int) -> tuple[int, int]:
    number = shift = 0
    while shift < 70:
        if offset == len(message):
            raise WireError("the message ends inside a number")
        byte = message[offset]
        offset += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & (1 << 64) - 1, offset
        shift += 7
    raise WireError("a number is longer than ten bytes")
