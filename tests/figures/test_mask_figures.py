import numpy as np
import pytest
import torch

from sightline.figures import (
    animate_masking_process,
    compare_masking_strategies,
    plot_mask_geometry,
    plot_masking_statistics,
    style,
    visualize_multi_block_masking,
)
from sightline.figures.sheet import TIMES
from tests.figures.legibility import assert_legible, pixels, share_near, texts_of

IMAGES = np.random.default_rng(0).random((4, 1, 8, 8)).astype(np.float32)
HALF = np.broadcast_to(np.arange(16).reshape(4, 4) < 8, (4, 4, 4))


def block(top, left, height=2, width=2):
    mask = np.zeros((4, 4), bool)
    mask[top : top + height, left : left + width] = True
    return mask


BLOCKS = np.stack([block(0, 0), block(2, 2), block(0, 2, 1, 2)])
CONTEXT = ~BLOCKS.any(axis=0)


def test_each_strategy_has_its_name_its_numbers_and_three_pictures():
    figure = compare_masking_strategies({"a": (~HALF, HALF), "b": (HALF, HALF)}, IMAGES)
    assert texts_of(figure)[:9] == [
        "a", "50 %", "predicted", "50 %", "seen", "0 %", "neither", "0 %", "leaked targets",
    ]  # fmt: skip
    assert texts_of(figure)[-2:] == ["100 %", "leaked targets"]
    assert len(figure.axes[0].images) == 2 * 3 * 3  # picture and two tints
    assert_legible(figure)


def test_only_a_leak_is_coloured_as_one():
    sound = compare_masking_strategies({"a": (~HALF, HALF)}, IMAGES)
    leaking = compare_masking_strategies({"a": (HALF, HALF)}, IMAGES)
    assert share_near(pixels(sound), style.SERIES[5]) == 0
    assert share_near(pixels(leaking), style.SERIES[5]) > 0


def test_a_name_that_is_too_long_is_cut_and_ends_in_an_ellipsis():
    figure = compare_masking_strategies({"mask " * 40: (~HALF, HALF)}, IMAGES)
    assert texts_of(figure)[0].endswith("…")
    assert_legible(figure)


def test_strategies_that_are_none_or_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="at least one strategy"):
        compare_masking_strategies({}, IMAGES)
    with pytest.raises(ValueError, match="as many context as target masks for 'a'"):
        compare_masking_strategies({"a": (HALF[:3], HALF)}, IMAGES)
    with pytest.raises(ValueError, match="multiples of the patch grid"):
        compare_masking_strategies({"a": (HALF[:, :3], HALF[:, :3])}, IMAGES)


def test_each_block_has_a_colour_a_number_and_a_line():
    figure = visualize_multi_block_masking(IMAGES[0], CONTEXT, BLOCKS)
    texts = texts_of(figure)
    assert [texts.count(str(number)) for number in (1, 2, 3)] == [2, 2, 2]
    assert f"1 {TIMES} 2" in texts
    assert "12 %" in texts
    picture = pixels(figure)
    for colour in (style.ORANGE, style.GREEN, style.PURPLE, style.BLUE):
        assert share_near(picture, colour) > 0.001
    assert_legible(figure)


def test_more_blocks_than_fit_are_counted_and_an_empty_one_is_said_to_be():
    blocks = np.stack([block(row, column, 1, 1) for row in range(3) for column in range(4)])
    blocks[0] = False
    figure = visualize_multi_block_masking(IMAGES[0], ~blocks.any(axis=0), blocks)
    assert {"empty", "and 4 more"} <= set(texts_of(figure))
    assert_legible(figure)


