from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tensorboard.plugins.histogram import summary_v2
from tensorboard.util import tensor_util

from sightline.events import bucketize

VALUES = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.float16, np.int32]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=30),
)


@given(VALUES)
def test_every_finite_value_lies_in_one_bucket(values: np.ndarray) -> None:
    buckets = bucketize(values)
    numbers = values.astype(np.float64).ravel()
    finite = np.sort(numbers[np.isfinite(numbers)])
    left, right, count = buckets.rows.T
    assert count.sum() == finite.size
    assert buckets.num_nan == np.isnan(numbers).sum()
    assert buckets.num_inf == np.isinf(numbers).sum()
    assert np.isfinite(buckets.rows).all()
    if finite.size:
        assert (left[0], right[-1]) == (finite[0], finite[-1])
        assert (left <= right).all()
        assert (left[1:] == right[:-1]).all()
        # Slow twin: every bucket counts the sorted values up to its right edge.
        below = [np.searchsorted(finite, edge, side="left") for edge in right[:-1]]
        np.testing.assert_array_equal(np.cumsum(count)[:-1], below)


@pytest.mark.parametrize("values", [[], [3.0] * 5, [0.0], np.linspace(-1, 1, 100)])
def test_the_rows_are_those_of_tensorboards_own_writer(values: list[float]) -> None:
    proto = summary_v2.histogram_pb("h", np.array(values), buckets=64)
    theirs = tensor_util.make_ndarray(proto.value[0].tensor)
    np.testing.assert_allclose(bucketize(values).rows, theirs, atol=1e-15)


def test_what_is_not_finite_is_counted_apart() -> None:
    buckets = bucketize([np.nan, np.inf, -np.inf, 1.0, 2.0], num_buckets=2)
    assert (buckets.num_nan, buckets.num_inf) == (1, 2)
    assert buckets.rows[:, 2].tolist() == [1, 1]


def test_the_widest_range_there_is_does_not_overflow() -> None:
    largest = np.finfo(np.float64).max
    rows = bucketize([-largest, 0.0, largest]).rows
    assert np.isfinite(rows).all()
    assert rows[[0, 32, 63], 2].tolist() == [1, 1, 1]
