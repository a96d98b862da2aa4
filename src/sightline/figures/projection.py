"""Points of many dimensions in a plane: PCA, t-SNE or UMAP."""

from __future__ import annotations

from importlib import import_module
from typing import Literal, TypeAlias

import numpy as np

from sightline._optional import missing
from sightline.figures.points import Floats

Method: TypeAlias = Literal["pca", "tsne", "umap"]


def project(points_ND: Floats, method: Method, seed: int) -> tuple[Floats, str]:
    """Find two coordinates for each point.

    Args:
        points_ND: finite points, (N, D).
        method: "pca", "tsne" or "umap"; fewer than eight points get PCA whatever it says.
        seed: of t-SNE and UMAP.

    Returns:
        Coordinates, (N, 2), and what is worth a note about them: the share of the variance that
        PCA shows, or that there is none.
    """
    spread = points_ND - points_ND[:1]
    if not spread.any():
        return np.zeros((len(points_ND), 2)), "no spread" if len(points_ND) else "nothing finite"
    spread = spread / np.abs(spread).max()
    if method == "pca" or len(points_ND) < 8:
        return _pca(spread)
    if method == "tsne":
        try:
            from sklearn.manifold import TSNE
        except ModuleNotFoundError:
            missing("scikit-learn", "figures")
        perplexity = min(30.0, (len(points_ND) - 1) / 3)
        tsne = TSNE(2, perplexity=perplexity, init="pca", random_state=seed)
        return tsne.fit_transform(spread), ""
    try:
        umap = import_module("umap")  # ships no types
    except ModuleNotFoundError:
        missing("umap-learn", "umap")
    neighbours = min(15, len(points_ND) - 1)
    mapper = umap.UMAP(n_neighbors=neighbours, random_state=seed, n_jobs=1)
    return mapper.fit_transform(spread), ""


def _pca(points_ND: Floats) -> tuple[Floats, str]:
    try:
        from sklearn.decomposition import PCA
    except ModuleNotFoundError:
        missing("scikit-learn", "figures")
    pca = PCA(min(2, *points_ND.shape), svd_solver="full")
    plane = pca.fit_transform(points_ND)
    share = f"{100 * pca.explained_variance_ratio_.sum():.0f}% of variance"
    return np.pad(plane, ((0, 0), (0, 2 - plane.shape[1]))), share
