import math

import numpy as np
import pytest

from sightline.diagnostics import alignment, uniformity


@pytest.fixture
def pair(rng):
    a = rng.standard_normal((30, 6))
    return a.astype(np.float32), (a + 0.3 * rng.standard_normal(a.shape)).astype(np.float32)


def test_they_agree_with_the_slow_twins(arrays, twin, pair):
    a, b = pair
    assert float(alignment(arrays(a), arrays(b))) == pytest.approx(twin.alignment(a, b), rel=1e-5)
    assert float(uniformity(arrays(a))) == pytest.approx(twin.uniformity(a), rel=1e-5)


def test_equal_views_are_aligned_and_opposite_ones_are_four_apart(arrays, pair):
    a, _ = pair
    assert float(alignment(arrays(a), arrays(3 * a))) == pytest.approx(0, abs=1e-12)
    assert float(alignment(arrays(a), arrays(-a))) == pytest.approx(4, rel=1e-6)


def test_a_small_angle_is_not_lost_in_rounding(arrays):
    a, b = np.array([[1.0, 0.0]], np.float32), np.array([[1.0, 1e-4]], np.float32)
    assert float(alignment(arrays(a), arrays(b))) == pytest.approx(1e-8, rel=1e-3)


@pytest.mark.parametrize("width", [2, 8])
def test_a_cross_has_the_uniformity_of_its_right_angles_and_opposites(arrays, width):
    cross = np.vstack([np.eye(width), -np.eye(width)]).astype(np.float32)
    num_pairs, opposite = width * (2 * width - 1), width
    mean = (opposite * math.exp(-8) + (num_pairs - opposite) * math.exp(-4)) / num_pairs
    assert float(uniformity(arrays(cross))) == pytest.approx(math.log(mean), rel=1e-5)


def test_an_even_cover_of_a_wide_sphere_is_near_minus_four(rng):
    x = rng.standard_normal((2000, 128))
    assert float(uniformity(x)) == pytest.approx(-4 + 8 / 128, abs=0.01)


def test_a_row_is_not_its_own_neighbour(arrays):
    opposite = np.array([[1, 0], [-1, 0]], np.float32)
    assert float(uniformity(arrays(opposite))) == pytest.approx(-8.0, rel=1e-6)


def test_collapse_has_uniformity_zero(arrays, rng):
    same = np.tile(rng.standard_normal(7).astype(np.float32), (20, 1))
    assert float(uniformity(arrays(same))) == pytest.approx(0, abs=1e-5)
    assert float(uniformity(arrays(0 * same))) == 0.0


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_scale_and_rotation_change_neither(arrays, pair, rng, scale):
    a, b = pair
    rotation, _ = np.linalg.qr(rng.standard_normal((6, 6)))
    c, d = ((scale * (x @ rotation)).astype(np.float32) for x in pair)
    before = float(alignment(arrays(a), arrays(b)))
    assert float(alignment(arrays(c), arrays(d))) == pytest.approx(before, rel=1e-4)
    assert float(uniformity(arrays(c))) == pytest.approx(float(uniformity(arrays(a))), rel=1e-5)


def test_missing_rows_and_bad_values_are_nan(arrays, pair):
    a, b = pair
    assert math.isnan(float(alignment(arrays(a[:0]), arrays(b[:0]))))
    assert math.isnan(float(uniformity(arrays(a[:1]))))
    a[3, 3] = np.inf
    assert math.isnan(float(alignment(arrays(a), arrays(b))))
    assert math.isnan(float(uniformity(arrays(a))))


def test_views_of_other_images_are_refused(arrays, pair):
    with pytest.raises(ValueError, match="same images of both"):
        alignment(arrays(pair[0]), arrays(pair[1][:-1]))
