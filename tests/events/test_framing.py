from __future__ import annotations

import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.tensorflow_stub import pywrap_tensorflow

from sightline.events.framing import frame, masked_crc32c, scan

FILES = st.lists(st.binary(max_size=50), min_size=1, max_size=6)


def intact(buffer: bytes) -> list[bytes]:
    return [record.data for record in scan(buffer) if record.data is not None]


@given(st.binary(max_size=200))
def test_the_checksum_is_that_of_tensorboards_own_code(data: bytes) -> None:
    assert masked_crc32c(data) == pywrap_tensorflow.masked_crc32c(data)


@given(FILES)
def test_what_is_framed_is_read_back(datas: list[bytes]) -> None:
    buffer = b"".join(map(frame, datas))
    assert intact(buffer) == datas
    assert len(buffer) == sum(map(len, datas)) + 16 * len(datas)


@given(FILES, st.integers(min_value=1, max_value=15))
def test_a_torn_tail_hides_nothing_before_it(datas: list[bytes], num_missing: int) -> None:
    buffer = b"".join(map(frame, datas))[:-num_missing]
    assert intact(buffer) == datas[:-1]
    *_, last = scan(buffer)
    assert last.end == len(buffer)
    assert last.fault == "the file ends inside a record"


@given(st.data(), FILES)
def test_one_flipped_bit_costs_at_most_its_record(data: st.DataObject, datas: list[bytes]) -> None:
    datas = [bytes([index]) * 3 + content for index, content in enumerate(datas)]
    frames = [frame(content) for content in datas]
    hit = data.draw(st.integers(0, len(datas) - 1))
    bit = data.draw(st.integers(0, 8 * len(frames[hit]) - 1))
    damaged = bytearray(frames[hit])
    damaged[bit // 8] ^= 1 << bit % 8
    frames[hit] = bytes(damaged)
    assert intact(b"".join(frames)) == datas[:hit] + datas[hit + 1 :]


@given(st.binary(max_size=300))
def test_any_bytes_are_covered_without_gaps(buffer: bytes) -> None:
    records = list(scan(buffer))
    assert [record.offset for record in records] == [0, *(r.end for r in records)][: len(records)]
    assert not records or records[-1].end == len(buffer)


@pytest.mark.parametrize("length", [2**31, 2**48, 2**64 - 1])
def test_a_hostile_length_allocates_nothing(length: int) -> None:
    header = struct.pack("<Q", length)
    hostile = header + struct.pack("<I", masked_crc32c(header)) + b"x" * 100
    tracemalloc.start()
    assert intact(hostile + frame(b"after it")) == [b"after it"]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20