def test_blocks_appear_one_after_another_and_the_context_last():
    frames = animate_masking_process(IMAGES[0], CONTEXT, BLOCKS, frames_per_step=2)
    assert (frames.shape, frames.dtype) == ((12, 366, 330, 3), np.uint8)
    assert np.array_equal(frames[0], frames[1])
    steps = frames[::2].astype(int)
    colours = (style.ORANGE, style.GREEN, style.PURPLE, style.BLUE)
    seen = [[share_near(step, colour) > 0.001 for colour in colours] for step in steps]
    assert seen == [
        [False, False, False, False],
        [True, False, False, False],
        [True, True, False, False],
        [True, True, True, False],
        [True, True, True, True],
        [False, False, False, True],
    ]


def test_blocks_of_another_shape_and_no_frames_are_refused():
    for draw in (visualize_multi_block_masking, animate_masking_process):
        with pytest.raises(ValueError, match=r"shape \(K, H, W\)"):
            draw(IMAGES[0], CONTEXT, BLOCKS[0])
        with pytest.raises(ValueError, match="multiples of the patch grid"):
            draw(IMAGES[0], CONTEXT[:3], BLOCKS[:, :3])
    with pytest.raises(ValueError, match="at least one frame a step"):
        animate_masking_process(IMAGES[0], CONTEXT, BLOCKS, frames_per_step=0)


@pytest.mark.parametrize("num_images", [1, 4])
def test_masks_that_never_vary_are_one_bar_at_their_share(num_images):
    figure = plot_masking_statistics(torch.tensor(HALF[:num_images].copy()), ~HALF[:num_images])
    _, predicted, _, _, both = figure.axes
    for axes, percent in ((predicted, 50), (both, 0)):
        counts, edges, _ = axes.patches[0].get_data()
        assert counts.tolist() == [num_images]
        assert edges.mean() == percent
    assert min(both.get_xticks()) == 0
    assert_legible(figure)


def test_every_image_is_counted_once_in_every_panel():
    rng = np.random.default_rng(0)
    figure = plot_masking_statistics(rng.random((99, 14, 14)) < 0.4, rng.random((99, 14, 14)) < 0.5)
    for axes in figure.axes[1:]:
        counts, edges, _ = axes.patches[0].get_data()
        assert counts.sum() == 99
        assert axes.get_xlim()[0] <= edges[0]
        assert edges[-1] <= axes.get_xlim()[1]
    assert_legible(figure)


def test_statistics_of_masks_that_differ_in_shape_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        plot_masking_statistics(HALF, HALF[:2])
    with pytest.raises(ValueError, match="at least one"):
        plot_masking_statistics(HALF[:0], HALF[:0])


def test_areas_and_aspect_ratios_are_counted_without_what_is_not_a_number():
    areas, ratios = [[4, 6, np.nan], [9, 4, 5]], [0.5, 1.0, 2.0, 0.0, np.nan]
    figure = plot_mask_geometry(areas, ratios, HALF.sum(0), IMAGES, ~HALF, HALF)
    _, area, aspect = figure.axes
    assert area.patches[0].get_data()[0].sum() == 5
    assert aspect.patches[0].get_data()[0].sum() == 3
    assert_legible(figure)


def test_positions_that_were_never_predicted_are_crossed_out():
    figure = plot_mask_geometry([4], [1.0], 7 * block(0, 0), IMAGES, ~HALF, HALF)
    (crosses,) = figure.axes[0].lines
    assert len(crosses.get_xdata()) == 12
    assert "4" in texts_of(figure)  # a quarter of the positions, so four times the mean


def test_no_blocks_and_no_coverage_are_drawn_as_that():
    nothing = np.zeros((4, 4))
    for coverage in (nothing, nothing + np.nan, nothing + 1):
        figure = plot_mask_geometry([], [np.nan], coverage, IMAGES[:1], HALF[:1], ~HALF[:1])
        assert texts_of(figure).count("no blocks") == 2
        assert_legible(figure)


def test_a_coverage_that_is_no_grid_is_refused():
    with pytest.raises(ValueError, match="coverage of shape"):
        plot_mask_geometry([4], [1.0], np.ones(16), IMAGES, HALF, ~HALF)
