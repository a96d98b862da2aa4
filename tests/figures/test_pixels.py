import numpy as np
import pytest

from sightline.figures.pixels import as_colours


def test_uint8_and_the_same_values_as_floats_look_alike():
    images = np.arange(48, dtype=np.uint8).reshape(1, 3, 4, 4)
    np.testing.assert_allclose(as_colours(images), as_colours(images / np.float32(255)))


def test_grey_becomes_three_equal_colours():
    colours = as_colours(np.random.default_rng(0).random((2, 1, 4, 5)))
    assert colours.shape == (2, 4, 5, 3)
    assert np.array_equal(colours[..., 0], colours[..., 2])


@pytest.mark.parametrize("scale", [1.0, 3.0, 1e6])
def test_floats_of_any_range_end_up_between_black_and_white(scale):
    colours = as_colours(scale * np.random.default_rng(0).standard_normal((2, 3, 4, 4)))
    assert colours.min() == 0.0
    assert colours.max() == 1.0


def test_images_between_0_and_1_are_left_alone():
    images = np.full((1, 1, 2, 2), 0.25, np.float32)
    assert np.unique(as_colours(images)).tolist() == [0.25]
