import math

import numpy as np
import pytest

from sightline.diagnostics import cosine_similarity, pairwise_cosines


def test_it_agrees_with_the_slow_twin(arrays, twin, rng):
    a, b = rng.standard_normal((2, 30, 7)).astype(np.float32)
    expected = [twin.cosine(u, v) for u, v in zip(a, b, strict=True)]
    result = np.asarray(cosine_similarity(arrays(a), arrays(b)))
    np.testing.assert_allclose(result, expected, atol=1e-6)


def test_leading_axes_are_kept(arrays, rng):
    x = arrays(rng.standard_normal((2, 5, 7)).astype(np.float32))
    assert tuple(cosine_similarity(x, x).shape) == (2, 5)


@pytest.mark.parametrize("scale", [1e-38, 1e-20, 1.0, 1e20, 1e36])
def test_parallel_is_one_and_opposite_minus_one_at_any_scale(arrays, scale):
    a = np.array([[3, -4, 12]], np.float32) * np.float32(scale)
    same = float(cosine_similarity(arrays(a), arrays(2 * a))[0])
    opposite = float(cosine_similarity(arrays(a), arrays(-a))[0])
    assert (same, opposite) == pytest.approx((1.0, -1.0), abs=1e-6)


def test_rounding_never_pushes_it_past_one(arrays, rng):
    x = arrays(rng.standard_normal((2000, 33)).astype(np.float32))
    assert float(np.max(np.asarray(cosine_similarity(x, x)))) <= 1.0


def test_a_row_of_zeros_is_similar_to_nothing(arrays):
    zeros = arrays(np.zeros((2, 3), np.float32))
    assert np.asarray(cosine_similarity(zeros, zeros)).tolist() == [0.0, 0.0]


def test_a_bad_row_spoils_only_itself(arrays, rng):
    a = rng.standard_normal((3, 4)).astype(np.float32)
    b = a.copy()
    b[1, 0] = np.nan
    result = np.asarray(cosine_similarity(arrays(a), arrays(b)))
    assert [math.isnan(value) for value in result] == [False, True, False]


@pytest.mark.parametrize("shape", [(2, 4), (3, 3), (3, 0)])
def test_two_shapes_are_refused_with_both_of_them_named(arrays, shape):
    a = arrays(np.ones((3, 4), np.float32))
    with pytest.raises(ValueError, match="expected two arrays of one shape"):
        cosine_similarity(a if 0 not in shape else arrays(np.ones(shape)), arrays(np.ones(shape)))


@pytest.mark.parametrize("num_rows", [2, 3, 8, 9])
def test_each_pair_of_rows_has_one_cosine(arrays, twin, rng, num_rows):
    x = rng.standard_normal((num_rows, 5)).astype(np.float32)
    result = np.asarray(pairwise_cosines(arrays(x)))
    assert result.shape == (num_rows * (num_rows - 1) // 2,)
    np.testing.assert_allclose(np.sort(result), twin.pairwise_cosines(x), atol=1e-6)


@pytest.mark.parametrize("num_rows", [0, 1])
def test_one_row_has_no_pair(arrays, num_rows):
    assert tuple(pairwise_cosines(arrays(np.ones((num_rows, 5), np.float32))).shape) == (0,)


def test_a_bad_row_spoils_only_its_own_pairs(arrays, rng):
    x = rng.standard_normal((5, 4)).astype(np.float32)
    x[2, 0] = np.nan
    result = np.asarray(pairwise_cosines(arrays(x)))
    assert np.count_nonzero(np.isnan(result)) == 4
