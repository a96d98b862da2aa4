"""Rules follow one series; warm-up and patience are kept apart from what is judged."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from sightline.health.criteria import Criterion, Interval
from sightline.health.finding import Finding, Level
from sightline.health.transforms import OfFirst, Transform

Steps = NDArray[np.int64]
Values = NDArray[np.float64]

EVERYTHING: Interval = (-math.inf, math.inf)
NOTHING: Interval = (math.inf, -math.inf)
ROUNDING = 1e-12  # relative; what scaling back and forth may lose, and more


class Rule(Protocol):
    """Follows the series of one tag and says what is wrong with it, if anything is."""

    @property
    def tag(self) -> str:
        """The series that the rule follows."""

    def update(self, step: int, value: float) -> None:
        """Take the next value of the series."""

    def verdict(self) -> Finding | None:
        """Return what was found so far, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a finding says beside its numbers.

    Attributes:
        tag: the series that is judged.
        level: how bad a breach is.
        unit: unit of what is compared.
        why: what a breach may mean.
        remedy: what to do about it.
        page: page of the documentation that explains it.
    """

    tag: str
    level: Level = Level.WARN
    unit: str = ""
    why: str = ""
    remedy: str = ""
    page: str = ""


class Watch:
    """Rule that waits out a warm-up, and reports once a criterion is broken several times running.

    A finding stays once it is made, for a run that recovered is still worth a look: `first_step` is
    where the first confirmed streak began and `last_step` the latest confirmed breach.

    Args:
        about: what a finding says beside its numbers.
        criterion: judges each value by itself.
        transform: what a value is turned into before, such as its change since the last one; None
            for the value itself.
        scale: what a value is multiplied with first.
        warmup_steps: values up to this step are not judged.
        until_step: nor are values after this one; None for all of the run.
        patience: how many readings in a row must be bad before it counts, at least 1.

    Attributes:
        on_found: called when there is a finding for the first time; None for nobody.

    Raises:
        ValueError: if the patience is below 1.

    Example:
        >>> from sightline.health.criteria import StuckAt
        >>> watch = Watch(About(tag="ema/parameter_divergence"), StuckAt(0.0), patience=2)
        >>> for step, value in [(10, 0.0), (20, 0.1), (30, 0.0), (40, 0.0)]:
        ...     watch.update(step, value)
        >>> watch.verdict().first_step, watch.verdict().last_step
        (30, 40)
    """

    def __init__(
        self,
        about: About,
        criterion: Criterion,
        *,
        transform: Transform | None = None,
        scale: float = 1.0,
        warmup_steps: int = 0,
        until_step: int | None = None,
        patience: int = 1,
    ) -> None:
        if patience < 1:
            raise ValueError(
                f"expected a patience of at least 1 reading, got {patience}; "
                "pass 1 to report the first bad value"
            )
        self.about = about
        self.criterion = criterion
        self.transform = transform
        self.scale = scale
        self.warmup_steps = warmup_steps
        self.until_step = math.inf if until_step is None else until_step
        self.patience = patience
        self._apply = None if transform is None else transform.apply
        self._low, self._high = criterion.calm
        # Whether values are of use that are not judged themselves.
        self._sees_all = isinstance(transform, OfFirst)
        self._streak = 0
        self._since = 0
        self._found: tuple[int, int, float] | None = None
        self.on_found: Callable[[], object] | None = None

    @property
    def tag(self) -> str:
        """The series that the rule follows."""
        return self.about.tag

    def update(self, step: int, value: float) -> None:
        """Take the next value of the series.

        Args:
            step: global optimizer step of the value, higher than the last one.
            value: the value.
        """
        if self.warmup_steps < step <= self.until_step:
            value *= self.scale
            if self._apply is not None:
                turned = self._apply(step, value)
                if turned is None:
                    return
                value = turned
            if self._low <= value <= self._high:
                self._streak = 0
            else:
                self._judge(step, value)
        elif self._sees_all and self._apply is not None:
            self._apply(step, value * self.scale)

    def update_many(self, steps: Steps, values: Values) -> None:
        """Take many values at once, with the same outcome as one `update` for each.

        Args:
            steps: int64 array of shape (n,), rising.
            values: float64 array of shape (n,).
        """
        if not self._sees_all:
            steps, values = self._judged(steps, values)
        if self.scale != 1.0:
            values = values * self.scale
        if self.transform is not None:
            steps, values = self.transform.apply_many(steps, values)
        if self._sees_all:
            steps, values = self._judged(steps, values)
        if not len(steps):
            return
        self._judge_many(steps, values)

    def _judged(self, steps: Steps, values: Values) -> tuple[Steps, Values]:
        is_judged = (steps > self.warmup_steps) & (steps <= self.until_step)
        return (steps, values) if is_judged.all() else (steps[is_judged], values[is_judged])

    def calm(self, step: int) -> Interval:
        """Values that the rule need not be told of at a step: they would change nothing.

        Args:
            step: the step.

        Returns:
            The lowest and the highest of them.
        """
        scale = self.scale
        if isinstance(self.transform, OfFirst):
            if self.transform.factor is None:
                return NOTHING
            scale *= self.transform.factor
        if not self.warmup_steps < step <= self.until_step:
            return EVERYTHING
        if not self.may_be_calm or self._streak > 0 or scale <= 0:
            return NOTHING
        if scale == 1.0:
            return self._low, self._high
        low, high = self._low / scale, self._high / scale
        return low + abs(low) * ROUNDING, high - abs(high) * ROUNDING

    @property
    def may_be_calm(self) -> bool:
        """Whether a value can be one that the rule need not be told of, once it is judged."""
        return self.transform is None or isinstance(self.transform, OfFirst)

    def verdict(self) -> Finding | None:
        """Return what was found so far.

        Returns:
            The finding, or None while all is well.
        """
        if self._found is None:
            return None
        first_step, last_step, value = self._found
        about = self.about
        return Finding(
            level=about.level,
            rule=self.criterion.name,
            tag=about.tag,
            first_step=first_step,
            last_step=last_step,
            value=value,
            limit=self.criterion.limit(value),
            unit=about.unit,
            why=about.why,
            remedy=about.remedy,
            page=about.page,
        )

    def copy(self) -> Watch:
        """One that remembers the same, and tells nobody."""
        other = copy.copy(self)
        other.transform = copy.deepcopy(self.transform)
        other._apply = None if other.transform is None else other.transform.apply
        other.on_found = None
        return other

    @property
    def kind(self) -> str:
        """What a memory must be of to be this rule's: what is judged, and over which window."""
        transform = type(self.transform).__name__, getattr(self.transform, "window", None)
        return f"{self.criterion.name} {transform}"

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must be told: JSON values."""
        transform = {} if self.transform is None else self.transform.state_dict()
        return {
            "kind": self.kind,
            "streak": [self._streak, self._since],
            "found": None if self._found is None else list(self._found),
            "transform": transform,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        self._streak, self._since = state["streak"]
        found = state["found"]
        self._found = None if found is None else (found[0], found[1], found[2])
        if self.transform is not None:
            self.transform.load_state_dict(state["transform"])

    def _judge(self, step: int, value: float) -> None:
        if not self.criterion.breach(value):
            self._streak = 0
            return
        if self._streak == 0:
            self._since = step
        self._streak += 1
        if self._streak >= self.patience:
            self._find(self._since, step, value)

    def _judge_many(self, steps: Steps, values: Values) -> None:
        """The streaks of bad values that all these make, and what comes of them."""
        is_bad = self.criterion.breaches(values)
        edges = np.flatnonzero(np.diff(is_bad, prepend=False, append=False))
        starts, ends = edges[::2], edges[1::2]
        lengths, since = ends - starts, steps[starts]
        if len(starts) and starts[0] == 0 and self._streak > 0:
            lengths[0] += self._streak
            since[0] = self._since
        confirmed = np.flatnonzero(lengths >= self.patience)
        if len(confirmed):
            last = ends[confirmed[-1]] - 1
            self._find(int(since[confirmed[0]]), int(steps[last]), float(values[last]))
        self._streak = int(lengths[-1]) if is_bad[-1] else 0
        self._since = int(since[-1]) if is_bad[-1] else self._since

    def _find(self, since: int, step: int, value: float) -> None:
        is_new = self._found is None
        self._found = (since if self._found is None else self._found[0], step, value)
        if is_new and self.on_found is not None:
            self.on_found()
