"""Many scalars in one event, 20 bytes each."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sightline.events.messages import (
    DataClass,
    Metadata,
    Value,
    float32,
)
from sightline.events.rows import frame_rows
from sightline.events.wire import bytes_field, string_field, varint

SIMPLE_VALUE = b"\x15"


class ScalarEncoder:
    """Encodes scalars for one event file.

    The description of a tag stands on its first value in the file: with plugin and data class
    beside it, it reaches both of TensorBoard's loaders.

    Args:
        describe: Markdown for a tag, or None.
    """

    def __init__(self, describe: Callable[[str], str | None] | None = None) -> None:
        self._describe = describe
        self._heads: dict[str, bytes] = {}

    def encode(self, scalars: Mapping[str, float]) -> bytes:
        """Encode scalars as the values of a summary.

        Args:
            scalars: Number by tag; kept as the nearest 32-bit floats.

        Returns:
            Part of the message Summary.
        """
        parts: list[bytes] = []
        numbers = _float32_bytes(list(scalars.values()))
        for index, (tag, number) in enumerate(scalars.items()):
            head = self._heads.get(tag)
            if head is None:
                self._heads[tag] = _head(tag)
                parts.append(self._first_value(tag, number))
            else:
                parts += (head, numbers[4 * index : 4 * index + 4])
        return b"".join(parts)

    def encode_rows(
        self,
        tags: Sequence[str],
        numbers: Sequence[Sequence[float]],
        steps: Sequence[int],
        wall_times: Sequence[float],
    ) -> bytes:
        """Encode and frame one event a step, for tags that all had a first value.

        Args:
            tags: The tags, the same in each step.
            numbers: For each step as many numbers.
            steps: The steps.
            wall_times: Seconds since 1970 for each.

        Returns:
            Framed records.
        """
        heads = [self._heads[tag] for tag in tags]
        with np.errstate(over="ignore"):  # what is larger than any 32-bit float is infinite
            narrow = np.array(numbers, np.float64).astype(np.float32)
        return frame_rows(heads, narrow, np.array(steps, np.int64), np.array(wall_times))

    def has(self, tag: str) -> bool:
        """Whether a tag had its first value."""
        return tag in self._heads

    def metadata(self, tag: str) -> Metadata | None:
        """What the first value of a tag says of it; None where nobody describes it."""
        description = self._describe(tag) if self._describe else None
        return Metadata("scalars", DataClass.SCALAR, description) if description else None

    def _first_value(self, tag: str, number: float) -> bytes:
        value = Value(tag, simple_value=number, metadata=self.metadata(tag))
        return bytes_field(1, value.encode())


def _head(tag: str) -> bytes:
    """All bytes of a value before those of its number; they are the same every time."""
    name = string_field(1, tag) + SIMPLE_VALUE
    return b"\x0a" + varint(len(name) + 4) + name


def _float32_bytes(numbers: list[float]) -> bytes:
    try:
        return struct.pack(f"<{len(numbers)}f", *numbers)
    except OverflowError:  # larger than any 32-bit float
        return b"".join(map(float32, numbers))
