"""What is trained: H-JEPA on the bundled digits, healthy and with a planted fault."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from sightline.hjepa import HJEPATrainer
from sightline.training.randomness import generator

Settings = Mapping[str, Any]
COLLAPSED = "no average, raw targets, high rate"
FAST = "100 x the rate, no clipping"
WIDTH, BATCH = 32, 128
BASE: Settings = {
    "device": "cpu",
    "model": {
        "embed_dim": WIDTH,
        "depth": 2,
        "predictor": {"embed_dim": 32, "depth": 1},
        "ema": {"momentum": 0.9, "momentum_end": 0.99},
    },
    "data": {
        "batch_size": BATCH,
        "augmentation": {"rotation_degrees": 0, "translation": 0, "scale": 0, "shear": 0},
    },
    "masking": {"num_masks": 2, "mask_scale": [0.2, 0.4], "aspect_ratio": [0.5, 2.0]},
    "training": {"epochs": 36, "warmup_epochs": 3, "lr": 6e-3},
    "evaluation": {"eval_frequency": 1000},
    "checkpoint": {"save_frequency": 1000},
    "logging": {"log_frequency": 5},
}
BRIEF: Settings = {"training": {"epochs": 12}}
FINE: Settings = {"model": {"patch_size": 1}, "training": {"epochs": 7, "warmup_epochs": 2}}


class ForgottenAverage(HJEPATrainer):
    """The call that moves the target encoder is lost; the momentum is logged all the same."""

    def after_optimizer_step(self) -> dict[str, Any]:
        """Leave the target encoder as it is."""
        kept = {name: w.clone() for name, w in self.model.target_encoder.state_dict().items()}
        metrics = super().after_optimizer_step()
        self.model.target_encoder.load_state_dict(kept)
        return metrics


class StuckMasks(HJEPATrainer):
    """The generator of the masks is seeded anew at every step."""

    def _random(self, stream: str) -> torch.Generator:
        return generator(0, stream) if stream == "masks" else super()._random(stream)


class JumpingRate(HJEPATrainer):
    """At each 80th step the learning rate is a hundred times what was planned."""

    def run(self) -> None:
        """Put the jumps into the schedule."""
        planned = self.learning_rate
        self.learning_rate = lambda step: planned(step) * (100 if step % 80 == 79 else 1)
        super().run()


class BlurredLevels(HJEPATrainer):
    """Patches are averaged over the whole image in each level."""

    def run(self) -> None:
        """Blur the targets."""
        sharp = self.model.encode_targets
        self.model.encode_targets = lambda images: [
            level.mean((1, 2), keepdim=True).expand_as(level) for level in sharp(images)
        ]
        super().run()


class StarvedLoader(HJEPATrainer):
    """Every batch comes 150 ms late, as from a slow disk."""

    def run(self) -> None:
        """Put the slow disk in front of the loader."""
        self.train_loader = _Late(self.train_loader)
        super().run()


class _Late:
    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def __iter__(self) -> Iterator[Any]:
        for batch in self.loader:
            time.sleep(0.15)
            yield batch


@dataclass(frozen=True)
class Fault:
    """What is done to a run.

    Args:
        changes: Settings that differ from the healthy run's.
        trainer: The trainer, where the fault is one of code.
        is_judged: Whether the quality of the features is measured on the way.
    """

    changes: Settings
    trainer: type[HJEPATrainer] = HJEPATrainer
    is_judged: bool = False


RUNS: dict[str, Fault] = {
    "healthy": Fault({}, is_judged=True),
    # No average, targets in their own scale, and a step that is too large: the targets give way.
    "collapsed": Fault(
        {
            "model": {"ema": {"momentum": 0.0, "momentum_end": 0.0}},
            "loss": {"target_norm": "none"},
            "training": {"lr": 1e-2},
        },
        is_judged=True,
    ),
    "fast": Fault({"training": {"lr": 0.6, "clip_grad": None}}, is_judged=True),
    "forgotten": Fault(BRIEF, ForgottenAverage),
    "weighted": Fault({**BRIEF, "loss": {"hierarchy_weights": [100.0, 1.0, 1.0]}}),
    "loud": Fault({**BRIEF, "loss": {"hierarchy_weights": [1024.0, 1024.0, 1024.0]}}),
    "spiky": Fault({}, JumpingRate),
    "blurred": Fault(BRIEF, BlurredLevels),
    # Trained one after the other, so that both meet the machine in the same mood.
    "fed": Fault({"training": {"epochs": 5}}),
    "starved": Fault({"training": {"epochs": 5}}, StarvedLoader),
    "fine": Fault(FINE),
    "stuck": Fault(FINE, StuckMasks),
}
