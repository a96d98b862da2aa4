import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sightline.hjepa.masks import MultiBlockMasking
from sightline.hjepa.ragged import Ragged
from sightline.hjepa.selection import Masks, Selection
from tests.references import hjepa as reference

GRIDS = [(14, 14), (6, 6), (4, 4), (4, 14), (14, 4), (5, 9)]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def block_sizes(mask_BHW):
    """Rows and columns of the bounding box of each mask."""
    return mask_BHW.any(dim=2).sum(dim=1), mask_BHW.any(dim=1).sum(dim=1)


# Known mistakes of public samplers.


@pytest.mark.parametrize("grid", GRIDS)
def test_every_position_can_be_target_the_last_row_and_column_included(grid):
    masks = MultiBlockMasking(grid)(2_000, seeded())
    assert masks.target_BHW.any(dim=0).all()


@pytest.mark.parametrize("grid", GRIDS)
def test_every_position_can_be_context_the_last_row_and_column_included(grid):
    masks = MultiBlockMasking(grid)(2_000, seeded())
    assert masks.seen_BHW.any(dim=0).all()


def test_every_place_where_a_block_fits_is_equally_likely_if_asked_for():
    masking = MultiBlockMasking(
        (14, 14),
        num_masks=1,
        mask_scale=(0.18, 0.18),
        aspect_ratio=(1.0, 1.0),
        placement="uniform",
    )
    target_BHW = masking(8_100, seeded()).target_BHW
    top = target_BHW.any(dim=2).int().argmax(dim=1)
    left = target_BHW.any(dim=1).int().argmax(dim=1)
    counts = torch.bincount(top * 9 + left, minlength=81).double()
    assert counts.numel() == 81  # blocks of 6 x 6 have 9 x 9 places
    # 80 degrees of freedom: mean 80, deviation 12.6.
    assert ((counts - 100) ** 2 / 100).sum() < 80 + 4 * 12.6


@pytest.mark.parametrize("grid", GRIDS)
def test_no_context_patch_is_thrown_away_to_match_the_image_that_keeps_fewest(grid):
    masks = MultiBlockMasking(grid)(128, seeded())
    counts = masks.eligible_BHW.sum(dim=(1, 2))
    assert counts.min() < counts.max()
    assert torch.equal(masks.seen_BHW, masks.eligible_BHW)
    assert torch.equal(masks.context.valid_BM.sum(dim=1), counts)


def test_the_lower_rows_are_seen_as_often_as_the_upper():
    seen_H = MultiBlockMasking((14, 14))(2_048, seeded()).seen_BHW.double().mean(dim=(0, 2))
    assert torch.allclose(seen_H, seen_H.flip(0), atol=0.02)


def test_scale_and_aspect_ratio_are_drawn_independently():
    masking = MultiBlockMasking(
        (48, 48), num_masks=1, mask_scale=(0.05, 0.2), aspect_ratio=(0.5, 2.0)
    )
    height, width = block_sizes(masking(1_500, seeded()).target_BHW)
    area, shape = (height * width).double(), (height / width).log().double()
    assert torch.corrcoef(torch.stack([area, shape]))[0, 1].abs() < 4 / 1_500**0.5
    assert area.mean() / 48**2 == pytest.approx(0.125, abs=0.005)
    assert shape.mean() == pytest.approx(0.0, abs=0.05)


def test_the_images_of_a_batch_draw_blocks_of_different_sizes():
    masks = MultiBlockMasking((14, 14), num_masks=1)(64, seeded())
    sizes = set(zip(*(size.tolist() for size in block_sizes(masks.target_BHW)), strict=True))
    assert len(sizes) > 3


def test_the_images_of_a_batch_draw_blocks_at_different_places():
    target_BHW = MultiBlockMasking((14, 14))(64, seeded()).target_BHW
    assert len(torch.unique(target_BHW.flatten(1), dim=0)) == 64


