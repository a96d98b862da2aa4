from __future__ import annotations

import pytest

from sightline.events.wire import bytes_field, varint, varint_field
from sightline.reading.tensors import array_of

HALF_VAL = 13


@pytest.mark.parametrize("dtype", [1, 2, 3, 9])
def test_half_precision_numbers_in_a_tensor_of_another_type_are_no_crash(dtype: int) -> None:
    message = varint_field(1, dtype) + bytes_field(2, b"") + bytes_field(HALF_VAL, varint(0x3C00))
    assert array_of(message).tolist() == 0


def test_half_precision_numbers_are_read() -> None:
    message = varint_field(1, 19) + bytes_field(2, b"") + bytes_field(HALF_VAL, varint(0x3C00))
    assert array_of(message).tolist() == 1.0
