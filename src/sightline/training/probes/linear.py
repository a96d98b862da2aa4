"""The linear probe: can classes be cut apart by planes?"""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sightline.training.probes.labelled import Array, check_labelled

INVERSE_REGULARISATION = 1.0  # scikit-learn's C, its default
MAX_ITERATIONS = 10_000  # never the limit in practice; the tolerance ends the fit


def linear_probe_accuracy(train_x: Array, train_y: Array, test_x: Array, test_y: Array) -> float:
    """Measure the accuracy of a logistic regression on frozen features.

    Features are standardised with the training set's mean and standard deviation, then scikit-learn
    fits a multinomial logistic regression with an L2 penalty at ``C=1``.

    Args:
        train_x: Training features, ``(samples, width)``, finite.
        train_y: Training labels, ``(samples,)``, integers of at least two classes.
        test_x: Test features, ``(samples, width)``, finite.
        test_y: Test labels, ``(samples,)``, integers.

    Returns:
        The share of correct predictions, 0 to 1.

    Example:
        >>> x, y = np.array([[0.0], [0.1], [0.9], [1.0]]), np.array([0, 0, 1, 1])
        >>> linear_probe_accuracy(x, y, np.array([[0.2], [0.8]]), np.array([0, 1]))
        1.0

    Source: Alain and Bengio (2017), Understanding intermediate layers using linear classifier
    probes.
    """
    predicted = linear_probe_predictions(train_x, train_y, test_x, test_y)
    return float(np.mean(predicted == test_y))


def linear_probe_predictions(train_x: Array, train_y: Array, test_x: Array, test_y: Array) -> Array:
    """Classify the test features as `linear_probe_accuracy` does, for comparisons by sample.

    Args:
        train_x: Training features, ``(samples, width)``, finite.
        train_y: Training labels, ``(samples,)``, integers of at least two classes.
        test_x: Test features, ``(samples, width)``, finite.
        test_y: Test labels, ``(samples,)``, integers; they are checked, not used.

    Returns:
        The predicted labels, ``(samples,)``.

    Raises:
        ValueError: If shapes do not fit, a feature is not finite, or there is only one class.
    """
    check_labelled(train_x, train_y, test_x, test_y)
    if len(np.unique(train_y)) < 2:
        raise ValueError(
            "Expected training labels of at least two classes, got one; "
            "probe on a set with more classes."
        )
    classifier = make_pipeline(
        StandardScaler(), LogisticRegression(C=INVERSE_REGULARISATION, max_iter=MAX_ITERATIONS)
    )
    # In float32 the line search can stall before the tolerance is met.
    classifier.fit(train_x.astype(np.float64), train_y)
    return np.asarray(classifier.predict(test_x.astype(np.float64)))
