"""The training thread waits for no device, but where the projector is filled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from sightline.callbacks import Monitor
from sightline.diagnostics import gradients
from sightline.hjepa import HJEPAConfig, HJEPATrainer
from sightline.hjepa.selection import Masks
from sightline.writers import scalars
from tests.hjepa.host_reads import HostReads

MakeConfig = Callable[..., HJEPAConfig]
NEVER = 1_000_000
SETTINGS = (
    "training.epochs=1",
    "training.warmup_epochs=0",
    "evaluation.eval_frequency=1",
    "logging.tensorboard.enabled=false",
)
NUMBERS = ("log", "monitor", "gradient", "quality", "histogram")


class WatchedTrainer(HJEPATrainer):
    """Notes what the host reads in each step."""

    def watch(self) -> HostReads:
        self.reads = HostReads()
        self.reads.put_on_device([*self.model.parameters(), *self.model.buffers()])
        self.by_step: list[list[str]] = []
        return self.reads

    def _optimizer_step(self, micro_batches: Sequence[Any]) -> None:
        self.reads.put_on_device(tensor for batch in micro_batches for tensor in batch)
        with self.reads:
            super()._optimizer_step(micro_batches)
        self.by_step.append(self.reads.found)
        self.reads.found = []

    def evaluate(self) -> dict[str, float]:
        return {"linear_probe_accuracy": 0.0}


@pytest.fixture
def reads_of(tiny_config: MakeConfig, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What the host reads in each step of a run whose tensors stand for those on a device."""

    def train(*overrides: str) -> list[list[str]]:
        trainer: Any = WatchedTrainer.from_config(tiny_config(*SETTINGS, *overrides))
        assert sum(isinstance(callback, Monitor) for callback in trainer.callbacks) >= 13
        reads, move = trainer.watch(), Masks.to

        def to(masks: Masks, device: torch.device) -> Masks:
            moved = move(masks, device)
            reads.put_masks_on_device(moved)
            return moved

        monkeypatch.setattr(Masks, "to", to)
        # Both look at tensors at once where they lie on the host; here they are to believe not.
        monkeypatch.setattr(scalars, "HOSTS", frozenset())
        monkeypatch.setattr(gradients, "is_torch_array", lambda array: False)
        trainer.train()
        by_step: list[list[str]] = trainer.by_step
        return by_step

    return train


@pytest.mark.parametrize(
    "settings",
    [
        (),
        (
            "model.target_encoder=shared",
            "model.projection.dim=8",
            "loss.regularization.type=sigreg",
        ),
    ],
)
def test_steps_on_which_nothing_is_due_read_nothing_of_the_device(
    reads_of: Any, settings: tuple[str, ...]
) -> None:
    rare = (f"logging.{name}_frequency={NEVER}" for name in (*NUMBERS, "figure"))
    first, *others = reads_of(*rare, f"logging.system_seconds={NEVER}", *settings)
    assert len(others) >= 4
    assert others == [[]] * len(others)
    assert first  # on which all is due


def test_numbers_and_histograms_read_nothing_of_the_device_either(reads_of: Any) -> None:
    often = (f"logging.{name}_frequency=1" for name in NUMBERS)
    drawn, *read = reads_of(*often, f"logging.figure_frequency={NEVER}", "training.clip_grad=0.1")
    assert read == [[]] * len(read)
    sources = {where.rpartition(" in ")[2].partition(":")[0] for where in drawn}
    assert sources == {"evaluation.py"}  # what the projector shows is read where it is computed


@pytest.mark.parametrize(
    "read",
    [
        float,
        bool,
        torch.Tensor.item,
        torch.Tensor.tolist,
        torch.Tensor.cpu,
        np.asarray,
        torch.nonzero,
        lambda x: x[x > 0],
        lambda x: x.masked_select(x > 0),
        lambda x: torch.equal(x, x),
    ],
)
def test_every_kind_of_read_would_be_found(read: Callable[[torch.Tensor], Any]) -> None:
    host, device = torch.tensor([0.5]), torch.tensor([1.5])
    with HostReads() as reads:
        reads.put_on_device([device])
        read(host)
        assert reads.found == []
        computed = host.clone()
        computed[:1].copy_(2 * device)
        read(computed)
        assert reads.found
