"""From plain numbers to the schedules of a run, as a configuration asks for them."""

from __future__ import annotations

from typing import Literal, get_args

from sightline.training.schedules import (
    CosineScheduler,
    EMAScheduler,
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
    if schedule_type not in get_args(ScheduleType):
        raise ValueError(
            f"schedule_type must be one of {', '.join(get_args(ScheduleType))}, "
            f"got {schedule_type!r}; name one of these."
        )
    kind = CosineScheduler if schedule_type == "cosine" else LinearScheduler
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
