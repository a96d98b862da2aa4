"""Whether a mask was drawn before in the run, by a number that stands for it.

Masks stay on their device; a bounded history of their hashes is compared with each batch.
"""

from __future__ import annotations

import math

from array_api_compat import array_namespace, device, is_jax_array

from sightline.diagnostics.precision import Array


def mask_hashes(target_BHW: Array) -> Array:
    """A number for each mask, the same for equal masks.

    The sum, with wrap-around, of a pseudo-random number for each selected position. Two different
    masks collide with a chance of about 2^-64 (2^-32 where JAX holds integers of 32 bits).

    Args:
        target_BHW: True where a patch is a target, shape (B, H, W) or (B, N), bool.

    Returns:
        Array of shape (B,), int64; int32 for JAX without x64.

    Raises:
        ValueError: If the masks have no batch axis.

    Example:
        >>> import numpy as np
        >>> a, b, c = mask_hashes(np.array([[True, False], [False, True], [True, False]]))
        >>> bool(a == c), bool(a == b)
        (True, False)
    """
    shape = tuple(target_BHW.shape)
    if len(shape) not in (2, 3):
        raise ValueError(
            f"expected masks of shape (B, H, W) or (B, N), got {shape}; "
            "add a batch axis to the mask of a single image"
        )
    xp = array_namespace(target_BHW)
    num_positions = math.prod(shape[1:])
    is_narrow = is_jax_array(target_BHW) and xp.asarray([0]).dtype == xp.int32
    dtype = xp.int32 if is_narrow else xp.int64
    where = None if is_jax_array(target_BHW) else device(target_BHW)
    # A multiplier and a shift, three times: steps of the mixers of splitmix64 and murmur3.
    number_N = xp.arange(1, num_positions + 1, dtype=dtype, device=where)
    factors = (-1640531535, -2048144789, -1028477387)
    if not is_narrow:
        factors = (-7046029254386353131, -4658895280553007687, -7723592293110705685)
    for factor in factors:
        number_N = number_N * factor
        number_N = number_N ^ (number_N >> (15 if is_narrow else 31))
    mask_BN = xp.reshape(target_BHW, (shape[0], num_positions))
    return xp.sum(xp.where(mask_BN, number_N, xp.zeros_like(number_N)), axis=1, dtype=dtype)


def seen_before(hashes_B: Array, history_M: Array) -> Array:
    """Which masks equal one of the history or an earlier one of the batch.

    How to read it: the mean over a batch is the share of repeats; near 0 on large grids. Above 0.5
    the sampler is stuck: one mask for all, or a generator that is seeded anew. Blind spot: on small
    grids repeats are chance, and a history forgets.

    Cost: B (M + B) comparisons.

    Args:
        hashes_B: Hashes of this batch, shape (B,) (see `mask_hashes`).
        history_M: Hashes of earlier masks, shape (M,); `hashes_B[:0]` at the start.

    Returns:
        Array of shape (B,), bool.

    Example:
        >>> import numpy as np
        >>> seen_before(np.array([4, 5, 5, 6]), np.array([6, 7])).tolist()
        [False, False, True, True]
    """
    xp = array_namespace(hashes_B, history_M)
    within_BB = hashes_B[:, None] == hashes_B[None, :]
    earlier_BB = xp.tril(xp.astype(within_BB, xp.int32), k=-1) > 0
    return xp.any(xp.concat([hashes_B[:, None] == history_M[None, :], earlier_BB], axis=1), axis=1)


def share_unchanged(hashes_B: Array, before_B: Array) -> Array:
    """Share of the masks that equal that of their place in the last batch, or their neighbour's.

    max(mean_i [h_i = b_i], mean_i [h_i = h_(i-1)]), h the hashes of this batch and b those before.

    How to read it: chance is the odds that two masks are equal, 1% on 4 x 4 patches with two blocks
    and 13% on 2 x 2, so that a value near 1 is a fault on any grid: a generator that is seeded anew
    at each step, or one mask for the whole batch. Blind spot: a generator with a period of more
    than one batch; `seen_before` finds that, on grids with many masks.

    Cost: two comparisons a mask.

    Args:
        hashes_B: Hashes of this batch, shape (B,) (see `mask_hashes`).
        before_B: Hashes of the batch before, shape (B,); of another length, it is left out.

    Returns:
        0-d float32 array, 0 to 1; 0 where there is nothing to compare with.

    Example:
        >>> import numpy as np
        >>> float(share_unchanged(np.array([4, 5, 6, 6]), np.array([4, 5, 6, 7])))
        0.75
    """
    xp = array_namespace(hashes_B, before_B)
    pairs = [(hashes_B[1:], hashes_B[:-1]), (hashes_B, before_B)]
    shares = [
        xp.mean(xp.astype(one == other, xp.float32))
        for one, other in pairs
        if one.shape == other.shape and one.shape[0] > 0
    ]
    return xp.max(xp.stack(shares)) if shares else xp.sum(xp.astype(hashes_B[:0], xp.float32))


def remember(history_M: Array, hashes_B: Array, *, at_most: int = 4096) -> Array:
    """Add the masks of a batch to the history; the oldest are forgotten.

    Args:
        history_M: Hashes of earlier masks, shape (M,).
        hashes_B: Hashes of this batch, shape (B,).
        at_most: Length that the history may have, at least 1.

    Returns:
        The new history.

    Raises:
        ValueError: If `at_most` is below 1.

    Example:
        >>> import numpy as np
        >>> remember(np.array([1, 2]), np.array([3, 4]), at_most=3).tolist()
        [2, 3, 4]
    """
    if at_most < 1:
        raise ValueError(f"expected at_most of at least 1, got {at_most}; keep one mask or more")
    xp = array_namespace(history_M, hashes_B)
    return xp.concat([history_M, hashes_B])[-at_most:]
