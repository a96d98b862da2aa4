import math

import numpy as np
import pytest

from sightline.diagnostics import lidar, reachable_rank


def views_of(rng, shape, *, noise):
    images = rng.standard_normal((shape[0], 1, shape[2])) * 0.9 ** np.arange(shape[2])
    return (images + noise * rng.standard_normal(shape) + 2.0).astype(np.float32)


@pytest.mark.parametrize("shape", [(30, 4, 8), (6, 3, 20), (100, 2, 16)])
def test_it_agrees_with_the_slow_twin(arrays, twin, rng, shape):
    views = views_of(rng, shape, noise=0.3)
    assert float(lidar(arrays(views))) == pytest.approx(twin.lidar(views), rel=1e-3)


@pytest.mark.parametrize("width", [2, 5])
def test_images_spread_evenly_beside_steady_views_have_the_full_rank(arrays, width):
    images = np.vstack([np.eye(width), -np.eye(width)])[:, None]
    views = np.repeat(images, 3, axis=1).astype(np.float32)
    assert float(lidar(arrays(views))) == pytest.approx(width, rel=1e-5)


def test_a_direction_in_which_views_differ_more_than_images_counts_little(arrays):
    images = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]], np.float64)[:, None]
    noise = np.array([[0, 1], [0, -1]], np.float64)
    # Variance within: 0 and 1; between: 1/2 and 1/2. Eigenvalues: .5 / 1e-4 and .5 / 1.0001
    first, second = 0.5 / 1e-4, 0.5 / 1.0001
    p, q = first / (first + second), second / (first + second)
    expected = math.exp(-p * math.log(p) - q * math.log(q))
    assert float(lidar(arrays(images + noise))) == pytest.approx(expected, rel=1e-6)


def test_images_on_a_line_have_rank_one(arrays, rng):
    line = np.outer(rng.standard_normal(40), rng.standard_normal(6))[:, None]
    views = np.repeat(line, 4, axis=1).astype(np.float32)
    assert float(lidar(arrays(views))) == pytest.approx(1.0, abs=1e-4)


def test_shift_rotation_and_the_order_of_images_and_views_do_not_matter(arrays, rng):
    views = views_of(rng, (30, 4, 8), noise=0.3)
    rotation, _ = np.linalg.qr(rng.standard_normal((8, 8)))
    moved = ((views @ rotation + 5.0)[rng.permutation(30)][:, [2, 0, 3, 1]]).astype(np.float32)
    assert float(lidar(arrays(moved))) == pytest.approx(float(lidar(arrays(views))), rel=1e-3)


@pytest.mark.parametrize("scale", [1e-30, 1e-5])
def test_features_far_below_delta_have_the_rank_of_their_means_alone(arrays, rng, scale):
    views = views_of(rng, (30, 4, 8), noise=0.3)
    result = float(lidar(arrays((views * scale).astype(np.float32))))
    means = views.astype(np.float64).mean(1)
    values = np.linalg.eigvalsh(np.cov(means.T))
    p = values / values.sum()
    assert result == pytest.approx(math.exp(-np.sum(p * np.log(p))), rel=1e-3)


def test_huge_features_do_not_overflow(arrays, rng):
    views = views_of(rng, (30, 4, 8), noise=0.3)
    huge = float(lidar(arrays(views * np.float32(1e30))))
    assert huge == pytest.approx(float(lidar(arrays(views), delta=1e-12)), rel=1e-3)


def test_equal_images_have_rank_zero_and_not_that_of_their_rounding(arrays, rng):
    same = np.tile(rng.standard_normal(8).astype(np.float32), (20, 4, 1))
    assert float(lidar(arrays(same))) == 0.0
    assert float(lidar(arrays(np.zeros((4, 2, 3), np.float32)))) == 0.0


def test_it_stays_within_what_so_many_images_can_show(arrays, rng):
    views = rng.standard_normal((5, 3, 40)).astype(np.float32)
    assert float(lidar(arrays(views))) <= reachable_rank(5, 40) + 1e-4


@pytest.mark.parametrize("shape", [(1, 4, 3), (5, 1, 3), (0, 2, 3)])
def test_one_image_or_one_view_leaves_nothing_to_compare(arrays, shape):
    assert math.isnan(float(lidar(arrays(np.ones(shape, np.float32)))))


def test_one_bad_value_is_nan_and_raises_nothing(arrays, rng):
    views = views_of(rng, (5, 3, 4), noise=0.3)
    views[2, 1, 0] = np.nan
    assert math.isnan(float(lidar(arrays(views))))


def test_a_matrix_and_a_delta_of_zero_are_refused(arrays):
    with pytest.raises(ValueError, match="stack the features"):
        lidar(arrays(np.ones((4, 3))))
    with pytest.raises(ValueError, match="above 0"):
        lidar(arrays(np.ones((4, 3, 2))), delta=0.0)
