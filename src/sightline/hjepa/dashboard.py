"""What is watched while H-JEPA trains."""

from __future__ import annotations

from collections.abc import Callable

from sightline.callbacks import (
    Callback,
    CollapseMonitor,
    EMAMonitor,
    HealthMonitor,
    HierarchyMonitor,
    MaskingMonitor,
    PredictionMonitor,
    ProbeMonitor,
    ProgressBarCallback,
    RunFacts,
    ThroughputMonitor,
)
from sightline.health import hjepa as health_rules
from sightline.hjepa.config import HJEPAConfig
from sightline.hjepa.loss import HierarchicalLoss
from sightline.hjepa.model import HJEPAModel
from sightline.training.averaging import parameter_divergence


def create_monitors(
    config: HJEPAConfig,
    model: HJEPAModel,
    loss_fn: HierarchicalLoss,
    measure: Callable[[], dict[str, float]],
    *,
    device: str,
    warmup_steps: int,
    total_steps: int,
) -> list[Callback]:
    """The monitors of a run, in the order in which they are called.

    Args:
        config: The whole configuration.
        model: The model that is trained.
        loss_fn: Its objective.
        measure: Probes the frozen encoder.
        device: Where the model trains.
        warmup_steps: Steps of the learning rate's warm-up.
        total_steps: Steps that the schedules are laid out for.

    Returns:
        The callbacks.
    """
    logging, every = config.logging, config.logging.monitor_frequency
    return [
        RunFacts(dict(model.named_parameters()), device=device),
        ProbeMonitor(measure, every_epochs=config.evaluation.eval_frequency),
        MaskingMonitor(every=every, figures_every=logging.figure_frequency),
        HierarchyMonitor(loss_fn.weights, every=every),
        PredictionMonitor(loss_fn.normalize, every=every),
        CollapseMonitor(every=every),
        EMAMonitor(
            lambda: parameter_divergence(model.target_encoder, model.context_encoder),
            every=every,
        ),
        HealthMonitor(
            health_rules(
                num_samples=config.data.batch_size,
                width=config.model.embed_dim,
                warmup_steps=warmup_steps,
                # All images look alike to an untrained encoder, and to a healthy one for a while.
                settle_steps=total_steps // 2,
            )
        ),
        ProgressBarCallback(),
        ThroughputMonitor(every=logging.log_frequency),
    ]
