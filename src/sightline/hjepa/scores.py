"""What is told of a frozen encoder: accuracies with their errors, and all of them together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.training.probes import Head, standard_error


@dataclass(frozen=True, slots=True)
class Score:
    """An accuracy.

    Args:
        value: The share of held-out images that are classified correctly, 0 to 1.
        error: Its standard error over held-out images.
        deviation: That over draws of labels; None where nothing is drawn.
        head: The head of the sweep that it is of; None for other probes.
    """

    value: float
    error: float
    deviation: float | None = None
    head: Head | None = None

    @classmethod
    def of(
        cls,
        value: float,
        labels: NDArray[np.int64],
        *,
        deviation: float | None = None,
        head: Head | None = None,
    ) -> Score:
        """An accuracy with its standard error.

        Args:
            value: The share of held-out images that are classified correctly, 0 to 1.
            labels: Classes of the held-out images, shape (N,).
            deviation: That over draws of labels.
            head: The head of the sweep that it is of.

        Returns:
            The score.
        """
        return cls(value, standard_error(value, len(labels)), deviation, head)


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a frozen encoder is worth.

    Args:
        scores: Of the whole encoder, by name.
        levels: Of each level's features, the finest first.
        knn: kNN accuracy by number of neighbours.
        heads: All heads of the sweep.
        label_free: Measures without labels, of all images, by name.
        num_train: Images that probes learn from.
        num_val: Held-out images that the scores are of.
        chance: What it brings to answer with the most frequent class always.
    """

    scores: dict[str, Score]
    levels: list[dict[str, Score]]
    knn: dict[int, float]
    heads: tuple[Head, ...]
    label_free: dict[str, float]
    num_train: int
    num_val: int
    chance: float


def chance_of(train_labels: NDArray[np.int64], val_labels: NDArray[np.int64]) -> float:
    """What it brings to answer with the most frequent class always.

    Args:
        train_labels: Classes of the training images, which say which one that is, shape (N,).
        val_labels: Classes of the held-out images, shape (M,).

    Returns:
        The share of held-out images of that class.
    """
    classes, counts = np.unique(train_labels, return_counts=True)
    return float(np.mean(val_labels == classes[counts.argmax()]))
