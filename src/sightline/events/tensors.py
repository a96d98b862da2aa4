"""Arrays in event files."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.events.wire import WireError, bytes_field, decode, signed, varint_field


class DType(IntEnum):
    """Element types of the tensors in event files."""

    FLOAT = 1
    DOUBLE = 2
    INT32 = 3
    STRING = 7
    INT64 = 9


NUMPY_TYPES = {DType.FLOAT: "<f4", DType.DOUBLE: "<f8", DType.INT32: "<i4", DType.INT64: "<i8"}


@dataclass(frozen=True, slots=True)
class Tensor:
    """An array in an event file.

    Args:
        dtype: Type of the elements.
        shape: Its shape.
        content: Little-endian elements, of numbers.
        strings: The elements, of strings.
    """

    dtype: DType
    shape: tuple[int, ...] = ()
    content: bytes = b""
    strings: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        """The message TensorProto."""
        dims = b"".join(bytes_field(2, varint_field(1, size)) for size in self.shape)
        message = varint_field(1, self.dtype) + bytes_field(2, dims)
        if self.content:
            message += bytes_field(4, self.content)
        return message + b"".join(bytes_field(8, text) for text in self.strings)

    @classmethod
    def decode(cls, message: bytes) -> Tensor:
        """Read the message TensorProto."""
        dtype, content, strings = 0, b"", []
        shape: tuple[int, ...] = ()
        for number, kind, value in decode(message):
            match number, kind, value:
                case 1, _, int(dtype):
                    pass
                case 2, _, bytes(dims):
                    shape = tuple(_dim(dim) for field, _, dim in decode(dims) if field == 2)
                # Packed float_val and double_val are the elements as tensor_content holds them.
                case ((4 | 5 | 6), _, bytes(elements)):
                    content += elements
                case 8, _, bytes(text):
                    strings.append(text)
        if dtype not in set(DType):
            raise WireError(f"expected a tensor of numbers or strings, got type {dtype}")
        return cls(DType(dtype), shape, content, tuple(strings))

    def numpy(self) -> NDArray[Any]:
        """The elements as an array.

        Returns:
            An array of `shape`; strings as objects.

        Raises:
            WireError: If there are not as many elements as the shape says.
        """
        elements: NDArray[Any]
        if self.dtype is DType.STRING:
            elements = np.array(self.strings, dtype=object)
        elif len(self.content) % np.dtype(NUMPY_TYPES[self.dtype]).itemsize:
            raise WireError(f"expected whole elements, got {len(self.content)} bytes")
        else:
            elements = np.frombuffer(self.content, NUMPY_TYPES[self.dtype])
        try:
            if elements.size == 1:  # one element may stand for all; it is not repeated in memory
                return np.broadcast_to(elements.reshape(()), self.shape)
            return elements.reshape(self.shape)
        except ValueError as error:
            raise WireError(f"expected shape {self.shape}, got {elements.size} elements") from error


def _dim(message: int | bytes) -> int:
    if isinstance(message, int):
        raise WireError("expected a dimension, got a number")
    size = sum(signed(size) for number, _, size in decode(message) if isinstance(size, int))
    if size < 0:
        raise WireError(f"expected a size, got {size}")
    return size
