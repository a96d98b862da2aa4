"""The linear probe where few labels are known."""

from __future__ import annotations

import math

from sightline.training.probes.draws import class_balanced_draw
from sightline.training.probes.labelled import Array, check_labelled
from sightline.training.probes.linear import linear_probe_accuracy

LABELS_PER_CLASS = 5
NUM_DRAWS = 10


def few_label_accuracy(
    train_x: Array,
    train_y: Array,
    test_x: Array,
    test_y: Array,
    *,
    labels_per_class: int = LABELS_PER_CLASS,
    num_draws: int = NUM_DRAWS,
    seed: int = 0,
) -> float:
    """Measure the linear probe's accuracy when few labels are known, averaged over draws.

    Args:
        train_x: Training features, ``(samples, width)``, finite.
        train_y: Training labels, ``(samples,)``, integers of at least two classes.
        test_x: Test features, ``(samples, width)``, finite.
        test_y: Test labels, ``(samples,)``, integers.
        labels_per_class: The number of training samples drawn from each class, 1 or more.
        num_draws: The number of draws, 1 or more.
        seed: Chooses the draws.

    Returns:
        The mean share of correct predictions, 0 to 1.

    Example:
        >>> import numpy as np
        >>> labels = np.repeat(np.arange(3), 8)
        >>> features = np.eye(3)[labels]
        >>> few_label_accuracy(features, labels, features, labels, labels_per_class=2)
        1.0
    """
    accuracies = few_label_accuracies(
        train_x,
        train_y,
        test_x,
        test_y,
        labels_per_class=labels_per_class,
        num_draws=num_draws,
        seed=seed,
    )
    return math.fsum(accuracies) / num_draws


def few_label_accuracies(
    train_x: Array,
    train_y: Array,
    test_x: Array,
    test_y: Array,
    *,
    labels_per_class: int = LABELS_PER_CLASS,
    num_draws: int = NUM_DRAWS,
    seed: int = 0,
) -> list[float]:
    """Measure what `few_label_accuracy` averages, draw by draw.

    How to read it: the deviation over the draws is that of the choice of labels; the test samples
    are the same for all of them.

    Args:
        train_x: Training features, ``(samples, width)``, finite.
        train_y: Training labels, ``(samples,)``, integers of at least two classes.
        test_x: Test features, ``(samples, width)``, finite.
        test_y: Test labels, ``(samples,)``, integers.
        labels_per_class: The number of training samples drawn from each class, 1 or more.
        num_draws: The number of draws, 1 or more.
        seed: Chooses the draws.

    Returns:
        The share of correct predictions of each draw, 0 to 1.

    Raises:
        ValueError: If shapes do not fit, a feature is not finite, a count is below 1, or a class
            has too few samples.
    """
    check_labelled(train_x, train_y, test_x, test_y)
    if num_draws < 1:
        raise ValueError(f"num_draws must be at least 1, got {num_draws}; 10 is usual.")
    accuracies = []
    for draw in range(num_draws):
        rows = class_balanced_draw(train_y, labels_per_class=labels_per_class, seed=(seed, draw))
        accuracies.append(linear_probe_accuracy(train_x[rows], train_y[rows], test_x, test_y))
    return accuracies
