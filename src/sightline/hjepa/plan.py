"""From a configuration to how long a run is, and what changes while it goes on."""

from __future__ import annotations

from sightline.hjepa.config import HJEPAConfig
from sightline.training.plan import LoopSettings
from sightline.training.schedule_creation import (
    create_ema_scheduler,
    create_hierarchical_scheduler,
    create_lr_scheduler,
    create_weight_decay_scheduler,
)
from sightline.training.schedules import HierarchicalScheduler, Schedule


def loop_settings(config: HJEPAConfig) -> LoopSettings:
    """How long and how the loop runs.

    Args:
        config: The whole configuration.

    Returns:
        What the step loop is told.
    """
    plan = config.training
    return LoopSettings(
        epochs=plan.epochs,
        stop_after_epochs=plan.stop_after_epochs,
        accumulation_steps=plan.accumulation_steps,
        clip_grad=plan.clip_grad,
        log_every=config.logging.log_frequency,
        validate_every_epochs=config.evaluation.eval_frequency,
        save_at_start=config.health.on_error == "rollback",
    )


def learning_rate_plan(config: HJEPAConfig, steps_per_epoch: int) -> Schedule:
    """The learning rate of each step.

    Args:
        config: The whole configuration.
        steps_per_epoch: Optimizer steps in an epoch.

    Returns:
        From finished steps to the learning rate of the next one.
    """
    plan = config.training
    return create_lr_scheduler(
        plan.optimizer, plan.lr, plan.min_lr, plan.epochs, steps_per_epoch, plan.warmup_epochs
    )


def weight_decay_plan(config: HJEPAConfig, steps_per_epoch: int) -> Schedule:
    """The weight decay of each step.

    Args:
        config: The whole configuration.
        steps_per_epoch: Optimizer steps in an epoch.

    Returns:
        From finished steps to the weight decay of the next one.
    """
    plan = config.training
    return create_weight_decay_scheduler(
        plan.weight_decay, plan.weight_decay_end, plan.epochs, steps_per_epoch
    )


def level_weights_plan(config: HJEPAConfig, steps_per_epoch: int) -> HierarchicalScheduler:
    """What each level weighs in the loss of each step.

    Args:
        config: The whole configuration.
        steps_per_epoch: Optimizer steps in an epoch.

    Returns:
        From finished steps to the weights in the next one.
    """
    loss = config.loss
    return create_hierarchical_scheduler(
        loss.hierarchy_weights,
        loss.hierarchy_weights_end,
        config.training.epochs,
        steps_per_epoch,
        loss.hierarchy_weights_schedule,
    )


def momentum_plan(config: HJEPAConfig, steps_per_epoch: int) -> Schedule:
    """The momentum of the target encoder after each step.

    Args:
        config: The whole configuration.
        steps_per_epoch: Optimizer steps in an epoch.

    Returns:
        From finished steps to the momentum after the next one.
    """
    ema = config.model.ema
    return create_ema_scheduler(
        ema.momentum,
        ema.momentum_end,
        config.training.epochs,
        steps_per_epoch,
        ema.momentum_warmup_epochs,
    )
