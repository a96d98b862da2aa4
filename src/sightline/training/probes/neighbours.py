"""The kNN probe: do neighbours share a class as the features stand?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sightline.training.probes.labelled import Array, check_labelled

KNN_NEIGHBOURS = 20
KNN_TEMPERATURE = 0.07
_SIMILARITIES_AT_ONCE = 2**25  # 128 MB of float32


def knn_accuracy(
    train_x: Array,
    train_y: Array,
    test_x: Array,
    test_y: Array,
    *,
    k: int = KNN_NEIGHBOURS,
    temperature: float = KNN_TEMPERATURE,
) -> float:
    """Measure the accuracy of a weighted vote of the nearest neighbours.

    Each of the ``k`` training features with the highest cosine similarity ``s`` to a test feature
    votes for its class with weight ``exp(s / temperature)``. A feature of length zero is similar to
    nothing. Constant features give the share of one class, which is chance.

    Args:
        train_x: Training features, ``(samples, width)``, finite.
        train_y: Training labels, ``(samples,)``, integers.
        test_x: Test features, ``(samples, width)``, finite.
        test_y: Test labels, ``(samples,)``, integers. One unseen in training counts as an error.
        k: The number of neighbours, 1 to the number of training samples.
        temperature: The scale of the similarities, above 0.

    Returns:
        The share of correct predictions, 0 to 1.

    Example:
        >>> x, y = np.array([[1.0, 0.1], [1.0, -0.1], [-1.0, 0.0]]), np.array([0, 0, 1])
        >>> knn_accuracy(x, y, np.array([[2.0, 0.0], [-3.0, 0.0]]), np.array([0, 1]), k=2)
        1.0

    Source: Wu et al. (2018), Unsupervised Feature Learning via Non-Parametric Instance
    Discrimination; the settings are those of Caron et al. (2021), Emerging Properties in
    Self-Supervised Vision Transformers.
    """
    return knn_accuracies(train_x, train_y, test_x, test_y, ks=(k,), temperature=temperature)[k]


def knn_accuracies(
    train_x: Array,
    train_y: Array,
    test_x: Array,
    test_y: Array,
    *,
    ks: Sequence[int],
    temperature: float = KNN_TEMPERATURE,
) -> dict[int, float]:
    """Measure `knn_accuracy` for several numbers of neighbours, for the price of the largest.

    Args:
        train_x: Training features, ``(samples, width)``, finite.
        train_y: Training labels, ``(samples,)``, integers.
        test_x: Test features, ``(samples, width)``, finite.
        test_y: Test labels, ``(samples,)``, integers. One unseen in training counts as an error.
        ks: The numbers of neighbours, at least one, each 1 to the number of training samples.
        temperature: The scale of the similarities, above 0.

    Returns:
        For each number, the share of correct predictions, 0 to 1.

    Raises:
        ValueError: If shapes do not fit, a feature is not finite, or a number or the temperature is
            out of range.
    """
    check_labelled(train_x, train_y, test_x, test_y)
    for k in ks:
        if not 1 <= k <= len(train_x):
            raise ValueError(
                f"k must lie between 1 and the {len(train_x)} training samples, got {k}; "
                "ask for fewer neighbours or give more training samples."
            )
    if not temperature > 0.0:
        raise ValueError(f"The temperature must be above 0, got {temperature}; 0.07 is usual.")
    classes, train_class = np.unique(train_y, return_inverse=True)
    train_unit, test_unit = _unit_rows(train_x), _unit_rows(test_x)
    num_correct = dict.fromkeys(ks, 0)
    rows_at_once = max(_SIMILARITIES_AT_ONCE // len(train_x), 1)
    for start in range(0, len(test_unit), rows_at_once):
        rows = slice(start, start + rows_at_once)
        similarity = test_unit[rows] @ train_unit.T
        nearest = np.argpartition(-similarity, max(ks) - 1, axis=1)[:, : max(ks)]
        close = np.take_along_axis(similarity, nearest, axis=1)
        by_closeness = np.argsort(-close, axis=1)
        close = np.take_along_axis(close, by_closeness, axis=1)
        neighbour_class = train_class[np.take_along_axis(nearest, by_closeness, axis=1)]
        # Relative to the best, so that a small temperature cannot overflow.
        weight = np.exp((close - close[:, :1]) / temperature)
        row = np.arange(len(similarity))[:, None]
        for k in num_correct:
            votes = np.zeros((len(similarity), len(classes)))
            np.add.at(votes, (row, neighbour_class[:, :k]), weight[:, :k])
            num_correct[k] += int(np.sum(classes[votes.argmax(axis=1)] == test_y[rows]))
    return {k: num / len(test_y) for k, num in num_correct.items()}


def _unit_rows(features: Array) -> Array:
    rows = features.astype(np.result_type(features.dtype, np.float32), copy=False)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0.0, length, 1.0)
