import math

import numpy as np
import pytest

from sightline.diagnostics import clid, cluster_learnability, intrinsic_dimension


def clumps(rng, *, noise):
    centres = np.repeat(10 * np.eye(6), 40, axis=0)
    return (centres + noise * rng.standard_normal(centres.shape)).astype(np.float32)


def test_the_intrinsic_dimension_is_the_slow_twins(arrays, twin, rng):
    x = rng.standard_normal((80, 5)).astype(np.float32)
    assert intrinsic_dimension(arrays(x)) == pytest.approx(twin.intrinsic_dimension(x), rel=1e-6)


@pytest.mark.parametrize("dimension", [1, 2, 4])
def test_a_flat_piece_of_a_wide_space_has_its_own_dimension(rng, dimension):
    x = rng.random((3000, dimension)) @ rng.standard_normal((dimension, 20))
    assert intrinsic_dimension(x) == pytest.approx(dimension, rel=0.1)


def test_a_circle_has_dimension_one(arrays, rng):
    angle = 2 * np.pi * rng.random(1000)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    assert intrinsic_dimension(arrays(circle)) == pytest.approx(1, rel=0.1)


def test_scale_shift_rotation_and_order_leave_both_parts(rng):
    x = rng.standard_normal((200, 6))
    rotation, _ = np.linalg.qr(rng.standard_normal((6, 6)))
    assert intrinsic_dimension(1e30 * (x @ rotation + 2)[::-1]) == pytest.approx(
        intrinsic_dimension(x), rel=1e-6
    )
    assert cluster_learnability(1e30 * x) == cluster_learnability(x)


def test_clusters_with_gaps_are_learned_and_noise_is_not(arrays, rng):
    apart = cluster_learnability(arrays(clumps(rng, noise=0.1)), num_clusters=6)
    noise = cluster_learnability(arrays(rng.standard_normal((240, 32))), num_clusters=6)
    assert apart == 1.0
    assert noise < 0.8


def test_a_seed_gives_one_answer_and_another_seed_another(arrays, rng):
    x = arrays(rng.standard_normal((100, 8)))
    assert clid(x, seed=3) == clid(x, seed=3)
    assert len({clid(x, seed=seed).cluster_learnability for seed in range(5)}) > 1


def test_the_two_parts_together_are_what_they_are_alone(arrays, rng):
    x = arrays(clumps(rng, noise=1.0))
    assert clid(x, seed=1) == (cluster_learnability(x, seed=1), intrinsic_dimension(x))


def test_doubles_are_left_out_of_the_dimension(rng):
    x = rng.random((500, 2))
    doubled = np.concatenate([x, x[:100]])
    assert intrinsic_dimension(doubled) == pytest.approx(2, rel=0.2)


def test_equal_rows_are_learned_and_have_no_dimension(arrays):
    same = arrays(np.ones((30, 4), np.float32))
    assert clid(same).cluster_learnability == 1.0
    assert math.isnan(clid(same).intrinsic_dimension)


def test_a_corner_of_equal_distances_has_no_dimension(arrays):
    assert math.isnan(intrinsic_dimension(arrays(np.eye(5, dtype=np.float32))))


@pytest.mark.parametrize("num_rows", [0, 1])
def test_too_few_rows_are_nan(arrays, num_rows):
    assert all(math.isnan(part) for part in clid(arrays(np.ones((num_rows, 3), np.float32))))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_one_bad_value_is_nan(arrays, rng, bad):
    x = rng.standard_normal((20, 3))
    x[4, 1] = bad
    assert all(math.isnan(part) for part in clid(arrays(x)))


def test_more_clusters_than_different_rows_are_as_many_as_there_are(arrays):
    x = arrays(np.repeat(np.eye(3), 10, axis=0))
    assert cluster_learnability(x, num_clusters=20) == 1.0


def test_no_cluster_is_refused(arrays):
    with pytest.raises(ValueError, match="at least one cluster"):
        cluster_learnability(arrays(np.ones((5, 3))), num_clusters=0)
