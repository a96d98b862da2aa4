"""Precision and recall at many thresholds."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sightline.events.messages import DataClass, Metadata, Value
from sightline.events.tensors import DType, Tensor
from sightline.events.wire import varint_field

NUM_THRESHOLDS = 2
LEAST_COUNT = 1e-7


def pr_curve(
    labels: ArrayLike,
    predictions: ArrayLike,
    num_thresholds: int = 127,
    weights: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Count right and wrong predictions at thresholds that lie evenly between 0 and 1.

    A prediction is positive at a threshold if it is not below it. precision = TP / (TP + FP) and
    recall = TP / (TP + FN); where nothing is counted both are 0.

    Args:
        labels: Whether each example is positive, any shape.
        predictions: Scores from 0 to 1, of the same shape.
        num_thresholds: Number of thresholds, at least 2.
        weights: What each example counts, of the same shape; 1 by default.

    Returns:
        Array of shape (6, num_thresholds): true positives, false positives, true negatives, false
        negatives, precision, recall.

    Example:
        >>> pr_curve([True, False, True], [0.9, 0.6, 0.4], num_thresholds=3)[:, 1]
        array([1. , 1. , 0. , 1. , 0.5, 0.5])
    """
    is_positive = np.asarray(labels, dtype=bool).ravel()
    scores = np.asarray(predictions, dtype=np.float64).ravel()
    weight = np.ones(scores.size) if weights is None else np.asarray(weights, np.float64).ravel()
    thresholds = np.arange(num_thresholds) / (num_thresholds - 1)
    # How many thresholds each score reaches.
    bucket = np.searchsorted(thresholds, scores, side="right") - 1
    tp, fp = (
        np.cumsum(np.bincount(bucket[chosen], weight[chosen], num_thresholds)[::-1])[::-1]
        for chosen in (is_positive, ~is_positive)
    )
    tn, fn = fp[0] - fp, tp[0] - tp
    precision = tp / np.maximum(LEAST_COUNT, tp + fp)
    recall = tp / np.maximum(LEAST_COUNT, tp + fn)
    return np.stack([tp, fp, tn, fn, precision, recall])


def pr_curve_value(tag: str, curve: NDArray[np.float64], *, description: str = "") -> Value:
    """A precision-recall curve.

    Args:
        tag: Its name.
        curve: What `pr_curve` gives.
        description: Markdown behind the info icon.

    Returns:
        A value for the plugin `pr_curves`.
    """
    tensor = Tensor(DType.FLOAT, curve.shape, curve.astype("<f4").tobytes())
    content = varint_field(NUM_THRESHOLDS, curve.shape[1])
    metadata = Metadata("pr_curves", DataClass.TENSOR, description, content=content)
    return Value(tag, tensor=tensor, metadata=metadata)