@settings(deadline=None, max_examples=150)
@given(
    rows=st.integers(4, 15),
    columns=st.integers(4, 15),
    num_masks=st.integers(1, 6),
    mask_scale=st.tuples(st.floats(0.02, 0.6), st.floats(0.02, 0.6)).map(sorted),
    aspect_ratio=st.tuples(st.floats(0.2, 5.0), st.floats(0.2, 5.0)).map(sorted),
    context_scale=st.tuples(st.floats(0.3, 1.0), st.floats(0.3, 1.0)).map(sorted),
    placement=st.sampled_from(["even", "uniform"]),
    min_context=st.none() | st.integers(1, 100),
    seed=st.integers(0, 2**32),
)
def test_no_grid_is_so_small_that_targets_leak_into_the_context(
    rows, columns, num_masks, mask_scale, aspect_ratio, context_scale, placement, min_context, seed
):
    try:
        masking = MultiBlockMasking(
            (rows, columns),
            num_masks=num_masks,
            mask_scale=tuple(mask_scale),
            aspect_ratio=tuple(aspect_ratio),
            context_scale=tuple(context_scale),
            placement=placement,
            min_context=min_context,
        )
    except ValueError:
        assume(False)
    masks = masking(16, seeded(seed))
    assert masks.target_BHW.shape == masks.eligible_BHW.shape == (16, rows, columns)
    assert not (masks.seen_BHW & masks.target_BHW).any()
    assert torch.equal(masks.seen_BHW, masks.eligible_BHW)
    assert masks.target_BHW.any(dim=(1, 2)).all()
    assert masks.seen_BHW.sum(dim=(1, 2)).min() >= masking.min_context


# What the arguments mean.


@pytest.mark.parametrize("grid", [(14, 14), (28, 7), (7, 28)])
@pytest.mark.parametrize("scale", [0.1, 0.2, 0.4])
@pytest.mark.parametrize("aspect", [0.1, 0.75, 1.0, 1.5, 10.0])
def test_a_target_block_has_the_asked_area_to_within_half_its_longer_side(grid, scale, aspect):
    masking = MultiBlockMasking(
        grid, num_masks=1, mask_scale=(scale, scale), aspect_ratio=(aspect, aspect)
    )
    target_BHW = masking(8, seeded()).target_BHW
    height, width = block_sizes(target_BHW)
    assert torch.equal(height * width, target_BHW.sum(dim=(1, 2)))  # it is a full rectangle
    off = (height * width - scale * grid[0] * grid[1]).abs()
    assert (off <= torch.maximum(height, width) / 2).all()


@pytest.mark.parametrize("aspect", [0.75, 1.0, 1.5])
def test_a_target_block_has_the_asked_height_over_width(aspect):
    masking = MultiBlockMasking((64, 64), num_masks=1, aspect_ratio=(aspect, aspect))
    height, width = block_sizes(masking(64, seeded()).target_BHW)
    assert torch.allclose(height / width, torch.tensor(aspect), rtol=0.07)  # half a patch in 20
    assert (height / width).mean() == pytest.approx(aspect, rel=0.01)


@pytest.mark.parametrize("grid", [(14, 14), (28, 7), (7, 28), (16, 4)])
def test_the_context_block_has_the_asked_area_on_tall_and_on_wide_grids(grid):
    masking = MultiBlockMasking(
        grid, num_masks=1, mask_scale=(0.01, 0.01), aspect_ratio=(1, 1), context_scale=(0.85, 0.85)
    )
    height, width = block_sizes(masking(16, seeded()).eligible_BHW)
    off = (height * width - 0.85 * grid[0] * grid[1]).abs()
    assert (off <= torch.maximum(height, width) / 2).all()


