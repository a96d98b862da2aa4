"""Two faults that no loss shows: pixels that are prepared wrongly, and targets with a gradient."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from sightline.callbacks import EMAMonitor, InputMonitor
from sightline.hjepa import Standardize


class Kept:
    """A logger that keeps the numbers."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def log_metrics(self, values: Any, *, step: int) -> None:
        self.values |= {tag: float(value) for tag, value in values.items()}


def trainer_with(images: Any = None) -> Any:
    return SimpleNamespace(step=1, logger=Kept(), outputs=SimpleNamespace(images_BCHW=images))


# Uniform between 0.3 and 0.7: the mean is 0.5, the deviation 0.4 / sqrt(12).
@pytest.mark.parametrize(
    ("scale", "mean", "std"), [(1.0, 0.0, 1.0), (0.1, (0.05 - 0.5) / (0.4 / 12**0.5), 0.1)]
)
def test_pixels_are_those_that_the_encoder_works_on(scale: float, mean: float, std: float) -> None:
    images = torch.rand(8, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 0.4 + 0.3
    trainer = trainer_with(images * scale)
    InputMonitor(Standardize.fit(images)).read(trainer, {})
    assert trainer.logger.values["input/pixel_mean"] == pytest.approx(mean, abs=0.05)
    assert trainer.logger.values["input/pixel_std"] == pytest.approx(std, abs=0.01)


def test_a_gradient_in_the_average_is_measured_and_none_is_0() -> None:
    average, trained = torch.nn.Linear(2, 1, bias=False), torch.nn.Linear(2, 1, bias=False)

    def measured() -> float:
        trainer = trainer_with()
        monitor = EMAMonitor(
            lambda: (
                {"weight": average.weight.detach()},
                {"weight": trained.weight.detach()},
            ),
            gradients=lambda: {} if average.weight.grad is None else {"w": average.weight.grad},
        )
        monitor.read(trainer, {})
        return trainer.logger.values["ema/target_gradient_norm"]

    assert measured() == 0
    average(torch.tensor([[3.0, 4.0]])).sum().backward()
    assert measured() == pytest.approx(5)
