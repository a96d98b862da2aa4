"""Which samples are drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sightline.training.probes.labelled import Array


def class_balanced_draw(
    labels: Array, *, labels_per_class: int, seed: int | tuple[int, ...]
) -> NDArray[np.int64]:
    """Draw the same number of samples from each class, without replacement.

    Args:
        labels: Labels, ``(samples,)``, integers.
        labels_per_class: The number of samples drawn from each class, 1 or more.
        seed: Chooses the draw; integers of 0 or more.

    Returns:
        Row numbers, ``(classes * labels_per_class,)``, grouped by class in ascending order.

    Raises:
        ValueError: If the count is below 1 or a class has too few samples.

    Example:
        >>> labels = np.array([0, 0, 0, 1, 1])
        >>> labels[class_balanced_draw(labels, labels_per_class=2, seed=0)]
        array([0, 0, 1, 1])
    """
    if labels_per_class < 1:
        raise ValueError(
            f"labels_per_class must be at least 1, got {labels_per_class}; 5 is usual."
        )
    rng = np.random.default_rng(seed)
    drawn = []
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        if len(rows) < labels_per_class:
            raise ValueError(
                f"Expected at least {labels_per_class} training samples of each class, got "
                f"{len(rows)} of class {label}; give more samples or ask for fewer."
            )
        drawn.append(rng.choice(rows, labels_per_class, replace=False))
    return np.concatenate(drawn).astype(np.int64)
