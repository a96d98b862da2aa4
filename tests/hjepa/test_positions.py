"""Places of patches, and what a transformer is told about them."""

import math

import numpy as np
import pytest
import torch

from sightline.hjepa.positions import (
    PatchPositions,
    Rotary,
    places,
    rotary_positions,
    sincos_positions,
)
from tests.references import hjepa as reference


@pytest.mark.parametrize(("grid", "width"), [((4, 4), 16), ((2, 7), 4), ((14, 14), 48)])
def test_positions_are_the_closed_form(grid, width):
    positions = sincos_positions(grid, width)
    assert positions.dtype == torch.float32
    assert positions.numpy() == pytest.approx(reference.sincos(*grid, width), abs=1e-7)


def test_no_two_places_share_a_position():
    positions = sincos_positions((14, 14), 16)
    assert torch.cdist(positions, positions).fill_diagonal_(1.0).min() > 0.1


def test_a_width_that_cannot_hold_positions_is_refused():
    with pytest.raises(ValueError, match="got 18: use 20"):
        sincos_positions((4, 4), 18)


@pytest.mark.parametrize(("grid", "trained"), [((6, 6), (3, 3)), ((4, 10), (8, 5)), ((3, 3), None)])
def test_another_grid_covers_the_same_image(grid, trained):
    rows, columns = trained or grid
    middles = (places(grid, trained).view(*grid, 2) + 0.5).numpy()
    for row, column in np.ndindex(*grid):
        share = (row + 0.5) / grid[0], (column + 0.5) / grid[1]
        assert middles[row, column] == pytest.approx((share[0] * rows, share[1] * columns))


def test_a_patch_of_a_finer_grid_lies_between_its_neighbours_of_the_trained_one():
    coarse, fine = sincos_positions((1, 2), 32), sincos_positions((1, 6), 32, (1, 2))
    # Three columns to each: the middle one of them lies where the coarse one does.
    assert torch.allclose(fine[[1, 4]], coarse, atol=1e-6)


# Rotations.


def rotate_slowly(vector, row, column):
    """Each pair of entries of one head, turned by hand."""
    half, quarter = len(vector) // 2, len(vector) // 4
    out = np.zeros(len(vector))
    for pair in range(half):
        place = row if pair < quarter else column
        angle = place * 100.0 ** -((pair % quarter) / quarter)
        first, second = vector[pair], vector[half + pair]
        out[pair] = first * math.cos(angle) - second * math.sin(angle)
        out[half + pair] = second * math.cos(angle) + first * math.sin(angle)
    return out


def test_rotations_agree_with_the_slow_twin():
    x = torch.randn(6, 3, 8, generator=torch.Generator().manual_seed(0))
    turned = rotary_positions((2, 3), 8).rotate(x)
    for token in range(6):
        for head in range(3):
            expected = rotate_slowly(x[token, head].double().numpy(), *divmod(token, 3))
            assert turned[token, head].numpy() == pytest.approx(expected, abs=1e-6)


def test_a_product_knows_how_far_apart_two_patches_lie_and_not_where():
    rotary = rotary_positions((8, 8), 16)
    q, k = torch.randn(2, 1, 16, generator=torch.Generator().manual_seed(1))
    grid = torch.arange(64).view(8, 8)

    def product(here, there):
        return float((rotary.take(here).rotate(q) * rotary.take(there).rotate(k)).sum())

    near = product(grid[1, 1], grid[2, 4])
    assert product(grid[4, 2], grid[5, 5]) == pytest.approx(near, abs=1e-5)
    assert product(grid[2, 4], grid[1, 1]) != pytest.approx(near, abs=1e-2)


def test_rotations_keep_lengths():
    x = torch.randn(49, 2, 16)
    turned = rotary_positions((7, 7), 16).rotate(x)
    assert torch.allclose(turned.norm(dim=-1), x.norm(dim=-1), atol=1e-5)


def test_rotations_keep_the_type_of_what_they_turn():
    x = torch.randn(4, 2, 8, dtype=torch.bfloat16)
    assert rotary_positions((2, 2), 8).rotate(x).dtype == torch.bfloat16


def test_a_head_that_cannot_be_turned_is_refused():
    with pytest.raises(ValueError, match="got 6: use a width of 8 a head"):
        rotary_positions((2, 2), 6)


# What a model holds.


@pytest.mark.parametrize("kind", ["sincos", "rope"])
def test_tables_follow_the_model_and_are_not_saved(kind):
    positions = PatchPositions(kind, (2, 3), width=16, num_heads=2)
    assert positions.state_dict() == {}
    on_meta = positions.to("meta")
    for grid in ((2, 3), (4, 6)):
        embedding, rotary = on_meta(grid)
        tables = [embedding] if rotary is None else list(rotary)
        assert all(table.is_meta and len(table) == grid[0] * grid[1] for table in tables)


def test_a_model_adds_or_turns_and_never_both():
    added, turned = (PatchPositions(kind, (2, 2), 8, 1)() for kind in ("sincos", "rope"))
    assert added[1] is None
    assert torch.equal(added[0], sincos_positions((2, 2), 8))
    assert turned[0] is None
    assert isinstance(turned[1], Rotary)
    assert torch.equal(turned[1].cos, rotary_positions((2, 2), 8).cos)
