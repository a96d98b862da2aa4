from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from PIL import Image as PilImage

from sightline.writers.pixels import check_pixel_type, picture_layout, render

GENERATOR = np.random.default_rng(0)
BYTES = GENERATOR.integers(0, 256, (5, 7, 3), dtype=np.uint8)


def pixels(picture: Any, layout: str | None = None) -> np.ndarray:
    (array,), _ = render(picture, layout=layout)
    return array


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((8, 8), "HW"),
        ((3, 3), "HW"),
        ((8, 8, 3), "HWC"),
        ((8, 8, 1), "HWC"),
        ((8, 8, 4), "HWC"),
        ((1, 28, 28), "CHW"),
        ((3, 2, 2), "CHW"),
        ((4, 8, 8), "CHW"),
    ],
)
def test_the_layout_goes_by_the_shape(shape: tuple[int, ...], layout: str) -> None:
    assert picture_layout(shape) == layout
    assert picture_layout(shape, layout) == layout


@pytest.mark.parametrize("shape", [(3, 8, 3), (1, 1, 1), (3, 3, 3), (1, 28, 1)])
def test_a_shape_that_fits_two_layouts_asks_for_one(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match='say which with layout="HWC" or layout="CHW"'):
        picture_layout(shape)
    assert picture_layout(shape, "CHW") == "CHW"


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((8, 8, 8), None),
        ((8, 8, 2), None),
        ((8,), None),
        ((2, 3, 8, 8), None),
        ((0, 8), None),
        ((8, 8, 3), "CHW"),
        ((8, 8), "HWC"),
        ((8, 8), "WH"),
    ],
)
def test_a_shape_that_fits_none_is_refused(shape: tuple[int, ...], layout: str | None) -> None:
    with pytest.raises(ValueError, match="expected"):
        picture_layout(shape, layout)


@pytest.mark.parametrize(
    ("picture", "layout"),
    [
        (BYTES, None),
        (BYTES.transpose(2, 0, 1), None),
        (BYTES / 255, None),
        ((BYTES / 255).astype(np.float32), None),
        (torch.from_numpy(BYTES).permute(2, 0, 1), None),
        (torch.from_numpy(BYTES / 255), None),
        (jnp.asarray(BYTES), None),
        (jnp.asarray(BYTES / 255), None),
        (PilImage.fromarray(BYTES), None),
        (BYTES.transpose(2, 0, 1), "CHW"),
    ],
)
def test_every_kind_of_picture_gives_the_same_pixels(picture: Any, layout: str | None) -> None:
    np.testing.assert_array_equal(pixels(picture, layout), BYTES)


def test_grey_and_transparent_pictures_keep_their_channels() -> None:
    grey = BYTES[..., 0]
    np.testing.assert_array_equal(pixels(grey), grey[..., None])
    np.testing.assert_array_equal(pixels(grey[None]), grey[..., None])
    np.testing.assert_array_equal(pixels(PilImage.fromarray(grey)), grey[..., None])
    clear = PilImage.new("RGBA", (2, 2), (1, 2, 3, 4))
    assert pixels(clear)[0, 0].tolist() == [1, 2, 3, 4]
    assert pixels(PilImage.new("P", (2, 2), 0)).shape == (2, 2, 3)
    assert pixels(PilImage.new("1", (2, 2), 1)).tolist() == [[[255]] * 2] * 2


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_keeps_black_and_white(dtype: torch.dtype) -> None:
    picture = torch.tensor([[0.0, 1.0], [0.5, 0.25]], dtype=dtype)
    assert pixels(picture)[..., 0].tolist() == [[0, 255], [128, 64]]


def test_a_mask_is_black_and_white() -> None:
    assert pixels(np.eye(2, dtype=bool))[..., 0].tolist() == [[255, 0], [0, 255]]


@pytest.mark.parametrize(
    ("worst", "got"), [(1.01, "0 to 1.01"), (-0.5, "-0.5 to 0"), (255.0, "255"), (np.nan, "1 that")]
)
def test_floats_that_are_no_pixels_are_refused(worst: float, got: str) -> None:
    picture = np.zeros((4, 4))
    picture[1, 2] = worst
    with pytest.raises(ValueError, match=f"expected pixels from 0 to 1.*{got}"):
        pixels(picture)


def test_a_rounding_error_is_no_reason_to_refuse() -> None:
    assert pixels(np.array([[1 + 1e-6, -1e-6]]))[..., 0].tolist() == [[255, 0]]


@pytest.mark.parametrize(
    "array", [np.zeros((4, 4), np.int64), torch.zeros(4, 4, dtype=torch.int32), jnp.zeros(4, int)]
)
def test_whole_numbers_other_than_bytes_are_refused(array: Any) -> None:
    with pytest.raises(ValueError, match="convert them to uint8"):
        check_pixel_type(array)
