"""The head between features and what their regulariser looks at."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sightline.hjepa.projector import Projector


def create(**changes: int) -> Projector:
    torch.manual_seed(0)
    return Projector(6, **{"dim": 4, "hidden_dim": 8, "depth": 3, **changes})


def features(num: int = 5) -> torch.Tensor:
    return torch.randn(num, 6, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_there_are_as_many_linear_maps_as_asked_for(depth: int) -> None:
    projector = create(depth=depth)
    maps = [one for one in projector.modules() if isinstance(one, nn.Linear)]
    assert sorted(one.in_features for one in maps) == [6, *[8] * (depth - 1)]
    assert projector.last in maps
    assert projector(features()).shape == (5, 4)


def test_the_scale_of_projections_is_free() -> None:
    projector, x = create(), features(64)
    before = projector(x)
    with torch.no_grad():
        projector.last.weight.mul_(0.01)
    assert torch.allclose(projector(x), 0.01 * before, atol=1e-6)


def test_an_image_is_projected_alike_in_any_company() -> None:
    projector, x = create(), features()
    assert torch.allclose(projector(x)[:1], projector(x[:1]), atol=1e-6)
