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

from dataclasses import dataclass

from sightline.training.probes.few_labels import few_label_accuracy
from sightline.training.probes.labelled import Array
from sightline.training.probes.linear import linear_probe_accuracy
from sightline.training.probes.neighbours import knn_accuracy


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
        >>> import numpy as np
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
