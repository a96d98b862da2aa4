"""How well predicted features agree with their targets, and where."""

from __future__ import annotations

import math
from typing import NamedTuple

from sightline.diagnostics.precision import Array, measuring, require_rows
from sightline.diagnostics.similarity import cosine_similarity


class Agreement(NamedTuple):
    """Agreement of predictions with targets; each a 0-d array.

    Args:
        cosine_mean: Mean cosine similarity, in [-1, 1].
        cosine_std: Its standard deviation over the predictions.
        cosine_min: The worst.
        cosine_max: The best.
        normalized_mse: Squared error over the spread of the targets; 1 is what their mean scores.
    """

    cosine_mean: Array
    cosine_std: Array
    cosine_min: Array
    cosine_max: Array
    normalized_mse: Array


def prediction_agreement(
    prediction_ND: Array, target_ND: Array, weight_N: Array | None = None
) -> Agreement:
    """Cosine similarity and normalised squared error of predictions against targets.

        normalized_mse = sum_n w_n |p_n - t_n|^2 / sum_n w_n |t_n - mean t|^2

    How to read it: the cosine rises and the error falls below 1: the mean target would score 1.
    Blind spot: targets that have collapsed onto one vector give a cosine near 1; the error is then
    measured against nothing, and stays high. Read both.

    Args:
        prediction_ND: Predictions, shape (N, D), any real dtype.
        target_ND: Targets, same shape.
        weight_N: Weight of each row, at least 0, or a mask, shape (N,); all count alike if None.
            Rows of weight 0 may hold anything, NaN included.

    Returns:
        The agreement. All NaN if no row counts; the error is NaN if the targets are all alike.

    Raises:
        ValueError: If the shapes do not fit.

    Example:
        >>> import numpy as np
        >>> target = np.array([[1.0, 0.0], [0.0, 1.0], [9.0, 9.0]])
        >>> scored = np.array([True, True, False])
        >>> found = prediction_agreement(np.ones((3, 2)), target, scored)
        >>> float(found.cosine_mean.round(4)), float(found.normalized_mse)
        (0.7071, 2.0)
    """
    num_rows, _ = require_rows(target_ND)
    if weight_N is not None and tuple(weight_N.shape) != (num_rows,):
        raise ValueError(
            f"expected one weight a row, shape ({num_rows},), got {tuple(weight_N.shape)}; "
            "flatten mask and features alike"
        )
    cosine_N = cosine_similarity(prediction_ND, target_ND)
    with measuring(prediction_ND, target_ND, cosine_N) as (xp, p_ND, t_ND, cosine):
        weight = xp.ones_like(cosine) if weight_N is None else xp.astype(weight_N, cosine.dtype)
        if num_rows == 0:
            nothing = xp.sum(cosine) * float("nan")
            return Agreement(nothing, nothing, nothing, nothing, nothing)
        counts = weight > 0
        total = xp.sum(weight)
        weight = weight / xp.where(total > 0, total, float("nan"))
        cosine = xp.where(counts, cosine, 0.0)
        p_ND = xp.where(counts[:, None], p_ND, 0.0)
        t_ND = xp.where(counts[:, None], t_ND, 0.0)
        mean = xp.sum(weight * cosine)
        undefined = total / xp.where(total > 0, total, float("nan"))  # 1, or NaN if nothing counts
        center_D = xp.sum(weight[:, None] * t_ND, axis=0)
        spread = xp.sum(weight * xp.sum((t_ND - center_D) ** 2, axis=1))
        error = xp.sum(weight * xp.sum((p_ND - t_ND) ** 2, axis=1))
        return Agreement(
            cosine_mean=mean,
            cosine_std=xp.sqrt(xp.sum(weight * (cosine - mean) ** 2)),
            cosine_min=xp.min(xp.where(counts, cosine, float("inf"))) * undefined,
            cosine_max=xp.max(xp.where(counts, cosine, -float("inf"))) * undefined,
            normalized_mse=error / xp.where(spread > 0, spread, float("nan")),
        )


def agreement_by_position(cosine_BHW: Array, scored_BHW: Array) -> Array:
    """Mean agreement at each position of the grid.

    How to read it: the border is harder than the middle. A single dark row or column is a fault of
    the masks or of the position embedding.

    Args:
        cosine_BHW: Agreement of each patch, shape (B, H, W).
        scored_BHW: True where a patch was predicted, same shape, bool.

    Returns:
        Array of shape (H, W); NaN where no patch was predicted.

    Example:
        >>> import numpy as np
        >>> cosine = np.array([[[1.0, 0.5]], [[0.0, 0.9]]])
        >>> agreement_by_position(cosine, np.array([[[True, False]], [[True, False]]])).tolist()
        [[0.5, nan]]
    """
    _require_one_shape(cosine_BHW, scored_BHW)
    with measuring(cosine_BHW, scored_BHW) as (xp, cosine, scored):
        times_HW = xp.sum(scored, axis=0)
        total_HW = xp.sum(xp.where(scored > 0, cosine, 0.0), axis=0)
        return total_HW / xp.where(times_HW > 0, times_HW, float("nan"))


class Extremes(NamedTuple):
    """The patches predicted worst and best, as positions in the flattened (B, H, W).

    Args:
        hardest_K: Lowest agreement first, shape (K,), integer; -1 where fewer were predicted.
        easiest_K: Highest agreement first, likewise.
    """

    hardest_K: Array
    easiest_K: Array


def hardest_and_easiest(cosine_BHW: Array, scored_BHW: Array, k: int) -> Extremes:
    """Find the patches that were predicted worst and best.

    How to read it: hard patches should be the ones with detail. Easy ones that are all sky or
    margin say that the mean agreement is earned there.

    Args:
        cosine_BHW: Agreement of each patch, shape (B, H, W).
        scored_BHW: True where a patch was predicted, same shape, bool.
        k: How many of each, at least 1.

    Returns:
        The positions, `min(k, B * H * W)` of each; `np.unravel_index` turns them into image, row
        and column.

    Raises:
        ValueError: If the shapes differ or k is below 1.

    Example:
        >>> import numpy as np
        >>> cosine = np.array([[[0.9, 0.1, 0.5]]])
        >>> found = hardest_and_easiest(cosine, np.array([[[False, True, True]]]), 1)
        >>> found.hardest_K.tolist(), found.easiest_K.tolist()
        ([1], [2])
    """
    _require_one_shape(cosine_BHW, scored_BHW)
    if k < 1:
        raise ValueError(f"expected k of at least 1, got {k}; ask for one patch or more")
    with measuring(cosine_BHW, scored_BHW) as (xp, cosine, scored):
        counts_P = xp.reshape(scored, (-1,)) > 0
        cosine_P = xp.reshape(cosine, (-1,))

        def lowest(value_P: Array) -> Array:
            order_K = xp.argsort(xp.where(counts_P, value_P, float("inf")), stable=True)[:k]
            return xp.where(xp.take(counts_P, order_K), order_K, -1)

        return Extremes(lowest(cosine_P), lowest(-cosine_P))


def _require_one_shape(cosine_BHW: Array, scored_BHW: Array) -> None:
    shape = tuple(cosine_BHW.shape)
    if len(shape) != 3 or shape != tuple(scored_BHW.shape) or not math.prod(shape[1:]):
        raise ValueError(
            f"expected agreement and mask of one shape (B, H, W), got {shape} and "
            f"{tuple(scored_BHW.shape)}; pass both over the same grid"
        )
