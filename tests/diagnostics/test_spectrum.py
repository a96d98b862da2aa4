import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.diagnostics import effective_rank, reachable_rank


def cross(width):
    """Samples at +1 and -1 on each axis: mean zero, covariance a multiple of the identity."""
    return np.vstack([np.eye(width), -np.eye(width)]).astype(np.float32)


@pytest.mark.parametrize("shape", [(64, 16), (16, 64), (300, 40)])
def test_it_agrees_with_the_slow_twin(arrays, twin, rng, shape):
    x = rng.standard_normal(shape) @ np.diag(0.9 ** np.arange(shape[1])) + 3.0
    x = x.astype(np.float32)
    assert float(effective_rank(arrays(x))) == pytest.approx(twin.effective_rank(x), rel=1e-4)


@pytest.mark.parametrize("width", [1, 3, 32])
def test_an_identity_covariance_has_the_full_rank(arrays, width):
    assert float(effective_rank(arrays(cross(width)))) == pytest.approx(width, rel=1e-5)


def test_features_on_a_line_have_rank_one(arrays, rng):
    line = np.outer(rng.standard_normal(200), rng.standard_normal(64)).astype(np.float32)
    assert float(effective_rank(arrays(line))) == pytest.approx(1.0, abs=1e-4)


def test_two_axes_of_unequal_spread_have_the_rank_of_their_entropy(arrays):
    x = np.array([[3, 0], [-3, 0], [0, 1], [0, -1]], np.float32)
    expected = math.exp(-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)))
    assert float(effective_rank(arrays(x))) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_neither_scale_nor_shift_nor_rotation_nor_order_change_it(arrays, rng, scale):
    x = rng.standard_normal((50, 12))
    rotation, _ = np.linalg.qr(rng.standard_normal((12, 12)))
    moved = scale * (x @ rotation + rng.standard_normal(12))[rng.permutation(50)]
    before = float(effective_rank(arrays(x.astype(np.float32))))
    assert float(effective_rank(arrays(moved.astype(np.float32)))) == pytest.approx(
        before, rel=1e-4
    )


@pytest.mark.parametrize("value", [0.0, 0.1, 1234.567])
def test_equal_rows_have_rank_zero_and_not_the_rank_of_their_rounding(arrays, rng, value):
    x = np.tile((value * rng.standard_normal(48)).astype(np.float32), (333, 1))
    assert float(effective_rank(arrays(x))) == 0.0


def test_rows_that_differ_in_their_last_bit_have_rank_zero(arrays, rng):
    x = np.tile(rng.standard_normal(48).astype(np.float32), (333, 1))
    x = np.where(rng.random(x.shape) < 0.5, x, np.nextafter(x, np.float32(np.inf)))
    assert float(effective_rank(arrays(x))) == 0.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_bad_value_makes_the_rank_nan_and_raises_nothing(arrays, rng, bad):
    x = rng.standard_normal((20, 5)).astype(np.float32)
    x[3, 2] = bad
    assert math.isnan(float(effective_rank(arrays(x))))


@pytest.mark.parametrize("num_rows", [0, 1])
def test_fewer_than_two_rows_show_no_rank(arrays, num_rows):
    assert math.isnan(float(effective_rank(arrays(np.ones((num_rows, 5), np.float32)))))


@settings(deadline=None, max_examples=40)
@given(n=st.integers(2, 12), d=st.integers(1, 12), seed=st.integers(0, 2**16))
def test_it_never_leaves_the_reachable_range(n, d, seed):
    x = np.random.default_rng(seed).standard_normal((n, d))
    assert 1 - 1e-9 <= float(effective_rank(x)) <= reachable_rank(n, d) + 1e-9


@pytest.mark.parametrize("shape", [(5,), (2, 3, 4), (4, 0)])
def test_anything_but_a_matrix_is_refused_with_a_proposal(arrays, shape):
    with pytest.raises(ValueError, match="reshape"):
        effective_rank(arrays(np.ones(shape, np.float32)))


def test_the_reachable_rank_is_limited_by_samples_and_by_width():
    assert reachable_rank(10, 64) == 9
    assert reachable_rank(1000, 64) == 64
    with pytest.raises(ValueError, match="at least one"):
        reachable_rank(0, 4)
