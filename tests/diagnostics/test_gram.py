import math

import numpy as np
import pytest

from sightline.diagnostics import gram, gram_distance


def test_it_agrees_with_the_slow_twin(arrays, twin, rng):
    x = rng.standard_normal((9, 5)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(gram(arrays(x))), twin.gram(x), atol=1e-6)


def test_right_angles_have_the_identity_and_equal_rows_ones(arrays):
    assert np.asarray(gram(arrays(3 * np.eye(4, dtype=np.float32)))).tolist() == np.eye(4).tolist()
    same = np.asarray(gram(arrays(np.full((4, 4), 1e30, np.float32))))
    np.testing.assert_allclose(same, 1.0, rtol=1e-6)


def test_rotation_and_the_length_of_rows_change_nothing(arrays, rng):
    x = rng.standard_normal((9, 5))
    rotation, _ = np.linalg.qr(rng.standard_normal((5, 5)))
    moved = (x @ rotation) * rng.uniform(0.1, 9, (9, 1))
    before, after = (gram(arrays(features.astype(np.float32))) for features in (x, moved))
    np.testing.assert_allclose(np.asarray(after), np.asarray(before), atol=1e-6)
    assert float(gram_distance(before, after)) < 1e-6


def test_zeros_resemble_nothing_and_a_bad_row_spoils_its_own_row_and_column(arrays, rng):
    x = rng.standard_normal((3, 4)).astype(np.float32)
    x[0], x[1, 2] = 0.0, np.nan
    result = np.asarray(gram(arrays(x)))
    assert result[0, [0, 2]].tolist() == [0.0, 0.0]
    assert np.isnan(result[1]).all()
    assert np.isnan(result[:, 1]).all()
    assert result[2, 2] == pytest.approx(1.0)


def test_no_rows_have_an_empty_gram_matrix(arrays):
    assert tuple(gram(arrays(np.ones((0, 4), np.float32))).shape) == (0, 0)


def test_the_distance_is_the_norm_of_the_difference_over_the_norms(arrays, rng):
    a, b = (gram(rng.standard_normal((9, 5))) for _ in range(2))
    norm = np.linalg.norm
    expected = norm(a - b) / (norm(a) + norm(b))
    assert float(gram_distance(arrays(a), arrays(b))) == pytest.approx(expected, rel=1e-5)
    assert float(gram_distance(arrays(b), arrays(a))) == pytest.approx(expected, rel=1e-5)


def test_the_distance_runs_from_the_same_to_the_opposite(arrays):
    a = np.ones((3, 3), np.float32)
    assert float(gram_distance(arrays(a), arrays(a))) == 0.0
    assert float(gram_distance(arrays(a), arrays(-a))) == pytest.approx(1.0)
    assert float(gram_distance(arrays(0 * a), arrays(0 * a))) == 0.0
    assert math.isnan(float(gram_distance(arrays(a), arrays(np.nan * a))))


def test_features_in_place_of_gram_matrices_are_refused(arrays):
    with pytest.raises(ValueError, match="pass gram"):
        gram_distance(arrays(np.ones((3, 4))), arrays(np.ones((3, 4))))
