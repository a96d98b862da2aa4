"""LiDAR: how many directions tell images apart better than views of one image."""

from __future__ import annotations

from sightline.diagnostics.centring import centre
from sightline.diagnostics.precision import Array, measuring
from sightline.diagnostics.spectrum import entropy_rank


def lidar(views_CVD: Array, *, delta: float = 1e-4) -> Array:
    """Entropy rank of the linear discriminant matrix, with each image as a class of its own.

        W = 1/(C V) sum_cv (z_cv - m_c)(z_cv - m_c)^T + delta I     within images
        B = 1/C sum_c (m_c - m)(m_c - m)^T                          between images
        LiDAR = exp(-sum_i p_i log p_i),   p the eigenvalues of W^(-1/2) B W^(-1/2), sum 1

    m_c is the mean over the views of image c, m the mean over all. The views must be of one image:
    several masks or crops of it. Different images of one class, or the rows of a batch cut into
    groups, measure something else.

    How to read it: the ideal is `reachable_rank(C, D)`; 1 is one direction that tells images apart.
    Beside directions that tell images apart, those that vary as much within an image count for
    little; the rank of the features counts both alike. Blind spots: only the shares count, so
    features that are noise in every direction have the full rank; delta has the features' unit
    squared, so features that shrink below a standard deviation of 0.01 are measured against delta
    instead of their own spread.

    Cost: an eigendecomposition of D x D, an SVD of C x D, and O(C V D^2) for W; on one CPU core
    1 ms at 128 x 4 x 64, 46 ms at 512 x 8 x 384. Both solvers make torch on CUDA
    wait for the device. Call it at evaluations.

    Args:
        views_CVD: features, shape (C, V, D): C images, V views of each, any real dtype.
        delta: added to the variance within images, in the features' unit squared, above 0.

    Returns:
        0-d array, in directions, between 1 and min(C - 1, D); 0 if all images have the same mean.
        NaN with fewer than two images or two views, or if a feature is not finite.

    Raises:
        ValueError: if the array has not three axes, has no columns, or delta is not positive.

    Example:
        Two axes tell four images apart; the third varies within each image alone:

        >>> import numpy as np
        >>> images = np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0]])
        >>> views = images[:, None] + np.array([[0, 0, 1.0], [0, 0, -1]])
        >>> round(float(lidar(views)), 6)
        2.0

    Source: V. Thilak et al., "LiDAR: sensing linear probing performance in joint embedding SSL
    architectures", ICLR 2024.
    """
    shape = tuple(views_CVD.shape)
    if len(shape) != 3 or shape[2] == 0:
        raise ValueError(
            f"expected views of shape (C, V, D) with D >= 1, got {shape}; "
            "stack the features of several masks or crops of each image along axis 1"
        )
    if not delta > 0:
        raise ValueError(f"expected delta above 0, got {delta}; 1e-4 is usual")
    num_images, num_views, width = shape
    with measuring(views_CVD) as (xp, x_CVD):
        if num_images < 2 or num_views < 2:
            return xp.sum(x_CVD) * float("nan")
        flat_ND = xp.reshape(x_CVD, (num_images * num_views, width))
        x_ND, scale, floor, finite = centre(xp, flat_ND)
        x_CVD = xp.reshape(x_ND, shape)
        mean_CD = xp.mean(x_CVD, axis=1)
        within_ND = xp.reshape(x_CVD - mean_CD[:, None, :], (num_images * num_views, width))
        within_DD = within_ND.T @ within_ND / (num_images * num_views)
        variance_D, axes_DD = xp.linalg.eigh(within_DD)
        # Delta in the units of x. Past rounding error its size changes nothing, and could overflow.
        eps = float(xp.finfo(x_ND.dtype).eps)
        delta_root = xp.clip(delta**0.5 / scale, eps, 1 / eps)
        deviation_D = xp.sqrt(xp.clip(variance_D, 0.0, None) + delta_root**2)
        s_K = xp.linalg.svdvals((mean_CD @ axes_DD) / deviation_D)
        # The largest that rounding error in the means can become when it is divided.
        s_K = xp.where(s_K > floor / num_views**0.5 / xp.min(deviation_D), s_K, 0.0)
        return xp.where(finite, entropy_rank(xp, s_K * s_K), float("nan"))