def test_images_have_as_many_target_blocks_as_asked_where_there_is_room():
    masking = MultiBlockMasking((64, 64), num_masks=3, mask_scale=(0.001, 0.001))
    blocks = masking(64, seeded()).target_BHW.sum(dim=(1, 2))
    assert blocks.max() == 3 * 4  # of 2 x 2 patches; they may overlap
    assert (blocks == 12).double().mean() > 0.9


def test_blocks_are_given_up_until_enough_context_is_left():
    free = MultiBlockMasking((6, 6), num_masks=6, mask_scale=(0.2, 0.25), min_context=1)
    held = MultiBlockMasking((6, 6), num_masks=6, mask_scale=(0.2, 0.25), min_context=14)
    free_masks, held_masks = free(512, seeded()), held(512, seeded())
    enough_B = free_masks.eligible_BHW.sum(dim=(1, 2)) >= 14
    assert 0 < enough_B.sum() < 512
    assert torch.equal(free_masks.target_BHW[enough_B], held_masks.target_BHW[enough_B])
    assert not (held_masks.target_BHW & ~free_masks.target_BHW).any()
    assert held_masks.eligible_BHW.sum(dim=(1, 2)).min() >= 14


def test_a_block_larger_than_those_of_the_extreme_aspect_ratios_is_reckoned_with():
    # 7.6 patches are 2 x 4 or 4 x 2 at the ends of the range, and 3 x 3 in the middle.
    odd = {"num_masks": 1, "mask_scale": (0.2111, 0.2111), "aspect_ratio": (0.5, 2.0)}
    with pytest.raises(ValueError, match="target block of 9 of 36"):
        MultiBlockMasking((6, 6), **odd, context_scale=(1.0, 1.0), min_context=28)
    masks = MultiBlockMasking((6, 6), **odd, context_scale=(1.0, 1.0), min_context=27)(99, seeded())
    assert masks.eligible_BHW.sum(dim=(1, 2)).min() == 27


def test_an_eighth_of_the_grid_is_left_as_context_by_default():
    assert MultiBlockMasking((14, 14)).min_context == 24
    assert MultiBlockMasking((2, 2)).min_context == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"grid_size": (1, 4)}, "got a grid of 1 x 4"),
        ({"grid_size": (4, 1)}, "got a grid of 4 x 1"),
        ({"num_masks": 0}, "and 0 blocks"),
        ({"mask_scale": (0.0, 0.2)}, r"mask_scale, got \(0.0, 0.2\)"),
        ({"mask_scale": (0.3, 0.2)}, r"mask_scale, got \(0.3, 0.2\)"),
        ({"mask_scale": (0.2, 1.1)}, r"mask_scale, got \(0.2, 1.1\)"),
        ({"context_scale": (0.0, 1.0)}, r"context_scale, got \(0.0, 1.0\)"),
        ({"context_scale": (0.9, 0.8)}, r"context_scale, got \(0.9, 0.8\)"),
        ({"context_scale": (0.9, 1.1)}, r"context_scale, got \(0.9, 1.1\)"),
        ({"aspect_ratio": (0.0, 1.0)}, r"aspect_ratio, got \(0.0, 1.0\)"),
        ({"aspect_ratio": (2.0, 1.0)}, r"aspect_ratio, got \(2.0, 1.0\)"),
        ({"aspect_ratio": (float("nan"), 1.0)}, "aspect_ratio, got"),
        ({"mask_scale": (1.0, 1.0)}, "target block of 196 of 196 patches"),
        ({"min_context": 0}, "min_context=0"),
        ({"min_context": 160}, "min_context=160"),
        ({"context_scale": (0.1, 0.2)}, "min_context=24 patches, got one of 20"),
    ],
)
def test_a_bad_argument_is_named_with_its_value(arguments, message):
    with pytest.raises(ValueError, match=message):
        MultiBlockMasking(**{"grid_size": (14, 14)} | arguments)


# Reproducibility.


