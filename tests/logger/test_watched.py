"""A watched model gives histograms of weights and gradients, whatever the loop looks like."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sightline import MetricsLogger
from sightline.writers import Memory


def train(logger: MetricsLogger, model: torch.nn.Module, num_steps: int) -> None:
    for step in range(num_steps):
        loss = model(torch.ones(4, 2)).square().mean()
        model.zero_grad()
        loss.backward()
        logger.log_metrics({"loss": loss}, step=step)


def test_weights_and_gradients_come_at_the_cadence(tmp_path: Path) -> None:
    memory = Memory()
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1))
    with MetricsLogger("run", tmp_path, writers=[memory]) as logger:
        logger.watch_model(model, every=3)
        train(logger, model, 7)
    tags = [written.tag for written in memory.written]
    for name, _ in model.named_parameters():
        assert tags.count(f"weights/{name}") == 3
        assert tags.count(f"gradients/{name}") == 3
    assert "run/graph" in tags


def test_a_closed_logger_lets_go_of_the_model(tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 1)
    with MetricsLogger("run", tmp_path, writers=[Memory()]) as logger:
        logger.watch_model(model, every=1)
    model(torch.ones(1, 2)).sum().backward()


def test_a_parameter_that_is_not_used_does_not_hold_up_the_count(tmp_path: Path) -> None:
    memory = Memory()
    model = torch.nn.ModuleDict({"unused": torch.nn.Linear(2, 1), "used": torch.nn.Linear(2, 1)})
    with MetricsLogger("run", tmp_path, writers=[memory]) as logger:
        logger.watch_model(model, every=2)
        for _ in range(4):
            model["used"](torch.ones(1, 2)).sum().backward()
    tags = [written.tag for written in memory.written]
    assert tags.count("gradients/used.weight") == 2


def test_what_is_no_torch_module_is_refused(tmp_path: Path) -> None:
    with MetricsLogger("run", tmp_path, writers=[Memory()]) as logger:
        with pytest.raises(TypeError, match="expected a torch module, got dict"):
            logger.watch_model({"w": 1})
        with pytest.raises(ValueError, match="at least 1 backward pass"):
            logger.watch_model(torch.nn.Linear(1, 1), every=0)
