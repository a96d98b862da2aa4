"""How often: every so many steps, every so many seconds, or ever more rarely."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class Cadence(Protocol):
    """Says at which steps something happens."""

    def is_due(self, step: int) -> bool:
        """Whether it happens at this step; asked once for each step, in order, from 1."""


@dataclass(frozen=True, slots=True)
class EverySteps:
    """At the first step and at every multiple.

    Args:
        steps: Distance, at least 1.

    Raises:
        ValueError: If it is less.

    Example:
        >>> every = EverySteps(10)
        >>> [step for step in range(1, 31) if every.is_due(step)]
        [1, 10, 20, 30]
    """

    steps: int

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(
                f"expected at least 1 step from reading to reading, got {self.steps}; "
                "leave the monitor out if it should never read"
            )

    def is_due(self, step: int) -> bool:
        """Whether the step is the first or a multiple."""
        return step == 1 or step % self.steps == 0


@dataclass(frozen=True, slots=True)
class LogSpaced:
    """Often at first and ever more rarely: the same number of times in each tenfold of steps.

    Args:
        per_decade: Times from step 10^k to 10^(k+1), at least 1; early decades have fewer steps.

    Raises:
        ValueError: If it is less.

    Example:
        >>> every = LogSpaced(3)
        >>> [step for step in range(1, 1001) if every.is_due(step)]
        [1, 3, 5, 10, 22, 47, 100, 216, 465, 1000]
    """

    per_decade: int = 10

    def __post_init__(self) -> None:
        if self.per_decade < 1:
            raise ValueError(
                f"expected at least 1 reading in each tenfold of steps, got {self.per_decade}; "
                "leave the monitor out if it should never read"
            )

    def is_due(self, step: int) -> bool:
        """Whether the step is the first one at or beyond a point of the grid."""
        return step == 1 or self._points_up_to(step) > self._points_up_to(step - 1)

    def _points_up_to(self, step: int) -> int:
        # Powers of ten must not fall short of themselves by rounding.
        return math.floor(self.per_decade * math.log10(step) + 1e-9)


class EverySeconds:
    """At the first step, and at the first one after so many seconds.

    A run that is repeated reads at other steps; take steps where curves must be comparable.

    Args:
        seconds: Distance, above 0.
        clock: Seconds, rising.

    Raises:
        ValueError: If the distance is not positive.

    Example:
        >>> times = iter([0.0, 4.0, 9.0, 11.0, 12.0])
        >>> every = EverySeconds(10, clock=lambda: next(times))
        >>> [step for step in range(1, 6) if every.is_due(step)]
        [1, 4]
    """

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        if not seconds > 0:
            raise ValueError(
                f"expected a positive number of seconds from reading to reading, got {seconds}; "
                "leave the monitor out if it should never read"
            )
        self.seconds = seconds
        self.clock = clock
        self._next = -math.inf

    def is_due(self, step: int) -> bool:
        """Whether the time has passed since it was last due."""
        now = self.clock()
        if now < self._next:
            return False
        self._next = now + self.seconds
        return True


def cadence(every: int | Cadence) -> Cadence:
    """Take a number of steps or a cadence as a cadence.

    Args:
        every: Steps, or a cadence, which is returned as it is.

    Returns:
        The cadence.
    """
    return EverySteps(every) if isinstance(every, int) else every
