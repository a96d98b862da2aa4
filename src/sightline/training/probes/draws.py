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


def bounded_draw(labels: Array, max_samples: int, *, seed: int) -> NDArray[np.int64]:
    """Draw at most so many samples, from each class as many as from the others while it has them.

    Args:
        labels: Labels, ``(samples,)``, integers.
        max_samples: The largest number of samples drawn, 1 or more.
        seed: Chooses the draw; 0 or more.

    Returns:
        Row numbers in ascending order; all of them where there are not more.

    Raises:
        ValueError: If the number is below 1.

    Example:
        >>> labels = np.array([0, 0, 0, 0, 0, 0, 1, 2, 2])
        >>> labels[bounded_draw(labels, 5, seed=0)]
        array([0, 0, 1, 2, 2])
    """
    if max_samples < 1:
        raise ValueError(f"max_samples must be at least 1, got {max_samples}; 10000 is usual.")
    if len(labels) <= max_samples:
        return np.arange(len(labels))
    order = np.random.default_rng(seed).permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    _, first, count = np.unique(labels[by_class], return_index=True, return_counts=True)
    turn = np.arange(len(labels)) - np.repeat(first, count)  # of the sample within its class
    chosen = by_class[np.argsort(turn, kind="stable")[:max_samples]]
    return np.sort(chosen).astype(np.int64)


def class_shares_split(
    labels: Array, *, share: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split samples in two, each class at the same share.

    Args:
        labels: Labels, ``(samples,)``, integers.
        share: What goes to the second part, above 0 and below 1; at least one sample of each class
            stays in the first.
        seed: Chooses the split; 0 or more.

    Returns:
        Row numbers of both parts, in ascending order.

    Raises:
        ValueError: If the share is out of range, or no class has a sample to spare.

    Example:
        >>> labels = np.repeat([0, 1], [20, 10])
        >>> first, second = class_shares_split(labels, share=0.1, seed=0)
        >>> labels[second], len(first)
        (array([0, 0, 1]), 27)
    """
    if not 0.0 < share < 1.0:
        raise ValueError(f"The share must lie between 0 and 1, got {share}; 0.1 is usual.")
    rng = np.random.default_rng(seed)
    second = []
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        second.append(rows[: min(max(round(share * len(rows)), 1), len(rows) - 1)])
    drawn = np.sort(np.concatenate(second)).astype(np.int64)
    if not len(drawn):
        raise ValueError(
            "Expected a class with at least two training samples, got one of each; "
            "give more samples, so that some can be kept back."
        )
    return np.setdiff1d(np.arange(len(labels)), drawn), drawn
