"""How good a classifier's scores are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline import events
from sightline.writers.arrays import fetch, freeze, num_bytes
from sightline.writers.frameworks import to_numpy
from sightline.writers.values.base import Value


@dataclass(frozen=True, slots=True)
class Scores:
    """What a classifier says of examples, and what is true of them.

    Args:
        labels: Whether each is positive: bools, or numbers that are 0 or 1, any shape.
        predictions: Scores from 0 to 1, of the same shape.
        num_thresholds: Number of thresholds, at least 2.
        weights: What each example counts, at least 0, of the same shape; None for 1.
    """

    labels: Any
    predictions: Any
    num_thresholds: int = 127
    weights: Any = None


@dataclass(frozen=True, slots=True)
class PRCurve(Value):
    """Precision against recall.

    Args:
        curve: `Scores`; for a writer a float64 array of shape (6, thresholds): true positives,
            false positives, true negatives, false negatives, precision, recall.
    """

    curve: Any

    def frozen(self) -> PRCurve:
        """The same, of memory that the caller cannot write to."""
        if not isinstance(self.curve, Scores):
            return self
        scores = self.curve
        weights = None if scores.weights is None else freeze(scores.weights)
        return PRCurve(
            Scores(
                freeze(scores.labels), freeze(scores.predictions), scores.num_thresholds, weights
            )
        )

    def on_host(self) -> PRCurve:
        """The same, counted at thresholds.

        Returns:
            A curve of one array.
        """
        if not isinstance(self.curve, Scores):
            return self
        scores = self.curve
        labels = to_numpy(fetch(scores.labels))
        predictions = to_numpy(fetch(scores.predictions))
        _check(((labels == 0) | (labels == 1)).all(), "labels that are 0 or 1", labels)
        _check(
            ((predictions >= 0) & (predictions <= 1)).all(), "predictions from 0 to 1", predictions
        )
        weights = None
        if scores.weights is not None:
            weights = to_numpy(fetch(scores.weights))
            _check((np.isfinite(weights) & (weights >= 0)).all(), "weights of 0 or more", weights)
        return PRCurve(events.pr_curve(labels, predictions, scores.num_thresholds, weights))

    @property
    def nbytes(self) -> int:
        """Memory that it holds while it waits."""
        if not isinstance(self.curve, Scores):
            return num_bytes(self.curve)
        return sum(map(num_bytes, (self.curve.labels, self.curve.predictions, self.curve.weights)))


ADVICE = {
    "labels that are 0 or 1": "compare them with the class whose curve it is",
    "predictions from 0 to 1": "pass logits through a sigmoid first",
    "weights of 0 or more": "leave out examples that must not count",
}


def _check(holds: Any, expected: str, array: NDArray[Any]) -> None:
    if not holds:
        raise ValueError(
            f"expected {expected}, got {array.min():.4g} to {array.max():.4g}; {ADVICE[expected]}"
        )
