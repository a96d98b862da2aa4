"""Short trainings, read back from what they wrote.

Each run is trained when it is first asked for, logged with `MetricsLogger`, and read back from its
event files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import sightline
from faults import BASE, RUNS, Settings
from sightline.callbacks import (
    Callback,
    CollapseMonitor,
    EMAMonitor,
    GradientMonitor,
    HierarchyMonitor,
    LossMonitor,
    MaskingMonitor,
    PredictionMonitor,
    QualityMonitor,
    StabilityMonitor,
    ThroughputMonitor,
)
from sightline.hjepa import HJEPAConfig, HJEPATrainer, load_images

CLOSE = 10  # steps between readings


@dataclass(frozen=True)
class Result:
    """A finished run.

    Args:
        trainer: With the trained model.
        scalars: What its event files hold, by tag.
    """

    trainer: HJEPATrainer
    scalars: Mapping[str, Any]

    def __getitem__(self, tag: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Steps and values of a tag."""
        series = self.scalars[tag]
        return np.asarray(series.steps, float), np.asarray(series.values, float)

    def last(self, tag: str) -> float:
        """The last value of a tag."""
        return float(self[tag][1][-1])


@cache
def logs() -> tempfile.TemporaryDirectory[str]:
    """The folder of all runs, which goes away at the end."""
    return tempfile.TemporaryDirectory()


@cache
def result(name: str) -> Result:
    """Train a run, the first time, and read it back.

    Args:
        name: A key of `RUNS`.

    Returns:
        The trainer and the scalars.
    """
    fault = RUNS[name]
    place = {"logging": {"experiment_name": name, "log_dir": logs().name}}
    settings = merged(merged(BASE, fault.changes), place)
    config = HJEPAConfig.model_validate(settings)
    callbacks: list[Callback] = [
        MaskingMonitor(every=CLOSE, figures_every=None),
        HierarchyMonitor(every=CLOSE, figures_every=None),
        PredictionMonitor(
            lambda target: trainer.loss_fn.normalize(target), every=CLOSE, figures_every=None
        ),
        LossMonitor(config.loss.hierarchy_weights, every=5),
        CollapseMonitor(every=CLOSE),
        EMAMonitor(
            lambda: (
                dict(trainer.model.target_encoder.named_parameters()),
                dict(trainer.model.context_encoder.named_parameters()),
            ),
            every=CLOSE,
        ),
        GradientMonitor(every=CLOSE),
        StabilityMonitor(every=5),
    ]
    if fault.is_judged:
        callbacks.append(QualityMonitor(every=3 * CLOSE))
    callbacks.append(ThroughputMonitor(every=5))
    trainer = fault.trainer.from_config(config, callbacks=callbacks)
    trainer.train()
    return Result(trainer, sightline.read(logs().name)[name].scalars)


def merged(settings: Settings, changes: Settings) -> dict[str, Any]:
    """Settings with some of them changed, section by section."""
    both = {**settings, **changes}
    for key in settings.keys() & changes.keys():
        if isinstance(settings[key], Mapping):
            both[key] = merged(settings[key], changes[key])
    return both


@cache
def digits() -> torch.Tensor:
    """The 1,437 training images, (B, 1, 8, 8), uint8."""
    train, _ = load_images(HJEPAConfig.model_validate(BASE).data)
    return train.images_NCHW


@cache
def features(name: str) -> Any:
    """Features of all training digits, (N, D), of a run's target encoder."""
    model = result(name).trainer.model
    with torch.no_grad():
        return model.extract_features(digits())
