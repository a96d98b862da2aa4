"""What H-JEPA is judged by: the facts of a run, and the monitor that knows them."""

from __future__ import annotations

from sightline.callbacks import HealthMonitor
from sightline.health import Facts, Plan, hjepa
from sightline.hjepa.config import HJEPAConfig
from sightline.hjepa.masks import MultiBlockMasking
from sightline.training.schedules import Schedule


def facts_of(
    config: HJEPAConfig,
    masking: MultiBlockMasking,
    learning_rate: Schedule,
    momentum: Schedule | None,
) -> Facts:
    """What the limits of the catalogue refer to.

    Args:
        config: The whole configuration.
        masking: Draws the masks.
        learning_rate: The planned learning rate, a cosine.
        momentum: The planned momentum of the target encoder, a cosine; None without one.

    Returns:
        The facts.
    """
    rows, columns = masking.grid_size
    plans = {"learning_rate/base_lr": _plan(learning_rate)}
    if momentum is not None:
        plans["ema/momentum_current"] = _plan(momentum)
    return Facts(
        num_samples=config.data.batch_size,
        width=config.model.embed_dim,
        num_patches=rows * columns,
        # All images look alike to an untrained encoder, and to a healthy one for a while.
        warmup_steps=max(learning_rate.warmup_steps, learning_rate.total_steps // 20),
        settle_steps=learning_rate.total_steps // 2,
        plans=plans,
        ranges={"masking/mask_ratio": masking.mask_ratio_range},
    )


def health_monitors(
    config: HJEPAConfig,
    masking: MultiBlockMasking,
    learning_rate: Schedule,
    momentum: Schedule | None,
) -> list[HealthMonitor]:
    """The monitor that judges a run, unless the configuration asks for none.

    Args:
        config: The whole configuration.
        masking: Draws the masks.
        learning_rate: The planned learning rate.
        momentum: The planned momentum of the target encoder; None without one.

    Returns:
        One monitor, or none.
    """
    health = config.health
    if not health.enabled:
        return []
    return [
        HealthMonitor(
            hjepa(facts_of(config, masking, learning_rate, momentum)),
            on_error=health.on_error,
            webhook=None if health.webhook is None else health.webhook.get_secret_value(),
            lr_factor=health.rollback_lr_factor,
            max_rollbacks=health.max_rollbacks,
        )
    ]


def _plan(schedule: Schedule) -> Plan:
    return Plan(
        start=schedule.start_warmup_value,
        base=schedule.base_value,
        final=schedule.final_value,
        warmup_steps=schedule.warmup_steps,
        total_steps=schedule.total_steps,
    )
