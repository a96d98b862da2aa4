import math

import numpy as np
import pytest

from sightline.diagnostics import (
    correlation_off_diagonal,
    covariance_off_diagonal,
    variance_hinge,
)

MEASURES = [covariance_off_diagonal, correlation_off_diagonal, variance_hinge]


@pytest.mark.parametrize("shape", [(40, 12), (6, 20)])
@pytest.mark.parametrize("measure", MEASURES, ids=lambda f: f.__name__)
def test_it_agrees_with_the_slow_twin(arrays, twin, rng, measure, shape):
    x = (rng.standard_normal(shape) @ rng.standard_normal((shape[1],) * 2) / 9 + 3).astype("f4")
    expected = getattr(twin, measure.__name__)(x)
    assert expected > 0
    assert float(measure(arrays(x))) == pytest.approx(expected, rel=1e-4)


def test_dimensions_that_share_nothing_have_none(arrays):
    cross = arrays(np.vstack([np.eye(6), -np.eye(6)]).astype(np.float32))
    assert float(covariance_off_diagonal(cross)) == pytest.approx(0, abs=1e-12)
    assert float(correlation_off_diagonal(cross)) == pytest.approx(0, abs=1e-6)


def test_dimensions_that_say_the_same_have_correlation_one_at_any_scale(arrays, rng):
    line = np.outer(rng.standard_normal(50), [1e-6, -2.0, 3e6])
    line = (line + np.array([0.0, 1.0, 1e6])).astype(np.float32)
    assert float(correlation_off_diagonal(arrays(line))) == pytest.approx(1.0, abs=1e-5)


def test_covariance_vanishes_in_collapse_and_correlation_does_not(arrays, rng):
    x = rng.standard_normal((50, 4)).astype(np.float32)
    x[:, 1] = x[:, 0]
    small = arrays(x * np.float32(1e-3))
    assert float(covariance_off_diagonal(small)) < 1e-11
    before = float(correlation_off_diagonal(arrays(x)))
    assert before > 0.4
    assert float(correlation_off_diagonal(small)) == pytest.approx(before, rel=1e-5)


def test_a_dead_dimension_correlates_with_nothing_and_not_with_its_rounding(arrays, rng):
    x = rng.standard_normal((300, 2)).astype(np.float32)
    x[:, 1] = 0.1
    assert float(correlation_off_diagonal(arrays(x))) == 0.0


def test_the_hinge_is_open_in_collapse_and_shut_above_its_target(arrays, rng):
    same = arrays(np.ones((20, 3), np.float32))
    assert float(variance_hinge(same)) == pytest.approx(0.99, rel=1e-6)
    assert float(variance_hinge(same, target=3.0)) == pytest.approx(2.99, rel=1e-6)
    spread = arrays((10 * rng.standard_normal((20, 3))).astype(np.float32))
    assert float(variance_hinge(spread)) == 0.0


def test_one_dimension_has_no_other_to_resemble(arrays, rng):
    x = arrays(rng.standard_normal((20, 1)).astype(np.float32))
    assert float(covariance_off_diagonal(x)) == float(correlation_off_diagonal(x)) == 0.0


@pytest.mark.parametrize("measure", MEASURES, ids=lambda f: f.__name__)
def test_too_few_rows_and_bad_values_are_nan(arrays, rng, measure):
    x = rng.standard_normal((5, 3)).astype(np.float32)
    for bad in (np.nan, np.inf):
        x[1, 2] = bad
        assert math.isnan(float(measure(arrays(x))))
    assert math.isnan(float(measure(arrays(x[:1]))))
    assert math.isnan(float(measure(arrays(x[:0]))))
