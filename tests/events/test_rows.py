"""Many steps at once are the very bytes of one step after the other."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.events import ScalarEncoder, encode_event, frame

STEPS = st.one_of(
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.integers(0, 300),
    st.sampled_from([0, 127, 128, 16383, 16384, -1]),
)
NUMBERS = st.floats(width=32) | st.sampled_from([1e300, -1e300, 1e-50])
ROW = st.tuples(STEPS, st.floats(0, 1e10), st.lists(NUMBERS, min_size=3, max_size=3))
TAGS = ("loss", "größe", "a/" + "long" * 50)


@settings(deadline=None)
@given(st.lists(ROW, min_size=1, max_size=40))
def test_rows_are_encoded_as_single_events_are(
    rows: list[tuple[int, float, list[float]]],
) -> None:
    encoder = ScalarEncoder()
    encoder.encode(dict.fromkeys(TAGS, 0.0))
    steps, wall_times, numbers = zip(*rows, strict=True)
    together = encoder.encode_rows(TAGS, numbers, steps, wall_times)
    one_by_one = b"".join(
        frame(encode_event(encoder.encode(dict(zip(TAGS, row, strict=True))), [], step, wall_time))
        for step, wall_time, row in rows
    )
    assert together == one_by_one


def test_a_thousand_steps_of_ten_numbers_take_22_bytes_a_number() -> None:
    tags = [f"metric/{index}" for index in range(10)]
    encoder = ScalarEncoder()
    encoder.encode(dict.fromkeys(tags, 0.0))
    steps = range(10_000, 11_000)
    numbers = np.random.default_rng(0).normal(size=(1000, 10)).tolist()
    records = encoder.encode_rows(tags, numbers, steps, [1.7e9] * 1000)
    assert len(records) / 10_000 <= 22
