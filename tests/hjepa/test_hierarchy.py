import numpy as np
import pytest
import torch

from sightline.hjepa.hierarchy import (
    MeanFusion,
    PyramidFusion,
    level_grids,
    level_strides,
    pool,
    whole_cells,
)
from tests.references import hjepa as reference

CASES = [
    ((8, 8), (1, 2)),
    ((8, 8), (2, 2)),
    ((4, 12), (2, 4)),
    ((14, 14), (2, 2)),
    ((3, 4), (1, 1)),
]


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        ((14, 14), [(14, 14), (14, 7), (7, 7)]),
        ((8, 8), [(8, 8), (8, 4), (4, 4), (4, 2), (2, 2), (2, 1), (1, 1)]),
        ((4, 4), [(4, 4), (4, 2), (2, 2)]),
        ((5, 3), [(5, 3)]),
    ],
)
def test_each_level_has_half_as_many_cells_as_the_one_below(grid, expected):
    assert level_grids(grid, len(expected)) == expected


def test_cells_grow_across_before_they_grow_down():
    assert level_strides(5) == [(1, 1), (1, 2), (2, 2), (2, 4), (4, 4)]


@pytest.mark.parametrize(
    ("grid", "num_levels", "message"),
    [((7, 7), 2, "got 7 x 7 patches over cells of 1 x 2"), ((7, 8), 3, "cells of 2 x 2")],
)
def test_a_level_that_does_not_divide_the_grid_is_refused(grid, num_levels, message):
    with pytest.raises(ValueError, match=message):
        level_grids(grid, num_levels)


@pytest.mark.parametrize(("grid", "stride"), CASES)
def test_pooling_agrees_with_the_slow_twin(grid, stride):
    features = np.random.default_rng(0).standard_normal((2, *grid, 3))
    assert pool(torch.from_numpy(features), stride).numpy() == pytest.approx(
        reference.pool(features, stride), abs=1e-12
    )


def test_pooling_stays_on_the_grid_and_does_not_mix_rows():
    rows = torch.arange(4.0)[None, :, None, None].expand(1, 4, 6, 1)
    assert torch.equal(pool(rows, (1, 2)), rows[:, :, :3])
    assert pool(rows, (2, 2))[0, :, 0, 0].tolist() == [0.5, 2.5]


def test_the_mean_over_the_grid_is_the_same_on_every_level():
    features = torch.randn(2, 8, 8, 3, dtype=torch.float64)
    means = [pool(features, stride).mean(dim=(1, 2)) for stride in level_strides(7)]
    assert all(torch.allclose(mean, means[0]) for mean in means)


@pytest.mark.parametrize(("grid", "stride"), CASES)
def test_whole_cells_agree_with_the_slow_twin(grid, stride):
    mask = np.random.default_rng(0).random((16, *grid)) < 0.7
    cells = whole_cells(torch.from_numpy(mask), stride)
    assert cells.dtype == torch.bool
    assert np.array_equal(cells.numpy(), reference.whole_cells(mask, stride))


def test_a_cell_with_one_patch_outside_the_targets_is_not_scored():
    mask = torch.ones(1, 4, 4, dtype=torch.bool)
    mask[0, 1, 2] = False
    assert whole_cells(mask, (2, 2))[0].tolist() == [[True, False], [True, True]]
    assert (~whole_cells(mask, (1, 2))).nonzero().tolist() == [[0, 1, 1]]


# From patches to the levels that are predicted.


def some_patches(num_levels, grid=(4, 8), width=6):
    random = torch.Generator().manual_seed(0)
    target = torch.rand(3, *grid, generator=random) < 0.4
    predicted = torch.randn(3, *grid, width, generator=random) * target[..., None]
    return predicted, target, level_strides(num_levels)


def test_levels_by_the_mean_are_the_pooled_patches():
    predicted, target, strides = some_patches(3)
    for level, stride in zip(MeanFusion(strides)(predicted, target), strides, strict=True):
        assert torch.equal(level, pool(predicted, stride))


@pytest.mark.parametrize("num_levels", [1, 2, 3, 4])
def test_a_pyramid_agrees_with_the_slow_twin(num_levels):
    predicted, target, strides = some_patches(num_levels)
    torch.manual_seed(1)
    fusion = PyramidFusion(strides, 6)
    laterals = [
        (map_.weight.detach().double().numpy(), map_.bias.detach().double().numpy())
        for map_ in fusion.lateral
    ]
    expected = reference.pyramid(predicted.double().numpy(), target.numpy(), strides, laterals)
    for level, twin in zip(fusion(predicted, target), expected, strict=True):
        assert level.detach().numpy() == pytest.approx(twin, abs=1e-5)


def test_in_a_pyramid_every_finer_level_hears_of_the_coarser_ones():
    predicted, target, strides = some_patches(3)
    fusion = PyramidFusion(strides, 6)
    fusion(predicted, target)[0].sum().backward()
    assert all(map_.weight.grad.any() for map_ in fusion.lateral)