def all_tensors(masks):
    parts = [masks.eligible_BHW, masks.target_BHW]
    for selection in (masks.context, masks.target):
        parts += [selection.index_BM, selection.valid_BM]
    return parts


def test_masks_are_a_function_of_the_state_of_the_generator_alone():
    masking = MultiBlockMasking((14, 14))
    first = masking(16, seeded(3))
    torch.rand(100)
    masking(5, seeded(4))
    again = masking(16, seeded(3))
    assert all(map(torch.equal, all_tensors(first), all_tensors(again)))
    assert not torch.equal(first.target_BHW, masking(16, seeded(4)).target_BHW)


def test_the_next_batch_of_a_generator_has_other_masks():
    masking, generator = MultiBlockMasking((14, 14)), seeded()
    first, second = (masking(16, generator) for _ in range(2))
    assert not torch.equal(first.target_BHW, second.target_BHW)


# Selections.


@settings(deadline=None, max_examples=80)
@given(
    st.integers(1, 12).flatmap(
        lambda n: st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=1, max_size=5)
    )
)
def test_a_selection_packs_as_a_slow_loop_does(rows):
    index, valid = reference.pack(rows)
    selection = Selection.of(torch.tensor(rows))
    assert selection.index_BM.tolist() == index
    assert selection.valid_BM.tolist() == valid
    assert selection.index_BM.dtype == torch.int64


def test_a_selection_of_a_large_grid_is_in_raster_order():
    mask_BN = torch.rand(4, 32 * 32, generator=seeded()) < 0.5
    selection = Selection.of(mask_BN)
    for row in range(4):
        chosen = mask_BN[row].nonzero().flatten()
        assert torch.equal(selection.index_BM[row, : len(chosen)], chosen)


def test_patch_0_is_not_seen_because_padding_repeats_it():
    eligible_BHW = torch.tensor([[[False, True], [False, False]], [[True, True], [True, False]]])
    masks = Masks.of(eligible_BHW, ~eligible_BHW[:, None])
    assert masks.context.index_BM.tolist() == [[1, 0, 0], [0, 1, 2]]
    assert masks.context.valid_BM.tolist() == [[True, False, False], [True, True, True]]
    assert torch.equal(masks.seen_BHW, eligible_BHW)


def test_what_is_seen_follows_the_selection_and_not_the_wish():
    masks = MultiBlockMasking((6, 6))(8, seeded())
    first = masks.context.index_BM[:, :3] + 36 * torch.arange(8)[:, None]
    cut = Selection(first.flatten(), Ragged.of_lengths(torch.full((8,), 3)), 36)
    masks = masks._replace(context=cut)
    assert masks.seen_BHW.sum(dim=(1, 2)).tolist() == [3] * 8


def test_moving_to_a_device_moves_every_part_and_changes_none():
    masks = MultiBlockMasking((6, 6))(8, seeded())
    assert all(part.device.type == "meta" for part in all_tensors(masks.to(torch.device("meta"))))
    moved = masks.to(torch.device("cpu"))
    assert all(map(torch.equal, all_tensors(masks), all_tensors(moved)))


@pytest.mark.parametrize(
    ("grid", "options"),
    [
        ((4, 4), {"num_masks": 2, "mask_scale": (0.2, 0.4), "aspect_ratio": (0.5, 2.0)}),
        ((14, 14), {}),
        ((8, 6), {"num_masks": 1, "mask_scale": (0.1, 0.5)}),
    ],
)
def test_no_image_is_masked_more_or_less_than_the_configured_blocks_imply(grid, options):
    masking = MultiBlockMasking(grid, **options)
    masks = masking(8_192, torch.Generator().manual_seed(0))
    shares = masks.target_BHW.float().mean(dim=(1, 2))
    low, high = masking.mask_ratio_range
    assert 0 < low <= shares.min() + 1e-6
    assert shares.max() - 1e-6 <= high < 1
    assert shares.min() < low + 0.1  # and the bounds are no wider than they need be
