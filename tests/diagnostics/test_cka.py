import math

import numpy as np
import pytest

from sightline.diagnostics import linear_cka


@pytest.mark.parametrize(("n", "d", "e"), [(60, 5, 9), (8, 30, 20), (20, 12, 40)])
def test_both_forms_agree_with_the_slow_twin(arrays, twin, rng, n, d, e):
    x = (rng.standard_normal((n, d)) + 2).astype(np.float32)
    y = (x @ rng.standard_normal((d, e)) + rng.standard_normal((n, e))).astype(np.float32)
    expected = twin.linear_cka(x, y)
    assert float(linear_cka(arrays(x), arrays(y))) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("shape", [(50, 8), (6, 20)])
def test_rotation_scale_shift_and_common_order_leave_one(arrays, rng, shape):
    x = rng.standard_normal(shape)
    rotation, _ = np.linalg.qr(rng.standard_normal((shape[1],) * 2))
    order = rng.permutation(shape[0])
    y = 1e-30 * (x @ rotation + 1.0)
    x, y = (1e30 * x[order]).astype(np.float32), y[order].astype(np.float32)
    assert float(linear_cka(arrays(x), arrays(y))) == pytest.approx(1.0, rel=1e-5)


def test_features_that_share_no_direction_have_none(arrays):
    design = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], np.float32)
    cka = linear_cka(arrays(design[:, :1]), arrays(design[:, 1:]))
    assert float(cka) == pytest.approx(0, abs=1e-6)


def test_one_of_d_equal_axes_has_one_over_the_root_of_d(arrays):
    cross = np.vstack([np.eye(9), -np.eye(9)]).astype(np.float32)
    assert float(linear_cka(arrays(cross), arrays(cross[:, :1]))) == pytest.approx(1 / 3, rel=1e-5)


def test_it_is_symmetric(arrays, rng):
    x, y = (arrays(rng.standard_normal((30, d)).astype(np.float32)) for d in (4, 9))
    assert float(linear_cka(x, y)) == pytest.approx(float(linear_cka(y, x)), rel=1e-5)


def test_noise_of_few_samples_looks_alike_as_much_as_the_docstring_says(rng):
    x, y = rng.standard_normal((2, 128, 384))
    assert float(linear_cka(x, y)) == pytest.approx(384 / (128 + 384), abs=0.01)


def test_features_without_spread_have_nothing_in_common(arrays, rng):
    same = np.tile(rng.standard_normal(8).astype(np.float32), (20, 1))
    x = rng.standard_normal((20, 8)).astype(np.float32)
    assert float(linear_cka(arrays(same), arrays(x))) == 0.0
    assert float(linear_cka(arrays(same), arrays(same))) == 0.0


def test_one_row_and_bad_values_are_nan(arrays, rng):
    x = rng.standard_normal((5, 3)).astype(np.float32)
    y = x.copy()
    assert math.isnan(float(linear_cka(arrays(x[:1]), arrays(y[:1]))))
    y[2, 2] = np.nan
    assert math.isnan(float(linear_cka(arrays(x), arrays(y))))
    assert math.isnan(float(linear_cka(arrays(y), arrays(x))))


def test_other_samples_are_refused(arrays):
    with pytest.raises(ValueError, match="got 5 and 4 rows"):
        linear_cka(arrays(np.ones((5, 2))), arrays(np.ones((4, 2))))
