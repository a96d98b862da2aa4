import math

import numpy as np
import pytest

from sightline.diagnostics import (
    alpha_req,
    covariance_eigenvalues,
    participation_ratio,
    rank_me,
    spectral_quality,
    stable_rank,
)

MEASURES = [rank_me, participation_ratio, stable_rank, alpha_req]
CENTRED = [participation_ratio, stable_rank, alpha_req]


def decaying(rng, shape):
    return (rng.standard_normal(shape) * 0.9 ** np.arange(shape[1]) + 3.0).astype(np.float32)


@pytest.mark.parametrize("shape", [(64, 16), (16, 64), (200, 30)])
@pytest.mark.parametrize("measure", MEASURES, ids=lambda f: f.__name__)
def test_each_agrees_with_its_slow_twin(arrays, twin, rng, measure, shape):
    x = decaying(rng, shape)
    expected = getattr(twin, measure.__name__)(x)
    assert float(measure(arrays(x))) == pytest.approx(expected, rel=2e-4)


@pytest.mark.parametrize("shape", [(64, 16), (16, 64)])
def test_eigenvalues_agree_with_the_slow_twin_in_number_order_and_unit(arrays, twin, rng, shape):
    x = 1e3 * decaying(rng, shape)
    result = np.asarray(covariance_eigenvalues(arrays(x)))
    expected = np.array(twin.covariance_eigenvalues(x))
    assert result.shape == (min(shape),)
    np.testing.assert_allclose(result, expected, rtol=1e-3, atol=1e-6 * expected[0])


def test_the_spectrum_together_is_what_it_is_one_by_one(arrays, rng):
    x = arrays(decaying(rng, (50, 12)))
    quality = spectral_quality(x)
    for measure in MEASURES:
        assert float(getattr(quality, measure.__name__)) == float(measure(x))


@pytest.mark.parametrize("width", [2, 16])
def test_an_even_spread_has_every_rank_in_full_and_no_decay(arrays, width):
    x = arrays(np.vstack([np.eye(width), -np.eye(width)]).astype(np.float32))
    effective, plain, participation, stable, alpha = map(float, spectral_quality(x))
    assert (effective, participation, stable) == pytest.approx((width,) * 3, rel=1e-5)
    assert plain == pytest.approx(width, rel=1e-4)
    assert alpha == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_a_power_law_has_its_exponent(arrays, exponent):
    axes = np.diag(np.arange(1.0, 33.0) ** (-exponent / 2))
    x = arrays(np.vstack([axes, -axes]).astype(np.float32))
    assert float(alpha_req(x)) == pytest.approx(exponent, rel=1e-4)


def test_directions_that_are_never_used_do_not_enter_the_decay(arrays):
    axes = np.diag(np.arange(1.0, 9.0) ** -0.5)
    x = np.pad(np.vstack([axes, -axes]), ((0, 0), (0, 20))).astype(np.float32)
    assert float(alpha_req(arrays(x))) == pytest.approx(1.0, rel=1e-4)


def test_features_on_a_line_have_ranks_of_one_and_no_decay_to_measure(arrays, rng):
    line = np.outer(rng.standard_normal(100), rng.standard_normal(20)).astype(np.float32)
    effective, plain, participation, stable, alpha = map(float, spectral_quality(arrays(line)))
    assert (effective, plain, participation, stable) == pytest.approx((1,) * 4, abs=1e-3)
    assert math.isnan(alpha)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_no_measure_depends_on_scale_rotation_or_order(arrays, rng, scale):
    x = decaying(rng, (60, 12)).astype(np.float64)
    rotation, _ = np.linalg.qr(rng.standard_normal((12, 12)))
    moved = arrays((scale * (x @ rotation)[rng.permutation(60)]).astype(np.float32))
    before = [float(value) for value in spectral_quality(arrays(x.astype(np.float32)))]
    after = [float(value) for value in spectral_quality(moved)]
    assert after == pytest.approx(before, rel=1e-3)


def test_a_shift_moves_rank_me_alone(arrays, rng):
    x = rng.standard_normal((60, 12)).astype(np.float32)
    before, after = spectral_quality(arrays(x)), spectral_quality(arrays(x + 50))
    for name in ("effective_rank", "participation_ratio", "stable_rank", "alpha_req"):
        assert float(getattr(after, name)) == pytest.approx(float(getattr(before, name)), rel=1e-3)
    assert float(after.rank_me) < 0.5 * float(before.rank_me)


def test_equal_rows_have_no_spread_and_one_direction(arrays, rng):
    x = arrays(np.tile(rng.standard_normal(16).astype(np.float32), (40, 1)))
    effective, plain, participation, stable, alpha = map(float, spectral_quality(x))
    assert (effective, participation, stable) == (0.0, 0.0, 0.0)
    assert plain == pytest.approx(1.0, abs=1e-3)
    assert math.isnan(alpha)
    assert np.asarray(covariance_eigenvalues(x)).tolist() == [0.0] * 16


def test_zeros_have_rank_zero(arrays):
    zeros = arrays(np.zeros((5, 3), np.float32))
    assert [float(value) for value in spectral_quality(zeros)[:4]] == [0.0] * 4


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_one_bad_value_makes_everything_nan_and_raises_nothing(arrays, rng, bad):
    x = rng.standard_normal((20, 5)).astype(np.float32)
    x[3, 2] = bad
    assert all(math.isnan(float(value)) for value in spectral_quality(arrays(x)))
    assert np.isnan(np.asarray(covariance_eigenvalues(arrays(x)))).tolist() == [True] * 5


@pytest.mark.parametrize("num_rows", [0, 1])
def test_fewer_than_two_rows_have_no_spectrum(arrays, num_rows):
    x = arrays(np.ones((num_rows, 5), np.float32))
    assert all(math.isnan(float(measure(x))) for measure in CENTRED)
    assert np.isnan(np.asarray(covariance_eigenvalues(x))).tolist() == [True]


@pytest.mark.parametrize("measure", [*MEASURES, spectral_quality, covariance_eigenvalues])
def test_anything_but_a_matrix_is_refused(arrays, measure):
    with pytest.raises(ValueError, match="reshape"):
        measure(arrays(np.ones((2, 3, 4), np.float32)))
