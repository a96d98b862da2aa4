"""Gradients are cut to the limit, and what was cut is counted over the last hundred steps."""

from __future__ import annotations

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from sightline.training.clipping import GradientClipping

CPU = torch.device("cpu")


class Steps:
    """One weight whose gradient is set at will."""

    def __init__(self) -> None:
        self.fabric = Fabric(accelerator="cpu", devices=1)
        module = nn.Linear(1, 1, bias=False)
        self.module, self.optimizer = self.fabric.setup(
            module, torch.optim.SGD(module.parameters(), lr=0.1)
        )

    def take(self, clipping: GradientClipping, gradient: float) -> dict[str, Tensor | float]:
        self.module.weight.grad = torch.tensor([[gradient]])
        return clipping(self.fabric, self.module, self.optimizer, measure=True)


def test_what_was_clipped_is_told_exactly() -> None:
    steps, clipping = Steps(), GradientClipping(2.0, CPU)
    metrics = {name: float(value) for name, value in steps.take(clipping, 8.0).items()}
    assert metrics == {
        "gradient/global_norm_before_clip": 8.0,
        "gradient/global_norm_after_clip": 2.0,
        "gradient/was_clipped": 1.0,
        "gradient/clipping_ratio": 0.25,
        "gradient/clipping_percentage": 100.0,
    }
    assert float(steps.module.weight.grad) == pytest.approx(2.0, rel=1e-6)
    metrics = {name: float(value) for name, value in steps.take(clipping, 0.5).items()}
    assert metrics["gradient/clipping_ratio"] == 1.0
    assert metrics["gradient/global_norm_after_clip"] == 0.5
    assert metrics["gradient/clipping_percentage"] == 50.0


def test_the_share_forgets_what_is_more_than_a_hundred_steps_ago() -> None:
    steps, clipping = Steps(), GradientClipping(1.0, CPU)
    for gradient in [2.0] * 100 + [0.5] * 30:
        metrics = steps.take(clipping, gradient)
    assert float(metrics["gradient/clipping_percentage"]) == pytest.approx(70.0)


def test_the_share_goes_on_after_a_resume() -> None:
    steps, first, second = Steps(), GradientClipping(1.0, CPU), GradientClipping(1.0, CPU)
    steps.take(first, 2.0)
    second.load_state_dict(first.state_dict())
    assert float(steps.take(second, 0.5)["gradient/clipping_percentage"]) == 50.0


def test_without_a_limit_the_norm_is_measured_and_nothing_cut() -> None:
    steps, clipping = Steps(), GradientClipping(None, CPU)
    metrics = steps.take(clipping, 8.0)
    assert float(metrics["gradient/global_norm_after_clip"]) == 8.0
    assert float(metrics["gradient/clipping_percentage"]) == 0.0
    assert float(steps.module.weight.grad) == 8.0


def test_without_a_limit_and_without_interest_nothing_is_done() -> None:
    steps, clipping = Steps(), GradientClipping(None, CPU)
    assert clipping(steps.fabric, steps.module, steps.optimizer, measure=False) == {}
