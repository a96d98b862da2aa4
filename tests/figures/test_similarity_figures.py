import numpy as np
import pytest
import torch

from sightline.figures import plot_gram_triptych, plot_patch_difficulty, plot_similarity_heatmap
from sightline.figures.patch_difficulty import _lowest
from tests.figures.legibility import assert_legible, pixels, share_near, texts_of

VIOLET, YELLOW = "#440154", "#FDE725"
IMAGES = np.random.default_rng(0).random((4, 3, 8, 8)).astype(np.float32)
COSINE = np.full((4, 4, 4), np.nan, np.float32)
COSINE[:, 0] = np.linspace(-0.5, 1.0, 16).reshape(4, 4)


def test_each_image_has_the_mean_of_its_scored_patches():
    figure = plot_similarity_heatmap(IMAGES, COSINE)
    means = COSINE[:, 0].mean(axis=1)
    expected = [f"mean {mean:.2f}".replace("-", "\N{MINUS SIGN}") for mean in means]
    assert texts_of(figure)[:4] == expected
    assert_legible(figure)


def test_patches_are_coloured_where_they_are_scored_and_grey_elsewhere():
    cosine = np.full((1, 4, 4), np.nan)
    cosine[0, 0] = 1.0
    picture = pixels(plot_similarity_heatmap(IMAGES[:1], cosine))
    heat = picture[236:456, 220:440]  # below the image, in the middle
    is_coloured = np.ptp(heat, axis=-1) > 60
    assert is_coloured[5:50].all()
    assert not is_coloured[60:].any()
    assert np.ptp(heat[60:]) > 20  # the image shines through


def test_similarities_below_zero_look_like_zero_and_colours_do_not_depend_on_the_data():
    def draw(value):
        return pixels(plot_similarity_heatmap(IMAGES[:1], np.full((1, 4, 4), value)))[:450]

    assert np.array_equal(draw(-0.7), draw(0.0))
    assert not np.array_equal(draw(0.4), draw(0.5))


@pytest.mark.parametrize("num_images", [1, 2, 4, 8])
def test_numbers_fit_below_any_number_of_images_even_without_a_score(num_images):
    images = np.zeros((num_images, 1, 8, 16))
    figure = plot_similarity_heatmap(images, np.full((num_images, 4, 8), np.nan), max_images=8)
    assert sum("n/a" in text for text in texts_of(figure)) == num_images
    assert_legible(figure)


def test_torch_in_half_precision_gives_the_figures_of_numpy():
    images, cosine = (torch.tensor(array).bfloat16() for array in (IMAGES, COSINE))
    for plot in (plot_similarity_heatmap, plot_patch_difficulty):
        expected = plot(images.float().numpy(), cosine.float().numpy())
        assert np.array_equal(pixels(plot(images, cosine)), pixels(expected))


@pytest.mark.parametrize("plot", [plot_similarity_heatmap, plot_patch_difficulty])
def test_similarities_that_do_not_fit_are_refused(plot):
    with pytest.raises(ValueError, match="multiples of the patch grid"):
        plot(IMAGES, COSINE[:, :3])
    with pytest.raises(ValueError, match="reshape flat ones"):
        plot(IMAGES, COSINE.reshape(4, 16))
    with pytest.raises(ValueError, match="not empty"):
        plot(IMAGES[:0], COSINE[:0])


def test_the_hardest_come_in_order_and_every_image_before_any_second_one():
    image, row, column = _lowest(COSINE).T
    values = COSINE[image, row, column]
    assert sorted(image.tolist()) == [0, 0, 1, 2, 3]
    assert values.tolist() == sorted(values.tolist())
    assert values[0] == COSINE[0, 0, 0]
    assert values[1] == COSINE[0, 0, 1]


def test_hardest_and_easiest_patches_stand_with_their_cosines():
    figure = plot_patch_difficulty(IMAGES, COSINE)
    texts = texts_of(figure)
    assert texts[:3] == ["hardest", "cosine", "\N{MINUS SIGN}0.50"]
    assert texts[7:10] == ["easiest", "cosine", "1.00"]
    assert len(figure.axes[0].images) == 10
    assert_legible(figure)


def test_the_crop_holds_the_patch_and_stays_inside_the_image():
    image = np.zeros((1, 3, 8, 8), np.float32)
    image[0, 0, :2, 6:] = 1.0  # the corner patch is red
    cosine = np.full((1, 4, 4), np.nan)
    cosine[0, 0, 3] = 0.5
    for surround in (0, 1, 9):
        crop = plot_patch_difficulty(image, cosine, surround=surround).axes[0].images[0].get_array()
        assert crop[..., 0].sum() == 4
        assert crop.shape[0] == 2 * min(4, 2 * surround + 1)


def test_no_score_is_said_and_a_negative_surround_refused():
    figure = plot_patch_difficulty(IMAGES, COSINE * np.nan)
    assert texts_of(figure).count("no patch has a score") == 2
    assert_legible(figure)
    with pytest.raises(ValueError, match="0 patches or more"):
        plot_patch_difficulty(IMAGES, COSINE, surround=-1)


def test_equal_grams_differ_nowhere_and_share_one_scale():
    gram = np.eye(8)
    figure = plot_gram_triptych(gram, gram)
    prediction, target, difference = (
        figure.axes[0].images[index].get_array() for index in (0, 1, 2)
    )
    assert np.array_equal(prediction, target)
    assert (difference[..., :3] > 0.99).all()
    assert texts_of(figure)[-1] == "mean absolute difference 0"
    assert_legible(figure)


def test_the_scale_spans_both_grams():
    figure = plot_gram_triptych(np.full((4, 4), -1.0), np.full((4, 4), 3.0))
    assert {"\N{MINUS SIGN}1", "3", "\N{MINUS SIGN}4", "4"} <= set(texts_of(figure))
    picture = pixels(figure)
    assert share_near(picture[40:230, 10:200], VIOLET) > 0.9
    assert share_near(picture[40:230, 225:410], YELLOW) > 0.9


@pytest.mark.parametrize("value", [0.0, 1.0, 123456.0, -1e20, np.nan, np.inf])
def test_constant_and_broken_grams_are_drawn(value):
    figure = plot_gram_triptych(np.full((5, 5), value), np.full((5, 5), value))
    assert_legible(figure)


def test_grams_that_are_not_two_squares_are_refused():
    for prediction, target in ((np.eye(3), np.eye(4)), (np.ones((3, 4)), np.ones((3, 4)))):
        with pytest.raises(ValueError, match="two Gram matrices of one shape"):
            plot_gram_triptych(prediction, target)
    with pytest.raises(ValueError, match="not empty"):
        plot_gram_triptych(np.ones((0, 0)), np.ones((0, 0)))
