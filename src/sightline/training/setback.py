"""A wish to go back to an earlier state of the run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setback:
    """What went wrong, and how to go on from before.

    Args:
        before_step: The first step that must not be in the checkpoint.
        reason: What went wrong.
        factor: What the learning rate is multiplied with from there on, above 0.
        at_most: How many setbacks a run may have.

    Raises:
        ValueError: If the factor is not above 0.
    """

    before_step: int
    reason: str
    factor: float
    at_most: int

    def __post_init__(self) -> None:
        if not self.factor > 0:
            raise ValueError(
                f"expected a factor above 0 for the learning rate, got {self.factor}; 0.5 is usual"
            )

    def joined(self, other: Setback | None) -> Setback:
        """The one of two that goes further back.

        Args:
            other: The other one, if there is one.

        Returns:
            This one or the other.
        """
        return self if other is None or self.before_step < other.before_step else other
