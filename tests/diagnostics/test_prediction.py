import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from sightline.diagnostics import (
    agreement_by_position,
    feature_statistics,
    hardest_and_easiest,
    prediction_agreement,
)


def values(statistics):
    return [float(value) for value in statistics]


def test_the_agreement_is_that_of_the_slow_twin(arrays, twin, rng):
    prediction, target = rng.standard_normal((2, 40, 6))
    weight = rng.random(40) * (rng.random(40) < 0.7)
    prediction[weight == 0] = math.nan
    given = (arrays(x.astype(np.float32)) for x in (prediction, target, weight))
    expected = twin.agreement(prediction, target, weight)
    assert values(prediction_agreement(*given)) == pytest.approx(expected, rel=1e-5)


def test_a_mask_scores_what_selecting_rows_scores(arrays, rng):
    prediction, target = rng.standard_normal((2, 40, 6))
    mask = rng.random(40) < 0.5
    masked = prediction_agreement(arrays(prediction), arrays(target), arrays(mask))
    selected = prediction_agreement(arrays(prediction[mask]), arrays(target[mask]))
    assert values(masked) == pytest.approx(values(selected), rel=1e-5)


def test_a_perfect_prediction_and_the_mean_target_have_errors_of_zero_and_one(arrays, rng):
    target = rng.standard_normal((30, 4))
    perfect = prediction_agreement(arrays(target), arrays(target))
    assert float(perfect.normalized_mse) == 0.0
    assert float(perfect.cosine_min) == pytest.approx(1.0, abs=1e-6)
    mean = np.broadcast_to(target.mean(axis=0), target.shape).copy()
    constant = prediction_agreement(arrays(mean), arrays(target))
    assert float(constant.normalized_mse) == pytest.approx(1.0, rel=1e-5)


def test_an_agreement_of_nothing_is_nan_and_collapsed_targets_have_no_error(arrays):
    ones = arrays(np.ones((3, 2), np.float32))
    nothing = prediction_agreement(ones, ones, arrays(np.zeros(3, bool)))
    assert all(math.isnan(value) for value in values(nothing))
    empty = arrays(np.ones((0, 2), np.float32))
    assert all(math.isnan(value) for value in values(prediction_agreement(empty, empty)))
    same = prediction_agreement(ones, ones)
    assert math.isnan(float(same.normalized_mse))
    assert float(same.cosine_mean) == pytest.approx(1.0, abs=1e-6)


def test_a_weight_that_is_missing_is_refused(arrays):
    with pytest.raises(ValueError, match="one weight a row"):
        prediction_agreement(*[arrays(np.ones((3, 2)))] * 2, arrays(np.ones(2)))


def test_positions_average_only_what_was_scored(arrays):
    cosine = np.array([[[1.0, 0.5, math.nan]], [[0.0, 0.9, math.nan]]])
    scored = np.array([[[True, False, False]], [[True, True, False]]])
    found = np.asarray(agreement_by_position(arrays(cosine), arrays(scored)))
    np.testing.assert_allclose(found, [[0.5, 0.9, math.nan]], rtol=1e-6)
    with pytest.raises(ValueError, match="same grid"):
        agreement_by_position(arrays(cosine), arrays(scored[:1]))


def test_the_hardest_and_easiest_are_found_among_the_scored(arrays):
    cosine = np.array([[[0.9, 0.1], [0.5, -1.0]], [[0.2, 0.8], [1.0, 0.3]]])
    scored = np.ones((2, 2, 2), bool)
    scored[0, 1, 1] = scored[1, 1, 0] = False
    found = hardest_and_easiest(arrays(cosine), arrays(scored), 2)
    assert np.asarray(found.hardest_K).tolist() == [1, 4]
    assert np.asarray(found.easiest_K).tolist() == [0, 5]
    found = hardest_and_easiest(arrays(cosine), arrays(scored), 7)
    assert np.asarray(found.hardest_K).tolist() == [1, 4, 7, 2, 5, 0, -1]
    with pytest.raises(ValueError, match="at least 1"):
        hardest_and_easiest(arrays(cosine), arrays(scored), 0)


def test_features_have_the_statistics_of_numpy(arrays, rng):
    x = rng.standard_normal((50, 8)) + 2
    expected = [x.mean(), x.std(), x.min(), x.max(), np.linalg.norm(x, axis=1).mean()]
    found = feature_statistics(arrays(x.astype(np.float32)))
    assert values(found) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "x", [np.ones((0, 3)), np.array([[1.0, math.nan]]), np.array([[math.inf]])]
)
def test_features_without_numbers_have_no_statistics(arrays, x):
    found = values(feature_statistics(arrays(x.astype(np.float32))))
    assert all(math.isnan(value) for value in found)


def test_features_near_the_end_of_float32_and_of_zeros_have_statistics(arrays):
    large = feature_statistics(arrays(np.full((2, 4), 1e30, np.float32)))
    assert float(large.norm) == pytest.approx(2e30)
    assert values(feature_statistics(arrays(np.zeros((2, 2), np.float32)))) == [0.0] * 5


def test_they_run_inside_jit_and_read_nothing_of_a_device():
    x = jnp.ones((6, 2)).at[0].set(3.0)
    for function in (lambda x: prediction_agreement(x, -x), feature_statistics):
        np.testing.assert_allclose(jax.jit(function)(x), function(x), rtol=1e-5)
        assert function(torch.empty(6, 2, device="meta"))[0].device.type == "meta"
    grid = torch.empty(2, 3, 3, device="meta")
    assert hardest_and_easiest(grid, grid > 0, 2)[0].device.type == "meta"
