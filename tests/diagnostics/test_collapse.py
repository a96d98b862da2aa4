import math

import numpy as np
import pytest

from sightline.diagnostics import (
    dead_dimensions,
    feature_std,
    mean_std,
    min_std,
    pairwise_similarity,
    std_per_dimension,
)


@pytest.fixture
def x(rng):
    return (rng.standard_normal((40, 12)) + 0.5).astype(np.float32)


def test_they_agree_with_the_slow_twins(arrays, twin, x):
    std = twin.std_per_dimension(x)
    mean_similarity, max_similarity = twin.pairwise_similarity(x)
    a = arrays(x)
    np.testing.assert_allclose(np.asarray(std_per_dimension(a)), std, rtol=1e-5)
    assert float(mean_std(a)) == pytest.approx(sum(std) / len(std), rel=1e-5)
    assert float(min_std(a)) == pytest.approx(min(std), rel=1e-5)
    assert float(feature_std(a)) == pytest.approx(twin.feature_std(x), rel=1e-5)
    assert float(pairwise_similarity(a).mean) == pytest.approx(mean_similarity, rel=1e-4)
    assert float(pairwise_similarity(a).max) == pytest.approx(max_similarity, rel=1e-5)


@pytest.mark.parametrize("width", [2, 16, 64])
def test_an_even_spread_has_the_ideal_std_at_any_width(arrays, width):
    cross = np.vstack([np.eye(width), -np.eye(width)]).astype(np.float32)
    assert float(mean_std(arrays(cross))) * width**0.5 == pytest.approx(1.0, rel=1e-6)
    assert float(min_std(arrays(cross))) * width**0.5 == pytest.approx(1.0, rel=1e-6)


def test_equal_images_have_no_std_and_similarity_one(arrays, rng):
    x = np.tile(rng.standard_normal(16).astype(np.float32), (30, 1))
    assert float(mean_std(arrays(x))) < 1e-6
    assert float(pairwise_similarity(arrays(x)).mean) == pytest.approx(1.0, rel=1e-6)


def test_orthogonal_images_have_similarity_zero(arrays):
    similarity = pairwise_similarity(arrays(np.eye(8, dtype=np.float32)))
    assert float(similarity.mean) == float(similarity.max) == 0.0


def test_an_image_is_not_compared_with_itself(arrays):
    opposite = np.array([[1, 0], [-1, 0]], np.float32)
    assert float(pairwise_similarity(arrays(opposite)).max) == -1.0


def test_a_dead_unit_is_seen_by_the_smallest_std_alone(arrays, x):
    x[:, 4] = 0.0
    assert float(min_std(arrays(x))) == 0.0
    assert float(mean_std(arrays(x))) > 0.1


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_the_normalised_measures_ignore_scale_and_order(arrays, x, rng, scale):
    moved = arrays((x * np.float32(scale))[rng.permutation(len(x))])
    assert float(mean_std(moved)) == pytest.approx(float(mean_std(arrays(x))), rel=1e-5)
    before = float(pairwise_similarity(arrays(x)).mean)
    assert float(pairwise_similarity(moved).mean) == pytest.approx(before, rel=1e-4)


def test_rotation_leaves_the_similarity_between_images(arrays, x, rng):
    rotation, _ = np.linalg.qr(rng.standard_normal((12, 12)))
    turned = arrays((x @ rotation).astype(np.float32))
    before = pairwise_similarity(arrays(x))
    assert float(pairwise_similarity(turned).mean) == pytest.approx(float(before.mean), rel=1e-4)


def test_an_encoder_that_outputs_nothing_has_no_std(arrays):
    nothing = arrays(np.zeros((6, 4), np.float32))
    assert float(mean_std(nothing)) == float(feature_std(nothing)) == 0.0
    assert float(pairwise_similarity(nothing).mean) == 0.0


def test_more_dimensions_than_samples_are_fine(arrays, twin, rng):
    x = rng.standard_normal((3, 50)).astype(np.float32)
    expected = np.mean(twin.std_per_dimension(x))
    assert float(mean_std(arrays(x))) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("measure", [mean_std, min_std, feature_std])
@pytest.mark.parametrize("num_rows", [0, 1])
def test_fewer_than_two_rows_have_no_spread_to_measure(arrays, measure, num_rows):
    x = arrays(np.ones((num_rows, 4), np.float32))
    assert math.isnan(float(measure(x)))
    assert all(math.isnan(float(value)) for value in pairwise_similarity(x))


@pytest.mark.parametrize("row", [0, 5])
def test_one_bad_value_is_not_hidden(arrays, x, row):
    x[row, 3] = np.nan
    a = arrays(x)
    measures = [mean_std(a), min_std(a), feature_std(a), *pairwise_similarity(a)]
    assert all(math.isnan(float(value)) for value in measures)


def test_the_share_of_dead_dimensions_is_the_slow_twins(arrays, twin, x):
    x[:, [1, 5, 7]] = np.float32(1e-3) * x[:, [1, 5, 7]]
    assert twin.dead_dimensions(x) == 3 / 12
    assert float(dead_dimensions(arrays(x))) == pytest.approx(3 / 12)
    assert float(dead_dimensions(arrays(x), threshold=2.0)) == 1.0


def test_dead_dimensions_are_counted_alike_at_any_scale_and_all_are_dead_in_collapse(arrays, x):
    x[:, 2] = 0.0
    for scale in (1e-30, 1e30):
        assert float(dead_dimensions(arrays(x * np.float32(scale)))) == pytest.approx(1 / 12)
    assert float(dead_dimensions(arrays(np.ones((9, 12), np.float32)))) == 1.0


def test_dead_dimensions_are_not_counted_where_a_feature_is_bad_or_rows_are_missing(arrays, x):
    x[3, 4] = np.nan
    assert math.isnan(float(dead_dimensions(arrays(x))))
    assert math.isnan(float(dead_dimensions(arrays(x[:1]))))
