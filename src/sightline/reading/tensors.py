"""Tensors of any writer as arrays."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.events.wire import BYTES, VARINT, WireError, decode, signed, varint

STRING, BFLOAT16 = 7, 14
NUMPY_TYPES = {
    1: "<f4",
    2: "<f8",
    3: "<i4",
    4: "<u1",
    5: "<i2",
    6: "<i1",
    9: "<i8",
    10: "?",
    14: "<u2",
    17: "<u2",
    19: "<f2",
    22: "<u4",
    23: "<u8",
}
CONTENT, STRINGS = 4, 8
FIXED_FIELDS = {5: "<f4", 6: "<f8"}
VARINT_FIELDS = {7, 10, 11, 13, 16, 17}
HALF_FIELD = 13
MAX_DIMS = 32


def array_of(message: bytes) -> NDArray[Any]:
    """Read the message TensorProto.

    One element may stand for all; it is not repeated in memory.

    Args:
        message: The encoded message.

    Returns:
        An array of the tensor's shape, read only; strings as bytes objects, bfloat16 widened to
        float32.

    Raises:
        WireError: If the bytes are no tensor, or if there are not as many elements as the shape
            says.
    """
    dtype, content, fixed, is_half = 0, b"", b"", False
    shape: tuple[int, ...] = ()
    strings: list[bytes] = []
    integers: list[int] = []
    for number, kind, value in decode(message):
        if isinstance(value, int):
            if number == 1:
                dtype = value
            elif number in VARINT_FIELDS:
                integers.append(value)
                is_half |= number == HALF_FIELD
        elif number == 2:
            shape = shape_of(value)
        elif number == CONTENT:
            content = value
        elif number == STRINGS:
            strings.append(value)
        elif number in FIXED_FIELDS:
            fixed += value
        elif number in VARINT_FIELDS and kind == BYTES:
            integers += _varints(value)
            is_half |= number == HALF_FIELD
    if dtype == STRING:
        elements: NDArray[Any] = np.empty(len(strings), object)
        elements[:] = strings
    elif dtype in NUMPY_TYPES:
        elements = _numbers(dtype, content or fixed, integers, is_half)
    else:
        raise WireError(f"expected a tensor of numbers or strings, got type {dtype}")
    return _shaped(elements, shape)


def shape_of(message: bytes) -> tuple[int, ...]:
    """Read the message TensorShapeProto; sizes below zero raise WireError."""
    sizes = []
    for number, _, dim in decode(message):
        if number == 2 and isinstance(dim, bytes):
            size = 0
            for inner, kind, value in decode(dim):
                if inner == 1 and kind == VARINT and isinstance(value, int):
                    size = signed(value)
            if size < 0:
                raise WireError(f"expected a size, got {size}")
            sizes.append(size)
    return tuple(sizes)


def _varints(packed: bytes) -> list[int]:
    # A field of key 8 is a varint: so each packed number is read as one of those.
    numbers, start = [], 0
    for place, byte in enumerate(packed):
        if byte < 0x80:
            [(_, _, value)] = decode(varint(8) + packed[start : place + 1])
            assert isinstance(value, int)
            numbers.append(value)
            start = place + 1
    if start != len(packed):
        raise WireError("the message ends inside a number")
    return numbers


def _numbers(dtype: int, content: bytes, integers: list[int], is_half: bool) -> NDArray[Any]:
    target = np.dtype(NUMPY_TYPES[dtype])
    if content:
        if len(content) % target.itemsize:
            raise WireError(f"expected whole elements, got {len(content)} bytes")
        elements = np.frombuffer(content, target)
    elif is_half and target.itemsize == 2:
        elements = np.array([number & 0xFFFF for number in integers], "<u2").view(target)
    elif is_half or target.kind == "f":  # numbers of another type than the tensor's are none of it
        elements = np.empty(0, target)
    else:
        elements = np.array(integers, np.uint64).astype(target)  # the low bits, as C does it
    if dtype == BFLOAT16:
        elements = (elements.astype(np.uint32) << 16).view(np.float32)
    return elements


def _shaped(elements: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    size = prod(shape)
    if elements.size == 0 and size and elements.dtype != object:
        elements = np.zeros(1, elements.dtype)  # zeros may be left out
    if (elements.size == size or (elements.size == 1 and size)) and len(shape) <= MAX_DIMS:
        try:
            return (
                elements.reshape(shape)
                if size == elements.size
                else np.broadcast_to(elements.reshape(()), shape)
            )
        except ValueError as error:  # more elements than can be counted
            raise WireError(f"expected a shape that fits into memory, got {shape}") from error
    raise WireError(f"expected shape {shape}, got {elements.size} elements")
