"""What is seen and what is predicted where, from grids of 4 x 4 to those of 32 x 32."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor

from sightline.hjepa.masks import MultiBlockMasking, PlacementKind
from sightline.hjepa.placement import Placement, Sizes
from sightline.hjepa.selection import Masks

GRIDS = [(4, 4), (5, 7), (6, 6), (8, 8), (14, 14), (16, 16), (32, 32)]
NUM_IMAGES = 4096
# Context use of a position, the largest over the smallest, over classes of symmetric positions.
# Blocks 3 wide on 8 columns cover the third or the sixth wherever they are drawn: a linear program
# over all distributions of independent blocks finds none below about 1.4 at 8 x 8 and at 14 x 14.
MOST_UNEVEN = dict(zip(GRIDS, [1.05, 1.2, 1.2, 1.5, 1.65, 1.75, 1.85], strict=True))

each_grid = pytest.mark.parametrize("grid", GRIDS)
each_placement = pytest.mark.parametrize("placement", ["even", "uniform"])


@cache
def masking_of(grid: tuple[int, int], placement: PlacementKind = "even") -> MultiBlockMasking:
    return MultiBlockMasking(grid, placement=placement)


@cache
def masks_of(grid: tuple[int, int], placement: PlacementKind = "even") -> Masks:
    return masking_of(grid, placement)(NUM_IMAGES, torch.Generator().manual_seed(0))


def mirrored(use_HW: Tensor) -> Tensor:
    """The use of the positions that each position is a mirror image of, itself included."""
    flips = torch.stack([use_HW, use_HW.flip(0), use_HW.flip(1), use_HW.flip(0, 1)])
    rows, columns = use_HW.shape
    return torch.cat([flips, flips.mT]) if rows == columns else flips


def unevenness(use_HW: Tensor) -> float:
    averaged_HW = mirrored(use_HW).mean(dim=0)
    return float(averaged_HW.max() / averaged_HW.min())


def expected_use(masking: MultiBlockMasking) -> Tensor:
    """Chance of a position to be context, where no block is given up for room."""
    missed_HW = 1 - masking.blocks.coverage_HW
    return masking.windows.coverage_HW * missed_HW**masking.num_masks


@each_placement
@each_grid
def test_no_position_is_out_of_reach(grid, placement):
    masks = masks_of(grid, placement)
    assert masks.seen_BHW.any(dim=0).all()
    assert masks.target_BHW.any(dim=0).all()


@each_placement
@each_grid
def test_no_position_is_context_and_target_at_once(grid, placement):
    masks = masks_of(grid, placement)
    assert not (masks.seen_BHW & masks.target_BHW).any()
    assert not (masks.seen_BHW & masks.blocks_BKHW.any(dim=1)).any()


@each_placement
@each_grid
def test_each_image_keeps_at_least_95_percent_of_the_tokens_that_it_may_see(grid, placement):
    masks = masks_of(grid, placement)
    kept_B, eligible_B = (x.sum(dim=(1, 2)) for x in (masks.seen_BHW, masks.eligible_BHW))
    assert (kept_B >= 0.95 * eligible_B).all()
    assert eligible_B.min() > 0


@each_grid
def test_mirror_images_of_a_position_are_context_equally_often(grid):
    use_XHW = mirrored(masks_of(grid).seen_BHW.double().mean(dim=0))
    assert (use_XHW.amax(dim=0) / use_XHW.amin(dim=0)).max() <= 1.2


@each_grid
def test_all_positions_are_context_about_equally_often(grid):
    sampled = masks_of(grid).seen_BHW.double().mean(dim=0)
    assert unevenness(expected_use(masking_of(grid))) <= MOST_UNEVEN[grid]
    assert unevenness(sampled) <= MOST_UNEVEN[grid] * 1.06  # of 4096 images


@each_grid
def test_weighed_places_even_out_context_and_targets_both(grid):
    even, uniform = (masking_of(grid, placement) for placement in ("even", "uniform"))
    assert unevenness(expected_use(even)) < 0.6 * unevenness(expected_use(uniform))
    targets = (unevenness(one.blocks.coverage_HW) for one in (even, uniform))
    assert next(targets) < next(targets)


@each_placement
@each_grid
def test_positions_are_context_as_often_as_the_chances_of_blocks_say(grid, placement):
    expected_HW = expected_use(masking_of(grid, placement))
    deviation_HW = (expected_HW * (1 - expected_HW) / NUM_IMAGES).sqrt()
    use_HW = masks_of(grid, placement).seen_BHW.double().mean(dim=0)
    assert ((use_HW - expected_HW).abs() < 4.5 * deviation_HW).all()


@each_placement
def test_every_place_is_drawn_as_often_as_its_chance_says(placement):
    one_size = {"num_masks": 1, "mask_scale": (0.18, 0.18), "aspect_ratio": (1.0, 1.0)}
    masking = MultiBlockMasking((14, 14), **one_size, placement=placement)
    target_BHW = masking(NUM_IMAGES, torch.Generator().manual_seed(0)).target_BHW
    top, left = (target_BHW.any(dim=dim).int().argmax(dim=1) for dim in (2, 1))
    counts = torch.bincount(top * 9 + left, minlength=81).double()
    expected = masking.blocks.chance_SRC[0, :9, :9].flatten() * NUM_IMAGES
    assert counts.numel() == 81  # blocks of 6 x 6 have 9 x 9 places
    # 80 degrees of freedom: mean 80, deviation 12.6.
    assert ((counts - expected) ** 2 / expected).sum() < 80 + 4 * 12.6


@each_grid
def test_no_place_is_less_likely_than_a_tenth_of_an_equal_share(grid):
    even, uniform = (masking_of(grid, placement).blocks for placement in ("even", "uniform"))
    assert (even.chance_SRC >= 0.1 * uniform.chance_SRC - 1e-12).all()
    assert even.chance_SRC.sum() == pytest.approx(1.0)
    assert torch.allclose(even.chance_SRC.sum((1, 2)), uniform.chance_SRC.sum((1, 2)))


def test_sizes_are_as_likely_as_draws_of_scale_and_shape_make_them():
    sizes = Sizes.of((14, 14), (0.15, 0.2), (0.75, 1.5))
    scale, shape = torch.rand(2, 200_000, generator=torch.Generator().manual_seed(0)).double()
    area, aspect = 196 * (0.15 + 0.05 * scale), 0.75 * 2.0**shape
    height = (area * aspect).sqrt().round()
    width = (area / height).round()
    for rows, columns, chance in zip(*(one.tolist() for one in sizes), strict=True):
        drawn = ((height == rows) & (width == columns)).double().mean()
        assert chance == pytest.approx(float(drawn), abs=0.008)
    assert sizes.chance_S.sum() == pytest.approx(1.0)


def test_places_that_cannot_be_evened_out_stay_finite():
    # The middle rows are in every block, and never context, whatever the places.
    masking = MultiBlockMasking((4, 15), num_masks=6, mask_scale=(0.5, 0.6), aspect_ratio=(0.2, 5))
    assert masking.blocks.chance_SRC.isfinite().all()
    whole = Placement((2, 2), Sizes.of((2, 2), (1.0, 1.0), (1.0, 1.0)))
    whole.even_out(torch.ones(2, 2, dtype=torch.float64), 3)
    assert whole.chance_SRC.isfinite().all()
