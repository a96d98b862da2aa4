"""Schedules: pure functions of the global optimizer step.

A schedule holds no counter, so a resumed run needs nothing but its step, and a plot of the whole
schedule needs no training. Every schedule has three parts. During the first
``warmup_epochs * steps_per_epoch`` steps the value rises in a line from ``start_warmup_value`` (at
step 0) to ``base_value`` (at the first step after the warm-up). Then it moves from ``base_value``
to ``final_value``, which it has exactly at the last executed step,
``epochs * steps_per_epoch - 1``, and at every step after that.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Schedule(ABC):
    """What all schedules share: a warm-up, a curve and an exact end.

    Args:
        base_value: The value at the end of the warm-up.
        final_value: The value of the last step.
        epochs: The number of epochs, warm-up included.
        steps_per_epoch: Optimizer steps (not micro-batches) in an epoch.
        warmup_epochs: The number of warm-up epochs, fewer than ``epochs``.
        start_warmup_value: The value of step 0 if there is a warm-up.

    Raises:
        ValueError: If a count is out of range or a value is not finite.
    """

    base_value: float
    final_value: float
    epochs: int
    steps_per_epoch: int
    warmup_epochs: int = 0
    start_warmup_value: float = 0.0

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("steps_per_epoch", 1), ("warmup_epochs", 0)):
            count = getattr(self, name)
            if count < least:
                raise ValueError(
                    f"{name} must be at least {least}, got {count}; set it to a count of that size."
                )
        if self.warmup_epochs >= self.epochs:
            raise ValueError(
                f"warmup_epochs must be less than epochs={self.epochs}, got {self.warmup_epochs}; "
                "shorten the warm-up or train for longer."
            )
        for name in ("base_value", "final_value", "start_warmup_value"):
            value = getattr(self, name)
            if not math.isfinite(value):
                raise ValueError(f"{name} must be a finite number, got {value}; give a number.")

    @staticmethod
    @abstractmethod
    def curve(progress: float) -> float:
        """Map progress after the warm-up (0 to 1) to the part of the way done (0 to 1)."""

    @property
    def warmup_steps(self) -> int:
        """The number of optimizer steps before the base value is reached."""
        return self.warmup_epochs * self.steps_per_epoch

    @property
    def total_steps(self) -> int:
        """The number of optimizer steps of the whole training."""
        return self.epochs * self.steps_per_epoch

    def __call__(self, step: int) -> float:
        """Give the value of one optimizer step.

        Args:
            step: The number of optimizer steps finished before this one, from 0.

        Returns:
            The value, never outside the range that the schedule's three values span.

        Raises:
            ValueError: If the step is negative.
        """
        if step < 0:
            raise ValueError(f"A step must be 0 or more, got {step}; count finished steps.")
        last = self.total_steps - 1
        if step >= last:
            return float(self.final_value)
        if step < self.warmup_steps:
            return _between(self.start_warmup_value, self.base_value, step / self.warmup_steps)
        progress = (step - self.warmup_steps) / (last - self.warmup_steps)
        return _between(self.base_value, self.final_value, self.curve(progress))

    def get_epoch_value(self, epoch: int) -> float:
        """Give the value of the first step of an epoch, counted from 0.

        Args:
            epoch: The number of finished epochs.

        Returns:
            The value at step ``epoch * steps_per_epoch``.
        """
        return self(epoch * self.steps_per_epoch)


def _between(start: float, end: float, part: float) -> float:
    # Rounding may carry `start + (end - start)` past `end` by one unit in the last place.
    low, high = min(start, end), max(start, end)
    return float(min(max(start + (end - start) * part, low), high))


class CosineScheduler(Schedule):
    """Half a cosine from the base value to the final one, after a linear warm-up.

    ``value = base + (final - base) * (1 - cos(π p)) / 2`` with ``p`` the progress after the
    warm-up. It serves learning rates (falling) and weight decay (rising) alike. It takes the
    arguments of `Schedule`.

    Example:
        >>> lr = CosineScheduler(1e-3, 1e-6, epochs=10, steps_per_epoch=100, warmup_epochs=1)
        >>> lr(0), lr(50), lr(100), lr(999)
        (0.0, 0.0005, 0.001, 1e-06)

    Source: Loshchilov and Hutter (2017), SGDR: Stochastic Gradient Descent with Warm Restarts.
    """

    @staticmethod
    def curve(progress: float) -> float:
        """Map progress to the part of the way done, slow at both ends."""
        return (1.0 - math.cos(math.pi * progress)) / 2.0


class LinearScheduler(Schedule):
    """A straight line from the base value to the final one, after a linear warm-up.

    It takes the arguments of `Schedule`.

    Example:
        >>> LinearScheduler(1.0, 0.0, epochs=1, steps_per_epoch=5)(1)
        0.75
    """

    @staticmethod
    def curve(progress: float) -> float:
        """Map progress to itself."""
        return progress


@dataclass(frozen=True)
class EMAScheduler(CosineScheduler):
    """The momentum of an averaged model: held during the warm-up, then a cosine to the end.

    A final momentum of 1 freezes the target at the last step.

    Args:
        base_value: The momentum of step 0 and of the whole warm-up, 0 to 1.
        final_value: The momentum of the last step, 0 to 1.
        epochs: The number of epochs, warm-up included. It must be given.
        steps_per_epoch: Optimizer steps in an epoch. It must be given.
        warmup_epochs: The number of epochs that hold the base value, fewer than ``epochs``.

    Raises:
        ValueError: If a count is out of range or a momentum lies outside 0 to 1.

    Example:
        >>> momentum = EMAScheduler(0.996, 1.0, epochs=4, steps_per_epoch=25, warmup_epochs=1)
        >>> momentum(0), momentum(25), round(momentum(62), 6), momentum(99)
        (0.996, 0.996, 0.998, 1.0)

    Source: Grill et al. (2020), Bootstrap Your Own Latent.
    """

    base_value: float = 0.996
    final_value: float = 1.0
    epochs: int = 0  # refused: the length of the training must be said
    steps_per_epoch: int = 0
    warmup_epochs: int = 0
    start_warmup_value: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "start_warmup_value", self.base_value)
        super().__post_init__()
        for name in ("base_value", "final_value"):
            momentum = getattr(self, name)
            if not 0.0 <= momentum <= 1.0:
                raise ValueError(
                    f"{name} is a momentum and must lie between 0 and 1, got {momentum}; "
                    "0.99 to 1 is usual."
                )


class HierarchicalScheduler:
    """One schedule for each level of a hierarchy.

    Args:
        schedulers: The schedules, level 0 first; at least one.

    Raises:
        ValueError: If there is no schedule.

    Example:
        >>> fine, coarse = (LinearScheduler(v, 0.0, 1, 3) for v in (1.0, 4.0))
        >>> HierarchicalScheduler([fine, coarse])(1)
        [0.5, 2.0]
    """

    def __init__(self, schedulers: Sequence[Schedule]) -> None:
        if not schedulers:
            raise ValueError("Expected one schedule for each level, got none; give at least one.")
        self.schedulers = tuple(schedulers)

    def __call__(self, step: int) -> list[float]:
        """Give the values of all levels at one optimizer step.

        Args:
            step: The number of optimizer steps finished before this one, from 0.

        Returns:
            One value for each level, level 0 first.
        """
        return [scheduler(step) for scheduler in self.schedulers]

    def get_level_value(self, step: int, level: int) -> float:
        """Give the value of one level at one optimizer step.

        Args:
            step: The number of optimizer steps finished before this one, from 0.
            level: The level, from 0.

        Returns:
            The value of that level's schedule.

        Raises:
            ValueError: If there is no such level.
        """
        if not 0 <= level < len(self.schedulers):
            raise ValueError(
                f"Expected a level from 0 to {len(self.schedulers) - 1}, got {level}; "
                "give one schedule for each level."
            )
        return self.schedulers[level](step)
