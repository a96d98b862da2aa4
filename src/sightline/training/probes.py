"""How good are frozen features? Three probes that together make a fixed yardstick.

Features go in as arrays and accuracies come out. The settings are constants, so that two runs, or
two years, can be compared: a probe that is tuned measures the tuning. Fit and score only on
features of images that were split before training.

The probes ask different things. kNN asks whether neighbours share a class as the features stand.
The linear probe asks whether classes can be cut apart by planes; on small images raw pixels
already do well. The few-label probe asks the same with five labels a class, where only features
that are already organised by class help.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

Array: TypeAlias = NDArray[Any]

KNN_NEIGHBOURS = 20
KNN_TEMPERATURE = 0.07
INVERSE_REGULARISATION = 1.0  # scikit-learn's C, its default
MAX_ITERATIONS = 10_000  # never the limit in practice; the tolerance ends the fit
LABELS_PER_CLASS = 5
NUM_DRAWS = 10
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """The accuracies of one set of features, each from 0 to 1.

    Args:
        knn: Weighted 20-nearest-neighbour accuracy.
        linear: Accuracy of a logistic regression on all training labels.
        few_label: Mean accuracy of a logistic regression on five labels a class, over ten draws.
        num_train: The number of training samples.
        num_test: The number of test samples.
    """

    knn: float
    linear: float
    few_label: float
    num_train: int
    num_test: int


def probe(
    train_x: Array, train_y: Array, test_x: Array, test_y: Array, *, seed: int = 0
) -> ProbeResult:
    """Run all three probes.

    Args:
        train_x: Training features, ``(samples, width)``, finite.
        train_y: Training labels, ``(samples,)``, integers.
        test_x: Test features, ``(samples, width)``, finite.
        test_y: Test labels, ``(samples,)``, integers.
        seed: Chooses the draws of the few-label probe.

    Returns:
        The three accuracies and the sizes of both sets.

    Example:
        >>> labels = np.repeat(np.arange(2), 10)
        >>> features = np.eye(2)[labels]
        >>> result = probe(features, labels, features, labels)
        >>> result.knn, result.linear, result.few_label
        (1.0, 1.0, 1.0)
    """
    data = (train_x, train_y, test_x, test_y)
    return ProbeResult(
        knn=knn_accuracy(*data),
        linear=linear_probe_accuracy(*data),
        few_label=few_label_accuracy(*data, seed=seed),
        num_train=len(train_y),
        num_test=len(test_y),
    )


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

    Raises:
        ValueError: If shapes do not fit, a feature is not finite, or ``k`` or the temperature is
            out of range.

    Example:
        >>> x, y = np.array([[1.0, 0.1], [1.0, -0.1], [-1.0, 0.0]]), np.array([0, 0, 1])
        >>> knn_accuracy(x, y, np.array([[2.0, 0.0], [-3.0, 0.0]]), np.array([0, 1]), k=2)
        1.0

    Source: Wu et al. (2018), Unsupervised Feature Learning via Non-Parametric Instance
    Discrimination; the settings are those of Caron et al. (2021), Emerging Properties in
    Self-Supervised Vision Transformers.
    """
    _check(train_x, train_y, test_x, test_y)
    if not 1 <= k <= len(train_x):
        raise ValueError(
            f"k must lie between 1 and the {len(train_x)} training samples, got {k}; "
            "ask for fewer neighbours or give more training samples."
        )
    if not temperature > 0.0:
        raise ValueError(f"The temperature must be above 0, got {temperature}; 0.07 is usual.")
    classes, train_class = np.unique(train_y, return_inverse=True)
    train_unit, test_unit = _unit_rows(train_x), _unit_rows(test_x)
    num_correct = 0
    for start in range(0, len(test_unit), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        similarity = test_unit[rows] @ train_unit.T
        nearest = np.argpartition(-similarity, k - 1, axis=1)[:, :k]
        # Relative to the best, so that a small temperature cannot overflow.
        close = np.take_along_axis(similarity, nearest, axis=1)
        weight = np.exp((close - close.max(axis=1, keepdims=True)) / temperature)
        votes = np.zeros((len(similarity), len(classes)))
        np.add.at(votes, (np.arange(len(votes))[:, None], train_class[nearest]), weight)
        num_correct += int(np.sum(classes[votes.argmax(axis=1)] == test_y[rows]))
    return num_correct / len(test_y)


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
    _check(train_x, train_y, test_x, test_y)
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

    Raises:
        ValueError: If shapes do not fit, a feature is not finite, a count is below 1, or a class
            has too few samples.

    Example:
        >>> labels = np.repeat(np.arange(3), 8)
        >>> features = np.eye(3)[labels]
        >>> few_label_accuracy(features, labels, features, labels, labels_per_class=2)
        1.0
    """
    _check(train_x, train_y, test_x, test_y)
    if num_draws < 1:
        raise ValueError(f"num_draws must be at least 1, got {num_draws}; 10 is usual.")
    accuracies = []
    for draw in range(num_draws):
        rows = class_balanced_draw(train_y, labels_per_class=labels_per_class, seed=(seed, draw))
        accuracies.append(linear_probe_accuracy(train_x[rows], train_y[rows], test_x, test_y))
    return math.fsum(accuracies) / num_draws


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


def standard_error(accuracy: float, n: int) -> float:
    """Compute the standard error of an accuracy over independent test samples.

    ``sqrt(a (1 - a) / n)``. It covers the choice of test samples only, not that of the seed.

    Args:
        accuracy: The accuracy, 0 to 1.
        n: The number of test samples, 1 or more.

    Returns:
        The standard error, in the unit of the accuracy.

    Raises:
        ValueError: If the accuracy or the number is out of range.

    Example:
        >>> standard_error(0.8, 400)
        0.02
    """
    if not 0.0 <= accuracy <= 1.0:
        raise ValueError(f"An accuracy must lie between 0 and 1, got {accuracy}; give a share.")
    if n < 1:
        raise ValueError(f"Expected at least 1 test sample, got {n}; give the size of the test.")
    return math.sqrt(accuracy * (1.0 - accuracy) / n)


def _unit_rows(features: Array) -> Array:
    rows = features.astype(np.result_type(features.dtype, np.float32), copy=False)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0.0, length, 1.0)


def _check(train_x: Array, train_y: Array, test_x: Array, test_y: Array) -> None:
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
