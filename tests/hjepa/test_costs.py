"""The work of a model is counted with all its parts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from sightline.hjepa import HJEPAConfig, Standardize, create_masking
from sightline.hjepa.build import assemble
from sightline.hjepa.costs import measure_costs


def test_the_target_encoder_costs_its_linear_layers_and_its_attention(
    tiny_config: Callable[..., HJEPAConfig],
) -> None:
    config = tiny_config("model.depth=2")
    model = assemble(config, Standardize(torch.full((1,), 0.5), torch.full((1,), 0.3)))
    size = config.data.image_size
    costs = measure_costs(model, create_masking(config, model.grid_size), (1, size, size))
    N, D, patch = (size // config.model.patch_size) ** 2, 16, config.model.patch_size**2
    linear, attention = 2 * 12 * N * D**2, 2 * 2 * N**2 * D
    expected = 2 * (linear + attention) + 2 * N * D * patch
    assert costs.forward_flops["target_encoder"] == pytest.approx(expected)
    trained = sum(costs.forward_flops.values()) - expected
    assert costs.step_flops == pytest.approx(expected + 3 * trained)
