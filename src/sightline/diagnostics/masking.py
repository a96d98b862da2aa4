"""What the masks of a batch do: how much they hide, whether they leak, what they reach.

Masks are batches (B, H, W) or (B, N); any other shape, or two that differ, is a ValueError.
"""

from __future__ import annotations

from sightline.diagnostics.precision import Array, measuring


def mask_ratio(target_BHW: Array) -> Array:
    """Share of patch positions that are prediction targets, over the whole batch.

    How to read it: it should stay in the range that the block sizes imply. Low makes the task
    trivial, high leaves nothing to predict from. Blind spot: it is a mean over the batch; single
    images vary around it.

    Args:
        target_BHW: True where a patch is a target, shape (B, H, W) or (B, N), bool.

    Returns:
        0-d array, in [0, 1]. NaN for an empty batch.

    Example:
        >>> import numpy as np
        >>> float(mask_ratio(np.array([[True, True, False, False], [True, False, False, False]])))
        0.375
    """
    num_images, num_positions = _require_masks(target_BHW)
    with measuring(target_BHW) as (xp, target):
        return xp.sum(target) * _over(num_images * num_positions)


def patches_per_image(mask_BHW: Array) -> Array:
    """Mean number of patches that the mask selects in an image.

    Args:
        mask_BHW: True where a patch is selected, shape (B, H, W) or (B, N), bool.

    Returns:
        0-d array, in patches. NaN for an empty batch.

    Example:
        >>> import numpy as np
        >>> float(patches_per_image(np.ones((2, 4, 4), bool)))
        16.0
    """
    num_images, _ = _require_masks(mask_BHW)
    with measuring(mask_BHW) as (xp, mask):
        return xp.sum(mask) * _over(num_images)


def context_target_overlap(context_BHW: Array, target_BHW: Array) -> Array:
    """Share of the target patches that the context encoder also sees.

    How to read it: it must be 0. Anything above is a leak: the model copies what it should predict,
    and the loss falls without learning.

    Args:
        context_BHW: True where a patch is context, shape (B, H, W) or (B, N), bool.
        target_BHW: True where a patch is a target, same shape.

    Returns:
        0-d array, in [0, 1]. NaN if there is no target.

    Example:
        >>> import numpy as np
        >>> context = np.array([[True, True, False, False]])
        >>> float(context_target_overlap(context, np.array([[False, True, True, False]])))
        0.5
    """
    return _share(context_BHW, target_BHW)


def context_kept_frac(context_BHW: Array, eligible_BHW: Array) -> Array:
    """Share of the eligible context patches that the encoder really gets.

    Eligible are the patches of the context block that no target covers. Some get lost where a batch
    is cut to the length of its shortest context.

    How to read it: at least 0.95; less is thrown-away signal, and usually from the same rows of
    every image.

    Args:
        context_BHW: True where a patch is fed to the encoder, shape (B, H, W) or (B, N), bool.
        eligible_BHW: True where a patch could be, same shape.

    Returns:
        0-d array, in [0, 1]. NaN if nothing is eligible.

    Example:
        >>> import numpy as np
        >>> eligible = np.ones((1, 4), bool)
        >>> float(context_kept_frac(np.array([[True, True, True, False]]), eligible))
        0.75
    """
    return _share(context_BHW, eligible_BHW)


def times_masked(target_BHW: Array) -> Array:
    """How often each position is a target in this batch; add it up over batches for the coverage.

    Args:
        target_BHW: True where a patch is a target, shape (B, H, W) or (B, N), bool.

    Returns:
        Array of shape (H, W) or (N,), float32: whole numbers, exact up to 2^24.

    Example:
        >>> import numpy as np
        >>> times_masked(np.array([[True, False], [True, True]])).tolist()
        [2.0, 1.0]
    """
    _require_masks(target_BHW)
    with measuring(target_BHW) as (xp, target):
        return xp.sum(target, axis=0)


def coverage_min_max_ratio(counts_HW: Array) -> Array:
    """How often the least masked position was masked, over the most masked one.

    How to read it: blocks reach the middle more often than the border, so 0.1 to 0.5 is normal. 0
    after 1,000 images means that some position is never a target, mostly the last row or column.

    Args:
        counts_HW: how often each position was a target so far, any shape (see `times_masked`).

    Returns:
        0-d array, in [0, 1]. NaN if nothing was masked yet.

    Example:
        >>> import numpy as np
        >>> float(coverage_min_max_ratio(np.array([[8, 4], [2, 6]])))
        0.25
    """
    with measuring(counts_HW) as (xp, counts):
        most = xp.max(counts)
        return xp.min(counts) / xp.where(most > 0, most, float("nan"))


def repeated_frac(target_BHW: Array) -> Array:
    """Share of the images whose mask equals that of an earlier image of the batch.

    How to read it: near 0. Above 0.5 the sampler is stuck: one mask is shared by the batch, or the
    generator is seeded anew for every image. On very small grids some repeats are chance.

    Cost: one B x B product.

    Args:
        target_BHW: True where a patch is a target, shape (B, H, W) or (B, N), bool.

    Returns:
        0-d array, in [0, 1). NaN for an empty batch.

    Example:
        >>> import numpy as np
        >>> a, b = [True, False], [False, True]
        >>> float(repeated_frac(np.array([a, b, a, a])))
        0.5
    """
    num_images, num_positions = _require_masks(target_BHW)
    with measuring(target_BHW) as (xp, target):
        signs_BN = xp.reshape(target, (num_images, num_positions)) * 2.0 - 1.0
        if num_images == 0:
            return xp.sum(signs_BN) * float("nan")
        # Two masks are equal where the product of their signs is 1 at every position.
        agreement_BB = signs_BN @ signs_BN.T
        equal_BB = agreement_BB == num_positions
        earlier_BB = xp.tril(xp.ones_like(agreement_BB), k=-1) > 0
        seen_B = xp.any(equal_BB & earlier_BB, axis=1)
        return xp.mean(xp.astype(seen_B, signs_BN.dtype))


def _share(part_BHW: Array, whole_BHW: Array) -> Array:
    _require_masks(part_BHW)
    if tuple(part_BHW.shape) != tuple(whole_BHW.shape):
        raise ValueError(
            f"expected two masks of one shape, got {tuple(part_BHW.shape)} and "
            f"{tuple(whole_BHW.shape)}; pass both over the same patch grid"
        )
    with measuring(part_BHW, whole_BHW) as (xp, part, whole):
        total = xp.sum(whole)
        return xp.sum(part * whole) / xp.where(total > 0, total, float("nan"))


def _require_masks(mask_BHW: Array) -> tuple[int, int]:
    shape = tuple(mask_BHW.shape)
    if len(shape) not in (2, 3) or 0 in shape[1:]:
        raise ValueError(
            f"expected masks of shape (B, H, W) or (B, N), got {shape}; "
            "add a batch axis to the mask of a single image"
        )
    num_positions = 1
    for size in shape[1:]:
        num_positions *= int(size)
    return int(shape[0]), num_positions


def _over(count: int) -> float:
    return 1.0 / count if count else float("nan")
