"""What a rule says when it has something to say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How bad it is; a higher level is worse."""

    INFO = 1
    WARN = 2
    ERROR = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a run, and what to do about it.

    Attributes:
        level: how bad it is.
        rule: name of the rule that found it.
        tag: the series that it was found in.
        first_step: global optimizer step at which it began.
        last_step: last step at which it was still so.
        value: the value at `last_step`, in `unit`.
        limit: the bound that was crossed, in `unit`; None where there is no number.
        unit: unit of value and limit, any normalisation included; empty for a plain number.
        why: what it may mean.
        remedy: what to do.
        page: page of the documentation that explains it, from the root of the project; empty where
            there is none.

    Example:
        >>> finding = Finding(Level.WARN, "band", "collapse/mean_similarity", 300, 450, 0.71, 0.5,
        ...     "cosine", "Images look alike to the model.", "Lower the learning rate.")
        >>> print(finding)
        WARN collapse/mean_similarity is 0.71 cosine (limit 0.5), steps 300 to 450. \
Images look alike to the model. Lower the learning rate.
    """

    level: Level
    rule: str
    tag: str
    first_step: int
    last_step: int
    value: float
    limit: float | None
    unit: str
    why: str
    remedy: str
    page: str = ""

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        limit = "" if self.limit is None else f" (limit {self.limit:.4g})"
        steps = f"steps {self.first_step} to {self.last_step}"
        if self.first_step == self.last_step:
            steps = f"step {self.last_step}"
        what = f"{self.level.name} {self.tag} is {self.value:.4g}{unit}{limit}, {steps}."
        return " ".join(filter(None, (what, self.why, self.remedy)))
