"""What every probe takes: features and labels, checked."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]


def check_labelled(train_x: Array, train_y: Array, test_x: Array, test_y: Array) -> None:
    """Say what is wrong with features and labels.

    Args:
        train_x: Training features, ``(samples, width)``, finite.
        train_y: Training labels, ``(samples,)``.
        test_x: Test features, ``(samples, width)``, finite.
        test_y: Test labels, ``(samples,)``.

    Raises:
        ValueError: If shapes do not fit, a set is empty, or a feature is not finite.
    """
    for name, features, labels in (("train", train_x, train_y), ("test", test_x, test_y)):
        if features.ndim != 2 or labels.shape != features.shape[:1] or not len(features):
            raise ValueError(
                f"Expected {name} features (samples, width) and as many labels (samples,), got "
                f"{features.shape} and {labels.shape}; pool the tokens of each image to one row."
            )
        if not np.isfinite(features).all():
            num_bad = int(np.sum(~np.isfinite(features).all(axis=1)))
            raise ValueError(
                f"Expected finite {name} features, got NaN or infinity in {num_bad} of "
                f"{len(features)} rows; look for the step at which training diverged."
            )
    if train_x.shape[1] != test_x.shape[1]:
        raise ValueError(
            f"Expected train and test features of one width, got {train_x.shape[1]} and "
            f"{test_x.shape[1]}; take both from the same layer."
        )
