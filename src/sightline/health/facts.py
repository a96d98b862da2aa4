"""What must be known of a run before its curves can be judged."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A planned value: a line through the warm-up, then a way to the end; plain numbers.

    Step n + 1 of a run is the one after n finished steps, so that what is logged at step 1 is the
    plan's first value.

    Attributes:
        start: value of the first step, where there is a warm-up.
        base: value after the warm-up.
        final: value of the last step and of all that follow.
        warmup_steps: steps of the warm-up.
        total_steps: steps of the whole run.
        curve: way from base to final.
        cuts: factors that hold for all steps after one, such as a learning rate that was halved.

    Example:
        >>> plan = Plan(start=0.0, base=1e-3, final=0.0, warmup_steps=10, total_steps=101)
        >>> plan.at(1), plan.at(11), plan.at(101)
        (0.0, 0.001, 0.0)
    """

    start: float
    base: float
    final: float
    warmup_steps: int
    total_steps: int
    curve: Literal["cosine", "linear"] = "cosine"
    cuts: tuple[tuple[int, float], ...] = ()

    def at(self, step: int) -> float:
        """The value that was in force for a step.

        Args:
            step: the step's number, from 1; 0 is taken for 1.

        Returns:
            The planned value.
        """
        value = self._uncut(max(step - 1, 0))
        for after, factor in self.cuts:
            if step > after:
                value *= factor
        return value

    def _uncut(self, done: int) -> float:
        last = self.total_steps - 1
        if done >= last:
            return self.final
        if done < self.warmup_steps:
            return self.start + (self.base - self.start) * done / self.warmup_steps
        progress = (done - self.warmup_steps) / (last - self.warmup_steps)
        part = (1 - math.cos(math.pi * progress)) / 2 if self.curve == "cosine" else progress
        return self.base + (self.final - self.base) * part


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What limits refer to; a limit whose facts are not known is not judged, and is named.

    Attributes:
        num_samples: N, rows of the features that are measured.
        width: D, columns of the same features.
        num_patches: places of the grid that masks are drawn on.
        warmup_steps: steps after which what needs a warm-up is judged.
        settle_steps: steps after which the rest is, e.g. half of the run.
        plans: planned values by tag.
        ranges: configured ranges by tag.

    Raises:
        ValueError: if the samples are too few to show any rank.

    Example:
        >>> facts = Facts(num_samples=128, width=64, ranges={"masking/mask_ratio": (0.2, 0.5)})
        >>> Facts.from_json(facts.to_json()) == facts
        True
    """

    num_samples: int | None = None
    width: int | None = None
    num_patches: int | None = None
    warmup_steps: int = 0
    settle_steps: int = 0
    plans: Mapping[str, Plan] = field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.num_samples is not None and self.num_samples < 2:
            raise ValueError(
                f"expected at least 2 samples to measure collapse on, got {self.num_samples}; "
                "pool features over a larger batch"
            )

    def to_json(self) -> str:
        """Write the facts down, as a run keeps them beside its curves.

        Returns:
            A JSON object.
        """
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Facts:
        """Read what `to_json` wrote.

        Args:
            text: a JSON object.

        Returns:
            The facts.

        Raises:
            ValueError: if it is something else.
        """
        try:
            found = json.loads(text)
            found["plans"] = {tag: _plan(plan) for tag, plan in found["plans"].items()}
            found["ranges"] = {tag: (low, high) for tag, (low, high) in found["ranges"].items()}
            return cls(**found)
        except (TypeError, KeyError, AttributeError, ValueError) as error:
            raise ValueError(
                f"expected the facts of a run as Facts.to_json writes them, got {text[:80]!r}; "
                "give the facts by hand"
            ) from error


def _plan(found: dict[str, Any]) -> Plan:
    return Plan(**{**found, "cuts": tuple((step, factor) for step, factor in found["cuts"])})
