"""What is watched while H-JEPA trains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from lightning_fabric import Fabric

from sightline.callbacks import (
    Cadence,
    Callback,
    CollapseMonitor,
    Dashboards,
    EarlyStopping,
    EMAMonitor,
    EmbeddingMonitor,
    EverySeconds,
    GradientMonitor,
    HierarchyMonitor,
    HistogramMonitor,
    InputMonitor,
    LearningRateMonitor,
    LossMonitor,
    MaskingMonitor,
    PredictionMonitor,
    ProbeMonitor,
    ProgressBarCallback,
    QualityMonitor,
    RunFacts,
    Samples,
    StabilityMonitor,
    SystemMonitor,
    ThroughputMonitor,
)
from sightline.diagnostics import peak_flops
from sightline.hjepa.config import HJEPAConfig
from sightline.hjepa.costs import measure_costs
from sightline.hjepa.encoder import VisionTransformer
from sightline.hjepa.health import health_monitors
from sightline.hjepa.loss import HierarchicalLoss
from sightline.hjepa.masks import MultiBlockMasking
from sightline.hjepa.model import HJEPAModel
from sightline.training.devices import Precision
from sightline.training.schedules import Schedule

# Process 0, where the monitors run, has but a part of each weight and gradient under fsdp.
READ_WEIGHTS = QualityMonitor, EMAMonitor, GradientMonitor, HistogramMonitor, EmbeddingMonitor
DTYPES: dict[Precision, str] = {"32": "float32", "bf16": "bfloat16", "16": "float16"}
MAX_PLANNED = 1000  # points of a drawn schedule


def create_monitors(
    config: HJEPAConfig,
    model: HJEPAModel,
    loss_fn: HierarchicalLoss,
    masking: MultiBlockMasking,
    measure: Callable[[], dict[str, float]],
    *,
    fabric: Fabric,
    steps_per_epoch: int,
    learning_rate: Schedule,
    weight_decay: Schedule,
    momentum: Schedule | None,
    samples: Callable[[], Samples],
) -> list[Callback]:
    """The monitors of a run, in the order in which they are called.

    Args:
        config: The whole configuration.
        model: The model that is trained.
        loss_fn: Its objective.
        masking: Draws its masks.
        measure: Probes the frozen encoder.
        fabric: Where the model trains; where it is in parts, what reads weights is left out.
        steps_per_epoch: Optimizer steps in an epoch.
        learning_rate: The planned learning rate.
        weight_decay: The planned weight decay.
        momentum: The planned momentum of the target encoder; None without a moving average.
        samples: Makes features of images for the Projector.

    Returns:
        The callbacks.
    """
    every = config.logging.cadences
    log_every = config.logging.log_frequency
    warmup_steps = config.training.warmup_epochs * steps_per_epoch
    total_steps = config.training.epochs * steps_per_epoch
    steps = np.linspace(0, total_steps - 1, min(total_steps, MAX_PLANNED)).astype(int)
    plans = {
        name: (steps, [schedule(step) for step in steps.tolist()])
        for name, schedule in (
            ("learning rate", learning_rate),
            ("weight decay", weight_decay),
            ("EMA momentum", momentum),
        )
        if schedule is not None
    }
    size = config.data.image_size
    costs = measure_costs(
        model, masking, (model.context_encoder.patch_embed.in_channels, size, size)
    )
    batch_and_figures = {"every": every.readings, "figures_every": every.figures}
    monitors: list[Callback] = [
        Dashboards("hjepa", num_levels=config.model.num_hierarchies),
        RunFacts(model, device=str(fabric.device), forward_flops=costs.forward_flops),
        ProbeMonitor(measure, every_epochs=config.evaluation.eval_frequency),
        InputMonitor(model.context_encoder.standardize, every=every.readings),
        MaskingMonitor(**batch_and_figures),
        HierarchyMonitor(costs=lambda: costs.levels, **batch_and_figures),
        PredictionMonitor(loss_fn.normalize, **batch_and_figures),
        LossMonitor(lambda: loss_fn.weights, every=log_every),
        CollapseMonitor(every=every.readings),
        QualityMonitor(every=every.quality),
        *([] if momentum is None else [_ema_monitor(model, every=every.gradients)]),
        GradientMonitor(every=every.gradients, figures_every=every.figures),
        LearningRateMonitor(warmup_steps=warmup_steps, schedules=plans, every=log_every),
        HistogramMonitor(every=every.histograms),
        EmbeddingMonitor(loss_fn.normalize, samples, every=every.figures),
        StabilityMonitor(every=log_every),
        SystemMonitor(every=EverySeconds(config.logging.system_seconds)),
        *_early_stopping(config),
        *health_monitors(config, masking, learning_rate, momentum),
        ProgressBarCallback(),
        ThroughputMonitor(
            flops_per_sample=costs.step_flops,
            peak_flops=_peak_flops(fabric, config.training.precision),
            every=log_every,
        ),
    ]
    is_in_parts = config.training.strategy == "fsdp"
    return [one for one in monitors if not (is_in_parts and isinstance(one, READ_WEIGHTS))]


def _early_stopping(config: HJEPAConfig) -> list[Callback]:
    """What ends a run that no longer gets better, if it is asked for."""
    settings = config.training.early_stopping
    if settings is None:
        return []
    suits: Literal["min", "max"] = "min" if settings.metric == "val/loss" else "max"
    return [
        EarlyStopping(
            settings.metric,
            mode=settings.mode or suits,
            patience=settings.patience,
            min_delta=settings.min_delta,
        )
    ]


def _ema_monitor(model: HJEPAModel, *, every: int | Cadence) -> EMAMonitor:
    return EMAMonitor(
        lambda: (_weights(model.target_encoder), _weights(model.context_encoder)),
        gradients=lambda: {
            name: weight.grad
            for name, weight in model.target_encoder.named_parameters()
            if weight.grad is not None
        },
        every=every,
    )


def _weights(encoder: VisionTransformer) -> dict[str, torch.Tensor]:
    return {name: weight.detach() for name, weight in encoder.named_parameters()}


def _peak_flops(fabric: Fabric, precision: Precision) -> float | None:
    """What the devices can do in a second, where that is known."""
    if fabric.device.type != "cuda":
        return None
    of_one = peak_flops(torch.cuda.get_device_name(fabric.device), DTYPES[precision])
    return None if of_one is None else of_one * fabric.world_size
