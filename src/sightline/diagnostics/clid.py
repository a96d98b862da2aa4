"""CLID: are the features rich (intrinsic dimension) and still easy to learn from (clusters)?

Host diagnostics: k-means and nearest neighbours are scikit-learn's, whose k-means++ and Lloyd steps
end when the data says so, which no array library can do without waiting for the device. Features
are fetched once. Meant for evaluations, not for training steps.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sightline._optional import missing
from sightline.diagnostics.precision import Array, require_rows
from sightline.writers.frameworks import to_numpy

DISCARDED_FRAC = 0.1


class CLID(NamedTuple):
    """The two parts of CLID. They have no common unit; the paper adds their z-scores over models.

    Args:
        cluster_learnability: Accuracy of a 1-nearest-neighbour classifier of clusters, 0 to 1.
        intrinsic_dimension: In dimensions.
    """

    cluster_learnability: float
    intrinsic_dimension: float


def clid(features_ND: Array, *, num_clusters: int | None = None, seed: int = 0) -> CLID:
    """Measure cluster learnability and intrinsic dimension of one set of features.

    How to read it: both should be high. Collapse onto clusters has a learnability of 1 and a low
    dimension, noise a high dimension and a low learnability. Blind spot: neither knows the task;
    compare models on the same samples, with the same number of clusters.

    Cost: 0.04 s at 1000 x 64, 0.3 s at 2000 x 384 on one CPU core.

    Args:
        features_ND: features, shape (N, D), any real dtype; one row a sample, no image twice.
        num_clusters: clusters of k-means; sqrt(N), rounded, if left out.
        seed: chooses the first centres and the halves.

    Returns:
        Both parts. NaN where `cluster_learnability` and `intrinsic_dimension` are.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> clumps = np.repeat(10 * np.eye(8), 50, axis=0) + rng.standard_normal((400, 8)) / 10
        >>> clid(clumps, num_clusters=8).cluster_learnability
        1.0

    Source: Y. Lu et al., "Using representation expressiveness and learnability to evaluate
    self-supervised learning methods", TMLR 2023.
    """
    x_ND = _on_host(features_ND)
    return CLID(
        cluster_learnability(x_ND, num_clusters=num_clusters, seed=seed),
        intrinsic_dimension(x_ND),
    )


def cluster_learnability(
    features_ND: Array, *, num_clusters: int | None = None, seed: int = 0
) -> float:
    """How well the nearest neighbour predicts the cluster of a sample.

    All samples are clustered by k-means; one random half is then classified by the nearest
    neighbour in the other half, and the other way round.

    How to read it: 1 is clusters with clear gaps. Evenly spread noise is lower the more dimensions
    it has. Blind spot: collapsed features are easy to learn, too.

    Args:
        features_ND: features, shape (N, D), any real dtype; one row a sample.
        num_clusters: clusters of k-means; sqrt(N), rounded, if left out. Never more than there are
            different rows.
        seed: chooses the first centres and the halves.

    Returns:
        Accuracy, 0 to 1; 1 if all rows are equal. NaN with fewer than two rows, or if a feature is
        not finite.

    Raises:
        ValueError: if the number of clusters is below 1.

    Example:
        >>> cluster_learnability(np.repeat(np.eye(4), 25, axis=0), num_clusters=4)
        1.0
    """
    x_ND = _on_host(features_ND)
    num_rows = len(x_ND)
    if num_clusters is not None and num_clusters < 1:
        raise ValueError(
            f"expected at least one cluster, got {num_clusters}; leave it out for sqrt(N)"
        )
    if num_rows < 2 or not np.isfinite(x_ND).all():
        return float("nan")
    try:
        from sklearn.cluster import KMeans
        from sklearn.neighbors import KNeighborsClassifier
    except ModuleNotFoundError:
        missing("scikit-learn", "torch")
    wanted = round(num_rows**0.5) if num_clusters is None else num_clusters
    k = min(wanted, len(np.unique(x_ND, axis=0)))
    labels_N = KMeans(n_clusters=k, n_init=1, random_state=seed).fit_predict(x_ND)
    halves = np.array_split(np.random.default_rng(seed).permutation(num_rows), 2)
    num_right = 0
    for train, test in (halves, halves[::-1]):
        neighbour = KNeighborsClassifier(n_neighbors=1).fit(x_ND[train], labels_N[train])
        num_right += int(np.sum(neighbour.predict(x_ND[test]) == labels_N[test]))
    return num_right / num_rows


def intrinsic_dimension(features_ND: Array) -> float:
    """Dimension of the surface that the features lie on, from two nearest neighbours (TwoNN).

        -log(1 - F(mu)) = d log mu,   mu = (distance to the second) / (distance to the nearest)

    d is the slope through 0 of the empirical distribution F, without the largest tenth of mu.

    How to read it: a line has 1, a plane 2, however curved and in however many dimensions it lies.
    It falls in collapse. Blind spot: above about 20 dimensions it needs exponentially many samples
    and comes out too low; noise and duplicates of the data change it, as it looks at the smallest
    scale there is.

    Args:
        features_ND: features, shape (N, D), any real dtype; one row a sample.

    Returns:
        In dimensions, above 0. Samples that have an exact double are left out. NaN with fewer than
        three samples left, if all neighbours are equally far, or if a feature is not finite.

    Example:
        >>> angle = 2 * np.pi * np.random.default_rng(0).random(1000)
        >>> round(intrinsic_dimension(np.stack([np.cos(angle), np.sin(angle)], axis=1)), 1)
        1.0

    Source: E. Facco et al., "Estimating the intrinsic dimension of datasets by a minimal
    neighborhood information", Scientific Reports 2017.
    """
    x_ND = _on_host(features_ND)
    if len(x_ND) < 3 or not np.isfinite(x_ND).all():
        return float("nan")
    try:
        from sklearn.neighbors import NearestNeighbors
    except ModuleNotFoundError:
        missing("scikit-learn", "torch")
    distances, _ = NearestNeighbors(n_neighbors=2).fit(x_ND).kneighbors()
    distances = distances[distances[:, 0] > 0]
    num_left = len(distances)
    if num_left < 3:
        return float("nan")
    log_mu = np.sort(np.log(distances[:, 1] / distances[:, 0]))
    num_kept = max(int(num_left * (1 - DISCARDED_FRAC)), 2)
    log_mu = log_mu[:num_kept]
    tail = -np.log1p(-np.arange(1, num_kept + 1) / num_left)
    squares = float(log_mu @ log_mu)
    return float(log_mu @ tail) / squares if squares > 0 else float("nan")


def _on_host(features_ND: Array) -> NDArray[np.float64]:
    """Features as a matrix of float64 in units of their largest magnitude."""
    require_rows(features_ND)
    x_ND: NDArray[Any] = np.asarray(to_numpy(features_ND), np.float64)
    largest = float(np.max(np.abs(x_ND), initial=0.0))
    return x_ND / largest if 0 < largest < float("inf") else x_ND
