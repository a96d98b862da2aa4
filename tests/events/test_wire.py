from __future__ import annotations

import contextlib

import pytest
from google.protobuf.internal import encoder
from hypothesis import given
from hypothesis import strategies as st

from sightline.events import wire

FIELDS = st.one_of(
    st.builds(wire.Field, st.integers(1, 2000), st.just(wire.VARINT), st.integers(0, 2**64 - 1)),
    st.builds(wire.Field, st.integers(1, 2000), st.just(wire.BYTES), st.binary(max_size=200)),
    st.builds(
        wire.Field,
        st.integers(1, 2000),
        st.just(wire.FIXED64),
        st.binary(min_size=8, max_size=8),
    ),
    st.builds(
        wire.Field,
        st.integers(1, 2000),
        st.just(wire.FIXED32),
        st.binary(min_size=4, max_size=4),
    ),
)


@given(st.integers(0, 2**64 - 1))
def test_a_varint_is_what_protobuf_writes(number: int) -> None:
    written = bytearray()
    encoder._EncodeVarint(written.extend, number)
    assert wire.varint(number) == bytes(written)


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_signed_number_comes_back(number: int) -> None:
    (field,) = wire.decode(wire.varint_field(2, number))
    assert isinstance(field.value, int)
    assert wire.signed(field.value) == number


@given(st.lists(FIELDS))
def test_fields_come_back_in_order(fields: list[wire.Field]) -> None:
    assert list(wire.decode(wire.encode(fields))) == fields


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1])
def test_a_number_of_more_than_64_bits_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="at most 64 bits"):
        wire.varint(number)


@given(st.binary(max_size=60))
def test_arbitrary_bytes_are_fields_or_a_wire_error(message: bytes) -> None:
    with contextlib.suppress(wire.WireError):
        list(wire.decode(message))


@pytest.mark.parametrize(
    "message", [b"\x80" * 20, b"\x0a\x05abc", b"\x0b", b"\x09\x00", b"\x0a\xff\xff\xff\xff\x0f"]
)
def test_a_message_that_is_cut_short_is_an_error(message: bytes) -> None:
    with pytest.raises(wire.WireError):
        list(wire.decode(message))
