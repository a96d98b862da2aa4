import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from sightline.diagnostics import (
    block_overlap,
    connected_blocks,
    coverage,
    mask_hashes,
    remember,
    repeated_frac,
    seen_before,
)


def rectangle(top, left, height, width, side=8):
    mask = np.zeros((side, side), bool)
    mask[top : top + height, left : left + width] = True
    return mask


def test_blocks_that_do_not_touch_are_found_with_area_and_shape():
    masks = np.stack([rectangle(0, 0, 2, 4) | rectangle(4, 4, 3, 1), np.zeros((8, 8), bool)])
    blocks = connected_blocks(masks)
    assert blocks.count_B.tolist() == [2, 0]
    assert blocks.image_K.tolist() == [0, 0]
    assert blocks.area_K.tolist() == [8 / 64, 3 / 64]
    assert blocks.aspect_K.tolist() == [0.5, 3.0]


def test_a_corner_is_no_bridge_between_blocks():
    mask = rectangle(0, 0, 2, 2) | rectangle(2, 2, 2, 2)
    assert connected_blocks(mask[None]).count_B.tolist() == [2]


def test_targets_can_cut_a_context_into_fragments():
    assert connected_blocks(~rectangle(3, 0, 2, 8)[None]).count_B.tolist() == [2]


def test_areas_add_up_to_what_is_masked(rng):
    masks = rng.random((20, 6, 7)) < 0.4
    blocks = connected_blocks(masks)
    areas = np.bincount(blocks.image_K, blocks.area_K, minlength=20)
    np.testing.assert_allclose(areas, masks.mean(axis=(1, 2)))


def test_coverage_is_the_share_of_images(rng):
    masks = rng.random((5, 3, 4)) < 0.5
    np.testing.assert_allclose(coverage(masks), sum(masks.astype(float)) / 5)
    assert np.isnan(coverage(masks[:0])).all()


def test_overlap_is_what_two_blocks_share():
    one, other = rectangle(0, 0, 2, 2), rectangle(1, 0, 2, 2)
    apart = rectangle(5, 5, 2, 2)
    found = block_overlap(np.array([[one, other], [one, apart], [one & apart] * 2]))
    assert found.tolist() == pytest.approx([2 / 6, 0.0, math.nan], nan_ok=True)


def test_masks_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="bring them to the grid"):
        connected_blocks(np.ones((4, 4), bool))
    with pytest.raises(ValueError, match=r"\(B, K, H, W\)"):
        block_overlap(np.ones((2, 4, 4), bool))


def test_equal_masks_have_equal_hashes_and_others_do_not(arrays, rng):
    masks = np.unique(rng.random((3000, 36)) < 0.5, axis=0)
    hashes = np.asarray(mask_hashes(arrays(masks)))
    assert len(set(hashes.tolist())) == len(masks)
    assert np.array_equal(hashes[::-1], np.asarray(mask_hashes(arrays(masks[::-1].copy()))))
    grid = np.asarray(mask_hashes(arrays(masks.reshape(-1, 6, 6))))
    assert np.array_equal(grid, hashes)


def test_every_small_mask_has_a_hash_of_its_own(arrays):
    masks = (np.arange(4096)[:, None] >> np.arange(12)) % 2 == 1
    assert len(set(np.asarray(mask_hashes(arrays(masks))).tolist())) == 4096


def test_hashes_are_the_same_on_numpy_and_torch(rng):
    masks = rng.random((10, 4, 4)) < 0.5
    assert mask_hashes(torch.asarray(masks)).tolist() == mask_hashes(masks).tolist()


def test_within_a_batch_repeats_are_those_of_the_exact_comparison(arrays, rng):
    masks = rng.random((60, 5)) < 0.5
    hashes = mask_hashes(arrays(masks))
    repeated = np.asarray(seen_before(hashes, hashes[:0])).mean()
    assert repeated == pytest.approx(float(repeated_frac(masks)), rel=1e-6)
    assert repeated > 0


def test_a_mask_of_an_earlier_batch_is_known_until_it_is_forgotten(arrays):
    hashes = mask_hashes(arrays(np.eye(6, dtype=bool)))
    history = remember(hashes[:0], hashes[:4], at_most=3)
    assert np.asarray(seen_before(hashes, history)).tolist() == [False, *[True] * 3, False, False]
    history = remember(history, hashes[4:], at_most=3)
    assert np.asarray(seen_before(hashes, history)).tolist() == [False] * 3 + [True] * 3
    with pytest.raises(ValueError, match="at least 1"):
        remember(history, hashes, at_most=0)


def test_hashes_run_inside_jit_and_read_nothing_of_a_device(rng):
    masks = jnp.asarray(rng.random((4, 9)) < 0.5)
    assert jax.jit(mask_hashes)(masks).tolist() == mask_hashes(masks).tolist()
    hashes = mask_hashes(torch.empty(4, 3, 3, dtype=torch.bool, device="meta"))
    assert seen_before(hashes, hashes).device.type == "meta"
