from __future__ import annotations

import numpy as np
import pytest

from sightline.writers.grid import GAP, LINE_HEIGHT, compose
from sightline.writers.pixels import render


def picture(value: int, *shape: int) -> np.ndarray:
    return np.full(shape, value, np.uint8)


def test_a_single_picture_stays_as_it_is() -> None:
    alone = picture(3, 4, 5, 3)
    assert compose([alone]) is alone


def test_every_picture_stands_in_its_cell() -> None:
    grid = compose([picture(10 * i, 4, 6, 1) for i in range(5)])
    assert grid.shape == (2 * 4 + GAP, 3 * 6 + 2 * GAP, 1)
    for index in range(5):
        row, column = divmod(index, 3)
        top, left = row * (4 + GAP), column * (6 + GAP)
        assert (grid[top : top + 4, left : left + 6] == 10 * index).all()
    assert (grid[:, 6 : 6 + GAP] == 255).all()
    assert (grid[4 + GAP :, 2 * (6 + GAP) :] == 255).all(), "the sixth cell is empty"


def test_pictures_of_any_size_and_colour_go_together() -> None:
    grid = compose([picture(7, 2, 3, 1), picture(9, 5, 4, 3)])
    assert grid.shape == (5, 2 * 4 + GAP, 3)
    assert grid[0, 0].tolist() == [7, 7, 7]
    assert grid[4, 4 + GAP].tolist() == [9, 9, 9]
    assert compose([picture(7, 2, 3, 4), picture(9, 5, 4, 3)]).shape[-1] == 4


def test_a_caption_is_a_line_below_its_picture_and_covers_none() -> None:
    grid = compose([picture(9, 8, 80, 3)] * 2, ["cat", "a dog"])
    assert grid.shape == (8 + LINE_HEIGHT, 160 + GAP, 3)
    assert (grid[:8, :80] == 9).all()
    for left in (0, 80 + GAP):
        below = grid[8:, left : left + 80]
        assert below.min() < 100 < below.max()


def test_a_long_caption_widens_the_cell() -> None:
    assert compose([picture(9, 8, 8, 1)], ["rather a long caption"]).shape[1] > 60


@pytest.mark.parametrize("caption", ["", "two\nlines", "größe 损失"])
def test_any_caption_can_be_drawn(caption: str) -> None:
    (pixels,), line = render((picture(9, 8, 8, 1),), (caption,))
    assert pixels.shape[0] == 8 + LINE_HEIGHT
    assert line == caption


def test_an_array_with_one_axis_more_holds_several_pictures() -> None:
    batch = np.stack([picture(0, 5, 5, 3), picture(9, 5, 5, 3)])
    assert render(batch)[0][0].shape == (5, 10 + GAP, 3)
    assert render(batch[..., 0], layout="HW")[0][0].shape == (5, 10 + GAP, 1)


def test_samples_are_not_drawn_as_one() -> None:
    batch = np.zeros((2, 5, 5, 3), np.uint8)
    samples, line = render(batch, ("a", "b"), is_grid=False)
    assert [sample.shape[0] for sample in samples] == [5 + LINE_HEIGHT] * 2
    assert line == "a | b"


def test_samples_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="expected samples of one size"):
        render((picture(9, 8, 8, 1), picture(9, 8, 9, 1)), is_grid=False)
