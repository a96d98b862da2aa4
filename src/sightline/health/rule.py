"""Rules follow one series; warm-up and patience are kept apart from what is judged."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from sightline.health.criteria import Criterion
from sightline.health.finding import Finding


class Rule(Protocol):
    """Follows the series of one tag and says what is wrong with it, if anything is."""

    @property
    def tag(self) -> str:
        """The series that the rule follows."""

    def update(self, step: int, value: float) -> None:
        """Take the next value of the series."""

    def verdict(self) -> Finding | None:
        """Return what was found so far, or None."""


class Watch:
    """Rule that waits out a warm-up, and reports once a criterion is broken several times running.

    A finding stays once it is made, for a run that recovered is still worth a look: `first_step` is
    where the first confirmed streak began and `last_step` the latest confirmed breach.

    Args:
        criterion: judges each value by itself.
        warmup_steps: values up to this step are not judged.
        patience: how many readings in a row must be bad before it counts, at least 1.

    Raises:
        ValueError: if the patience is below 1.

    Example:
        >>> from sightline.health.criteria import StuckAt
        >>> stuck = StuckAt(tag="ema/parameter_divergence", value=0.0, why="...", remedy="...")
        >>> watch = Watch(stuck, patience=2)
        >>> for step, value in [(10, 0.0), (20, 0.1), (30, 0.0), (40, 0.0)]:
        ...     watch.update(step, value)
        >>> watch.verdict().first_step, watch.verdict().last_step
        (30, 40)
    """

    def __init__(self, criterion: Criterion, *, warmup_steps: int = 0, patience: int = 1) -> None:
        if patience < 1:
            raise ValueError(
                f"expected a patience of at least 1 reading, got {patience}; "
                "pass 1 to report the first bad value"
            )
        self._criterion = criterion
        self._warmup_steps = warmup_steps
        self._patience = patience
        self._streak = 0
        self._since = 0
        self._finding: Finding | None = None

    @property
    def tag(self) -> str:
        """The series that the rule follows."""
        return self._criterion.tag

    def update(self, step: int, value: float) -> None:
        """Take the next value of the series.

        Args:
            step: global optimizer step of the value, never lower than the last one.
            value: the value.
        """
        if step <= self._warmup_steps:
            return
        breach = self._criterion.breach(step, value)
        if breach is None:
            self._streak = 0
            return
        if self._streak == 0:
            self._since = step
        self._streak += 1
        if self._streak >= self._patience:
            first_step = self._since if self._finding is None else self._finding.first_step
            self._finding = replace(breach, first_step=first_step)

    def verdict(self) -> Finding | None:
        """Return what was found so far.

        Returns:
            The finding, or None while all is well.
        """
        return self._finding
