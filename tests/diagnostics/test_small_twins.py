"""Short diagnostics against loops over single values, on noise."""

import numpy as np
import pytest

from sightline import diagnostics
from sightline.diagnostics import block_overlap, block_shapes, connected_blocks

NOISE = np.random.default_rng(11)
NORMS = NOISE.random(8) + 0.1
MATRIX = NOISE.standard_normal((8, 4)) + 0.5
COSINES = NOISE.uniform(-1, 1, (6, 4, 4))
SCORED = NOISE.random((6, 4, 4)) < 0.4
SCORED[:, 0, 0] = False
GRAMS = [diagnostics.gram(MATRIX[rows]) for rows in (slice(0, 4), slice(4, 8))]
LOSSES = NOISE.lognormal(size=31)
INPUTS = {
    "feature_statistics": (MATRIX,),
    "gram_distance": GRAMS,
    "contributions": (NORMS, NORMS[::-1].copy()),
    "layer_ratios": (NORMS,),
    "clipping_ratio": (NORMS, NORMS / 2),
    "share_clipped": (2 * NORMS,),
    "times_masked": (SCORED,),
    "agreement_by_position": (COSINES, SCORED),
    "share_unchanged": (NOISE.integers(0, 3, 30), NOISE.integers(0, 3, 30)),
    "seen_before": (NOISE.integers(0, 20, 30), NOISE.integers(0, 20, 9)),
}
ON_HOST = {
    "loss_spike": (LOSSES,),
    "smoothness": (LOSSES,),
    "spike_score": (9.0, LOSSES),
}


def single(array):
    return array.astype(np.float32) if array.dtype == np.float64 else array


@pytest.mark.parametrize("name", INPUTS)
def test_it_agrees_with_the_slow_twin(arrays, twin, name):
    given = [single(array) for array in INPUTS[name]]
    result = getattr(diagnostics, name)(*map(arrays, given))
    parts = result if isinstance(result, tuple) else [result]
    found = np.array([np.asarray(part) for part in parts], np.float64)
    expected = np.asarray(getattr(twin, name)(*given), np.float64).reshape(found.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("name", ON_HOST)
def test_what_runs_on_the_host_agrees_with_the_slow_twin(twin, name):
    expected = getattr(twin, name)(*ON_HOST[name])
    assert getattr(diagnostics, name)(*ON_HOST[name]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("k", [3, 96])
def test_the_hardest_and_easiest_are_those_of_the_slow_twin(arrays, twin, k):
    found = diagnostics.hardest_and_easiest(arrays(single(COSINES)), arrays(SCORED), k)
    expected = twin.hardest_and_easiest(COSINES, SCORED, k)
    assert tuple(np.asarray(places).tolist() for places in found) == expected


def test_connected_blocks_are_those_of_a_flood(twin):
    masks = NOISE.random((30, 5, 6)) < 0.4
    found = connected_blocks(masks)
    expected = [twin.blocks(mask) for mask in masks]
    assert found.count_B.tolist() == [len(of_image) for of_image in expected]
    shapes = list(zip(found.image_K, found.area_K, found.aspect_K, strict=True))
    flat = [(image, *shape) for image, of_image in enumerate(expected) for shape in of_image]
    np.testing.assert_allclose(sorted(shapes), sorted(flat))


def test_shapes_of_known_blocks_are_those_of_a_flood_of_each(twin):
    corner, size = NOISE.integers(0, 4, (5, 3, 2)), NOISE.integers(0, 4, (5, 3, 2))
    place = np.arange(7)
    rows = (place >= corner[..., :1]) & (place < corner[..., :1] + size[..., :1])
    columns = (place >= corner[..., 1:]) & (place < corner[..., 1:] + size[..., 1:])
    blocks = rows[..., :, None] & columns[..., None, :]
    found = block_shapes(blocks)
    expected = [[shape for block in image for shape in twin.blocks(block)] for image in blocks]
    assert found.count_B.tolist() == [len(shapes) for shapes in expected]
    assert sum(found.count_B) < blocks.shape[0] * blocks.shape[1]  # some are empty
    flat = [shape for shapes in expected for shape in shapes]
    np.testing.assert_allclose(np.stack([found.area_K, found.aspect_K], axis=1), flat)
    assert found.image_K.tolist() == sorted(found.image_K)
    overlaps = [twin.block_overlap(image) for image in blocks]
    np.testing.assert_allclose(block_overlap(blocks), overlaps)
