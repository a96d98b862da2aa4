import math

import numpy as np
import pytest

from sightline.diagnostics import (
    context_kept_frac,
    context_target_overlap,
    coverage_min_max_ratio,
    mask_ratio,
    patches_per_image,
    repeated_frac,
    times_masked,
)


@pytest.fixture
def masks(rng):
    return rng.random((2, 30, 4, 4)) < 0.4


def test_they_agree_with_the_slow_twins(arrays, twin, masks):
    context, target = masks
    a, b = arrays(context), arrays(target)
    assert float(mask_ratio(b)) == pytest.approx(np.mean(target), rel=1e-6)
    assert float(patches_per_image(b)) == pytest.approx(np.sum(target) / 30, rel=1e-6)
    assert float(context_target_overlap(a, b)) == pytest.approx(twin.overlap(context, target))
    assert float(context_kept_frac(a, b)) == pytest.approx(twin.overlap(context, target))
    coverage = coverage_min_max_ratio(times_masked(b))
    assert float(coverage) == pytest.approx(twin.coverage(target))
    repeated = np.concatenate([target, target[:7]])
    assert float(repeated_frac(arrays(repeated))) == pytest.approx(twin.repeated_frac(repeated))


def test_a_grid_and_its_flattened_tokens_measure_the_same(arrays, masks):
    context, target = masks
    flat = [arrays(mask.reshape(30, 16)) for mask in masks]
    grid = [arrays(context), arrays(target)]
    assert float(context_target_overlap(*grid)) == float(context_target_overlap(*flat))
    assert float(mask_ratio(grid[1])) == float(mask_ratio(flat[1]))


def test_disjoint_masks_do_not_leak(arrays, masks):
    target = masks[1]
    assert float(context_target_overlap(arrays(~target), arrays(target))) == 0.0


def test_one_leaked_patch_is_seen(arrays, masks):
    target = masks[1]
    context = ~target
    context[3] |= target[3]
    assert float(context_target_overlap(arrays(context), arrays(target))) > 0.0


def test_a_position_that_is_never_masked_has_coverage_zero(arrays, masks):
    target = masks[1]
    target[:, -1, -1] = False
    assert float(coverage_min_max_ratio(times_masked(arrays(target)))) == 0.0


def test_one_mask_shared_by_a_batch_repeats_in_all_but_the_first(arrays, masks):
    shared = np.broadcast_to(masks[0][:1], (10, 4, 4)).copy()
    assert float(repeated_frac(arrays(shared))) == pytest.approx(0.9)


def test_masks_of_equal_size_but_other_places_do_not_repeat(arrays):
    assert float(repeated_frac(arrays(np.eye(6, dtype=bool)))) == 0.0


def test_what_cannot_be_measured_is_nan(arrays):
    nothing = arrays(np.zeros((2, 3, 3), bool))
    empty = arrays(np.zeros((0, 3, 3), bool))
    values = [
        context_target_overlap(nothing, nothing),
        coverage_min_max_ratio(times_masked(nothing)),
        mask_ratio(empty),
        patches_per_image(empty),
        repeated_frac(empty),
    ]
    assert all(math.isnan(float(value)) for value in values)
    assert float(mask_ratio(nothing)) == 0.0


def test_a_single_mask_without_a_batch_axis_is_refused(arrays):
    with pytest.raises(ValueError, match="add a batch axis"):
        mask_ratio(arrays(np.ones(4, bool)))


def test_two_grids_are_refused_with_both_shapes_named(arrays):
    a, b = arrays(np.ones((2, 4, 4), bool)), arrays(np.ones((2, 2, 2), bool))
    with pytest.raises(ValueError, match=r"\(2, 4, 4\) and \(2, 2, 2\)"):
        context_target_overlap(a, b)
