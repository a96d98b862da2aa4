"""Channels that hold the pixel's own coordinates show where each pixel was taken from."""

import math

import pytest
import torch

from sightline.hjepa.augmentation import CROP_ASPECTS, affine, draw_affine, draw_views
from sightline.hjepa.data_config import AugmentationConfig
from tests.references import augmentation as slow

SIZE, NUM = 32, 400
NOTHING = AugmentationConfig(
    rotation_degrees=0, translation=0, scale=0, shear=0, horizontal_flip=False
)
EVERYTHING = AugmentationConfig(
    crop_scale=(0.3, 1.0),
    rotation_degrees=20,
    translation=0.1,
    scale=0.2,
    shear=0.1,
    horizontal_flip=True,
)


def random_affine(images, config, generator):
    return affine(images, draw_affine(len(images), config, generator))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def measured(**changes):
    """Matrices (NUM, 2, 2) and shifts (NUM, 2), from outgoing to incoming x and y in -1 .. 1."""
    axis = (2 * torch.arange(SIZE) + 1) / SIZE - 1
    coordinates = torch.stack([axis.expand(SIZE, SIZE), axis[:, None].expand(SIZE, SIZE)])
    config = NOTHING.model_copy(update=changes)
    out = random_affine(coordinates.expand(NUM, -1, -1, -1), config, seeded())
    middle = slice(SIZE // 2 - 1, SIZE // 2 + 1)
    inner_B222 = out[:, :, middle, middle].double()
    across = inner_B222[..., 1] - inner_B222[..., 0]
    down = inner_B222[:, :, 1] - inner_B222[:, :, 0]
    matrix = torch.stack([across.mean(2), down.mean(2)], dim=2) * SIZE / 2
    return matrix, inner_B222.mean(dim=(2, 3))


def test_no_augmentation_leaves_images_as_they_are():
    images = torch.rand(5, 3, 8, 8, generator=seeded())
    assert random_affine(images, NOTHING, seeded()) is images


def test_a_mirrored_image_is_mirrored_exactly_and_half_of_them_are():
    images = torch.rand(NUM, 3, 8, 8, generator=seeded())
    config = NOTHING.model_copy(update={"horizontal_flip": True})
    out = random_affine(images, config, seeded())
    same = (out - images).abs().amax(dim=(1, 2, 3)) < 1e-6
    mirrored = (out - images.flip(3)).abs().amax(dim=(1, 2, 3)) < 1e-6
    assert (same ^ mirrored).all()
    assert mirrored.double().mean() == pytest.approx(0.5, abs=4 * 0.5 / NUM**0.5)


def test_turns_reach_the_asked_angle_to_both_sides_and_keep_sizes():
    matrix, shift = measured(rotation_degrees=15)
    assert torch.allclose(matrix @ matrix.mT, torch.eye(2).double().expand(NUM, 2, 2), atol=1e-4)
    angle = torch.atan2(matrix[:, 1, 0], matrix[:, 0, 0]) * 180 / math.pi
    assert angle.min() == pytest.approx(-15, abs=0.3)
    assert angle.max() == pytest.approx(15, abs=0.3)
    assert shift.abs().max() < 1e-4


def test_shifts_reach_the_asked_share_of_the_image_in_every_direction():
    matrix, shift = measured(translation=0.1)
    assert torch.allclose(matrix, torch.eye(2).double().expand(NUM, 2, 2), atol=1e-4)
    for direction in shift.T:
        assert direction.min() == pytest.approx(-0.2, abs=0.004)  # a tenth of -1 .. 1
        assert direction.max() == pytest.approx(0.2, abs=0.004)
    assert torch.corrcoef(shift.T)[0, 1].abs() < 4 / NUM**0.5


def test_sizes_change_by_the_asked_share_alike_in_both_directions():
    matrix, _ = measured(scale=0.2)
    assert torch.allclose(matrix[:, 0, 0], matrix[:, 1, 1], atol=1e-4)
    assert matrix[:, [0, 1], [1, 0]].abs().max() < 1e-4
    size = 1 / matrix[:, 0, 0]
    assert size.min() == pytest.approx(0.8, abs=0.005)
    assert size.max() == pytest.approx(1.2, abs=0.005)


def test_shear_moves_rows_sideways_and_leaves_them_level():
    matrix, _ = measured(shear=0.15)
    assert matrix[:, 0, 1].min() == pytest.approx(-0.15, abs=0.004)
    assert matrix[:, 0, 1].max() == pytest.approx(0.15, abs=0.004)
    matrix[:, 0, 1] = 0
    assert torch.allclose(matrix, torch.eye(2).double().expand(NUM, 2, 2), atol=1e-4)


def test_what_comes_from_outside_the_image_is_its_border():
    images = torch.ones(8, 1, 8, 8)
    config = NOTHING.model_copy(update={"translation": 1.0, "rotation_degrees": 90.0})
    assert torch.allclose(random_affine(images, config, seeded()), images)


def test_views_are_a_function_of_the_state_of_the_generator_alone():
    images = torch.rand(4, 1, 8, 8, generator=seeded())
    first = random_affine(images, EVERYTHING, seeded(3))
    torch.rand(100)
    assert torch.equal(random_affine(images, EVERYTHING, seeded(3)), first)
    assert not torch.equal(random_affine(images, EVERYTHING, seeded(4)), first)


def test_a_setting_does_not_change_the_draws_of_the_others():
    one, other = seeded(), seeded()
    draw_views(64, NOTHING, one)
    draw_views(64, EVERYTHING, other)
    assert torch.equal(one.get_state(), other.get_state())


def test_each_image_has_a_view_of_its_own_and_shape_and_range_stay():
    images = torch.rand(1, 3, 8, 8, generator=seeded()).expand(16, -1, -1, -1)
    out = random_affine(images, EVERYTHING, seeded())
    assert out.shape == images.shape
    assert out.dtype == images.dtype
    assert out.min() >= images.min() - 1e-6
    assert out.max() <= images.max() + 1e-6
    assert len(torch.unique(out.flatten(1), dim=0)) == 16


# Crops.


def crops(num=4000, scale=(0.3, 1.0)):
    views = draw_views(num, NOTHING.model_copy(update={"crop_scale": scale}), seeded())
    return views.crop_size_B2.double(), views.crop_centre_B2.double()


def test_crops_lie_inside_of_the_image_and_reach_all_of_its_sides():
    size, centre = crops()
    reach = centre.abs() + size
    assert reach.max() <= 1 + 1e-6
    for side in ((centre + size).amax(0), (size - centre).amax(0)):
        assert (side > 0.999).all()


def test_crops_have_the_asked_areas_and_aspects():
    size, _ = crops(scale=(0.2, 0.5))
    area, aspect = size.prod(dim=1), size[:, 0] / size[:, 1]
    assert area.min() == pytest.approx(0.2, abs=2e-3)
    assert area.max() == pytest.approx(0.5, abs=2e-3)
    assert aspect.min() == pytest.approx(CROP_ASPECTS[0], abs=2e-3)
    assert aspect.max() == pytest.approx(CROP_ASPECTS[1], abs=2e-3)
    # Uniform in the area and in the logarithm of the aspect: half of all fit whatever the aspect.
    assert area.mean() == pytest.approx(0.35, abs=4 * 0.3 / 12**0.5 / 4000**0.5)
    assert aspect.log().mean() == pytest.approx(0, abs=4 * 0.58 / 12**0.5 / 4000**0.5)


def test_a_crop_that_cannot_fit_is_the_whole_image():
    size, centre = crops(scale=(1.0, 1.0))
    assert (size == 1).all()
    assert (centre == 0).all()


def test_a_crop_is_seen_at_the_size_of_the_image():
    matrix, shift = measured(crop_scale=(0.3, 0.6))
    size, centre = crops(NUM, (0.3, 0.6))
    assert torch.allclose(matrix, torch.diag_embed(size), atol=1e-4)
    assert torch.allclose(shift, centre, atol=1e-4)


@pytest.mark.parametrize("shape", [(9, 9), (6, 10)])
def test_all_together_agree_with_float64_point_by_point(shape):
    images = torch.rand(12, 2, *shape, generator=seeded(), dtype=torch.float64)
    out = random_affine(images, EVERYTHING, seeded(5))
    views = draw_views(12, EVERYTHING, seeded(5))
    for number, image in enumerate(images):
        expected = slow.view(image.numpy(), views, number)
        assert out[number].numpy() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("scale", [[0, 1], [0.5, 0.4], [0.5, 1.1]])
def test_crops_that_cannot_be_are_refused(scale):
    with pytest.raises(ValueError, match="expected 0 < least <= most <= 1"):
        AugmentationConfig(crop_scale=scale)
