import io
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from sightline.figures import (
    visualize_context_target_regions,
    visualize_masked_image,
    visualize_masking_strategy,
)
from sightline.figures.style import new_figure

BLUE, ORANGE = (0, 114, 178), (230, 159, 0)


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    images = rng.random((5, 1, 8, 8)).astype(np.float32)
    target = rng.random((5, 4, 4)) < 0.4
    return images, ~target & (rng.random((5, 4, 4)) < 0.8), target


def pixels(figure):
    png = io.BytesIO()
    figure.savefig(png, format="png")
    return np.asarray(Image.open(png).convert("RGB")).astype(int)


def share_near(picture, colour):
    return np.mean(np.abs(picture - colour).max(axis=-1) < 12)


def test_the_figure_shows_four_rows_for_each_image_up_to_the_maximum(batch):
    pictures_and_tints_an_image = 4 + 2
    for max_images, num_shown in ((4, 4), (2, 2), (99, 5)):
        (sheet,) = visualize_masking_strategy(*batch, max_images=max_images).axes
        assert len(sheet.images) == num_shown * pictures_and_tints_an_image


def test_the_rows_are_named(batch):
    figure = visualize_masking_strategy(*batch)
    texts = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert [text for text in texts if text] == [
        "image", "context", "is seen", "target", "is predicted", "both", "overlaid",
    ]  # fmt: skip


def test_the_figure_is_as_wide_as_two_cards_and_every_name_fits(batch):
    figure = visualize_masking_strategy(*batch)
    height, width, _ = pixels(figure).shape
    assert 600 <= width <= 720
    assert height <= width
    for axes in figure.axes:
        for text in axes.texts:
            assert text.get_window_extent().x0 >= 0


def test_hidden_patches_are_really_hidden(batch):
    images, _, _ = batch
    figure = visualize_masked_image(images[0], np.ones((4, 4), bool))
    same_for_other_image = visualize_masked_image(images[1], np.ones((4, 4), bool))
    assert np.array_equal(pixels(figure), pixels(same_for_other_image))
    shown = visualize_masked_image(images[0], np.zeros((4, 4), bool))
    assert not np.array_equal(pixels(shown), pixels(figure))


def test_small_images_are_not_blurred():
    image = np.zeros((1, 2, 2), np.float32)
    image[0, 0, 0] = 1.0
    picture = pixels(visualize_masked_image(image, np.zeros((2, 2), bool)))
    inside = picture[20:-20, 20:-20]
    assert np.mean((inside > 5) & (inside < 250)) < 0.02


def test_a_target_is_orange_and_lies_where_the_mask_says():
    target = np.zeros((4, 4), bool)
    target[0, 3] = True
    blank = np.ones((1, 8, 8), np.float32)
    picture = pixels(visualize_context_target_regions(blank, np.zeros((4, 4), bool), target))
    side = len(picture)
    quarters = picture[: side // 2, side // 2 :], picture[: side // 2, : side // 2]
    assert share_near(quarters[0], ORANGE) > 0.01
    assert share_near(quarters[1], ORANGE) == 0.0
    assert share_near(picture, BLUE) == 0.0


def test_torch_on_any_precision_with_gradients_gives_the_same_figure_as_numpy(batch):
    images, context, target = batch
    images = torch.tensor(images).bfloat16()
    tensors = images.clone().requires_grad_(), torch.tensor(context), torch.tensor(target)
    expected = pixels(visualize_masking_strategy(images.float().numpy(), context, target))
    assert np.array_equal(pixels(visualize_masking_strategy(*tensors)), expected)


def test_colour_images_and_single_nan_pixels_are_fine(batch):
    _, context, target = batch
    images = np.random.default_rng(1).integers(0, 255, (5, 3, 8, 12), np.uint8)
    wide = np.zeros((5, 4, 6), bool)
    visualize_masking_strategy(images, wide, ~wide).canvas.draw()
    spoiled = images[:, :, :, :8].astype(np.float32)
    spoiled[0, 0, 0, 0] = np.nan
    visualize_masking_strategy(spoiled, context, target).canvas.draw()


@pytest.mark.parametrize(
    ("image_shape", "mask_shape", "hint"),
    [
        ((5, 8, 8), (5, 4, 4), "add a batch axis"),
        ((5, 1, 8, 8), (5, 16), "patch grid"),
        ((5, 1, 8, 8), (5, 3, 3), "multiples of the patch grid"),
        ((0, 1, 8, 8), (0, 4, 4), "not empty"),
        ((5, 1, 8, 8), (2, 4, 4), "for each of the 4 images"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_proposal(image_shape, mask_shape, hint):
    mask = np.zeros(mask_shape, bool)
    with pytest.raises(ValueError, match=hint):
        visualize_masking_strategy(np.zeros(image_shape, np.float32), mask, mask)


def test_importing_the_figures_loads_no_matplotlib_and_drawing_no_pyplot():
    code = """
import sys, numpy as np
from sightline.figures import visualize_masked_image
assert "matplotlib" not in sys.modules
visualize_masked_image(np.zeros((1, 8, 8)), np.zeros((4, 4), bool))
assert "matplotlib" in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_matplotlib_is_said_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "sightline\[figures\]"'):
        new_figure(100)
