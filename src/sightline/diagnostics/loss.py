"""How the parts of a weighted loss share the whole."""

from __future__ import annotations

from sightline.diagnostics.precision import Array, measuring


def contributions(losses_L: Array, weights_L: Array) -> Array:
    """Share of each level in the weighted sum of the losses.

        share_l = 100 w_l L_l / sum_k w_k L_k

    How to read it: no level should own the objective; above 90 the others train for show. Blind
    spot: it speaks of loss values, not of gradients.

    Args:
        losses_L: unweighted loss of each level, shape (L,), at least 0.
        weights_L: weight of each level, shape (L,), at least 0, same namespace and device.

    Returns:
        Array of shape (L,), in %, adding up to 100. All NaN if the sum is 0 or a loss is not
        finite.

    Raises:
        ValueError: if the two are not vectors of one length.

    Example:
        >>> import numpy as np
        >>> contributions(np.array([0.3, 0.1, 0.2]), np.array([1.0, 1.0, 0.5])).round(6).tolist()
        [60.0, 20.0, 20.0]
    """
    if len(losses_L.shape) != 1 or tuple(losses_L.shape) != tuple(weights_L.shape):
        raise ValueError(
            f"expected losses and weights of one shape (L,), got {tuple(losses_L.shape)} and "
            f"{tuple(weights_L.shape)}; stack the levels' losses and give one weight a level"
        )
    with measuring(losses_L, weights_L) as (xp, losses, weights):
        weighted_L = losses * weights
        total = xp.sum(weighted_L)
        return 100.0 * weighted_L / xp.where(total > 0, total, float("nan"))
