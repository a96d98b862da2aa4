"""From plain numbers to the schedules of a run, as a configuration asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from sightline.training.schedules import (
    CosineScheduler,
    EMAScheduler,
    HierarchicalScheduler,
    LinearScheduler,
    Schedule,
)

OptimizerName = Literal["adamw", "adam", "sgd"]
ScheduleType = Literal["cosine", "linear"]


def create_lr_scheduler(
    optimizer_type: OptimizerName,
    base_lr: float,
    min_lr: float,
    epochs: int,
    steps_per_epoch: int,
    warmup_epochs: int = 0,
    schedule_type: ScheduleType = "cosine",
) -> Schedule:
    """Make the schedule of a learning rate, with a warm-up from 0.

    Args:
        optimizer_type: The optimizer it is for. All take the same schedule; the name is checked,
            so that a mistyped one does not train.
        base_lr: The learning rate after the warm-up.
        min_lr: The learning rate of the last step.
        epochs: The number of epochs, warm-up included.
        steps_per_epoch: Optimizer steps in an epoch.
        warmup_epochs: The number of warm-up epochs, fewer than ``epochs``.
        schedule_type: The curve after the warm-up, ``"cosine"`` or ``"linear"``.

    Returns:
        The schedule.

    Raises:
        ValueError: If a name is unknown or a number out of range.

    Example:
        >>> create_lr_scheduler("adamw", 1e-3, 0.0, 2, 3, schedule_type="linear")(5)
        0.0
    """
    if optimizer_type not in get_args(OptimizerName):
        raise ValueError(
            f"optimizer_type must be one of {', '.join(get_args(OptimizerName))}, "
            f"got {optimizer_type!r}; name one of these."
        )
    kind = _kind(schedule_type)
    return kind(base_lr, min_lr, epochs, steps_per_epoch, warmup_epochs)


def create_ema_scheduler(
    base_momentum: float,
    final_momentum: float,
    epochs: int,
    steps_per_epoch: int,
    warmup_epochs: int = 0,
) -> EMAScheduler:
    """Make the schedule of a target encoder's momentum.

    Args:
        base_momentum: The momentum of step 0 and of the warm-up, 0 to 1.
        final_momentum: The momentum of the last step, 0 to 1.
        epochs: The number of epochs, warm-up included.
        steps_per_epoch: Optimizer steps in an epoch.
        warmup_epochs: The number of epochs that hold the base momentum, fewer than ``epochs``.

    Returns:
        The schedule.

    Example:
        >>> create_ema_scheduler(0.99, 1.0, epochs=2, steps_per_epoch=10)(19)
        1.0
    """
    return EMAScheduler(base_momentum, final_momentum, epochs, steps_per_epoch, warmup_epochs)


def create_weight_decay_scheduler(
    base_weight_decay: float,
    final_weight_decay: float | None,
    epochs: int,
    steps_per_epoch: int,
) -> CosineScheduler:
    """Make the schedule of a weight decay: a cosine from the first step to the last.

    Args:
        base_weight_decay: The weight decay of step 0.
        final_weight_decay: The weight decay of the last step; None for the same all the time.
        epochs: The number of epochs.
        steps_per_epoch: Optimizer steps in an epoch.

    Returns:
        The schedule, without a warm-up.

    Example:
        >>> decay = create_weight_decay_scheduler(0.04, 0.4, epochs=2, steps_per_epoch=3)
        >>> [round(decay(step), 3) for step in range(6)]
        [0.04, 0.074, 0.164, 0.276, 0.366, 0.4]

    Source: Caron et al. (2021), Emerging Properties in Self-Supervised Vision Transformers.
    """
    final = base_weight_decay if final_weight_decay is None else final_weight_decay
    return CosineScheduler(base_weight_decay, final, epochs, steps_per_epoch)


def create_hierarchical_scheduler(
    base_values: Sequence[float],
    final_values: Sequence[float] | None,
    epochs: int,
    steps_per_epoch: int,
    schedule_type: ScheduleType = "cosine",
) -> HierarchicalScheduler:
    """Make one schedule for each level, all from the first step to the last.

    Args:
        base_values: The value of each level at step 0, level 0 first.
        final_values: The value of each level at the last step; None for the same all the time.
        epochs: The number of epochs.
        steps_per_epoch: Optimizer steps in an epoch.
        schedule_type: The curve between them, ``"cosine"`` or ``"linear"``.

    Returns:
        The schedules, without a warm-up.

    Raises:
        ValueError: If the numbers of values differ or a name is unknown.

    Example:
        >>> weights = create_hierarchical_scheduler((1.0, 0.0), (0.0, 1.0), 1, 5, "linear")
        >>> weights(1)
        [0.75, 0.25]
    """
    kind = _kind(schedule_type)
    finals = base_values if final_values is None else final_values
    if len(finals) != len(base_values):
        raise ValueError(
            f"Expected a final value for each of the {len(base_values)} levels, got "
            f"{len(finals)}; give one for each level."
        )
    return HierarchicalScheduler([
        kind(base, final, epochs, steps_per_epoch)
        for base, final in zip(base_values, finals, strict=True)
    ])


def _kind(schedule_type: ScheduleType) -> type[CosineScheduler] | type[LinearScheduler]:
    if schedule_type not in get_args(ScheduleType):
        raise ValueError(
            f"schedule_type must be one of {', '.join(get_args(ScheduleType))}, "
            f"got {schedule_type!r}; name one of these."
        )
    return CosineScheduler if schedule_type == "cosine" else LinearScheduler
