"""Gram matrices: which rows are similar to which."""

from __future__ import annotations

from sightline.diagnostics.precision import Array, measuring, require_rows
from sightline.diagnostics.similarity import unit_rows


def gram(features_ND: Array) -> Array:
    """Cosine similarity of every row with every row.

        G_ij = z_i . z_j / (|z_i| |z_j|)

    How to read it: for the patches of one image, blocks are regions that look alike to the model;
    all ones is collapse, the identity means that no patch has to do with another. Beside the Gram
    matrix of the targets it shows which relations a predictor gets wrong. Blind spot: any rotation
    of the features has the same Gram matrix.

    Cost: one N x N product, O(N^2 D) time and O(N^2) memory; on one CPU core 3 ms at
    512 x 384.

    Args:
        features_ND: features, shape (N, D), any real dtype.

    Returns:
        Array of shape (N, N), symmetric, in [-1, 1]; the diagonal is 1. A row of zeros has
        similarity 0 with everything, itself included; a row that is not finite has NaN.

    Example:
        >>> import numpy as np
        >>> gram(np.array([[2.0, 0.0], [3.0, 3.0]])).round(4).tolist()
        [[1.0, 0.7071], [0.7071, 1.0]]
    """
    require_rows(features_ND)
    with measuring(features_ND) as (xp, x_ND):
        if x_ND.shape[0] == 0:
            return x_ND @ x_ND.T
        u_ND = unit_rows(xp, x_ND)
        return xp.clip(u_ND @ u_ND.T, -1.0, 1.0)


def gram_distance(a_NN: Array, b_NN: Array) -> Array:
    """Difference of two Gram matrices, relative to their size.

        |A - B|_F / (|A|_F + |B|_F)

    How to read it: 0 is the same relations between rows, 1 the largest there can be. For
    predictions and targets it should fall. Blind spot: the ones on the diagonals cancel in the
    difference and count in the sizes, so with few rows the number is small; compare at one N.

    Cost: O(N^2), nothing waits for the device.

    Args:
        a_NN: Gram matrix, shape (N, N), any real dtype.
        b_NN: Gram matrix of the same rows, same shape.

    Returns:
        0-d array, in [0, 1]; 0 for two matrices of zeros. NaN if a value is not finite.

    Raises:
        ValueError: if the two are not square matrices of one shape.

    Example:
        >>> import numpy as np
        >>> apart, together = np.eye(2), np.ones((2, 2))
        >>> round(float(gram_distance(apart, together)), 4)     # sqrt(2) / (sqrt(2) + 2)
        0.4142

    Source: the Frobenius distance of patch Gram matrices is what O. Siméoni et al., "DINOv3", 2025,
    minimise as Gram anchoring.
    """
    shape = tuple(a_NN.shape)
    if shape != tuple(b_NN.shape) or len(shape) != 2 or shape[0] != shape[1]:
        raise ValueError(
            f"expected two Gram matrices of one shape (N, N), got {shape} and "
            f"{tuple(b_NN.shape)}; pass gram(a), gram(b) of the same rows"
        )
    with measuring(a_NN, b_NN) as (xp, a_NN, b_NN):
        difference_NN = a_NN - b_NN
        difference, a, b = (xp.sqrt(xp.sum(x_NN * x_NN)) for x_NN in (difference_NN, a_NN, b_NN))
        size = a + b
        return difference / xp.where(size == 0, 1.0, size)
