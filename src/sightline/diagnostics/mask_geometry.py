"""The shape of masks: their blocks, the area and proportions of those, and how they overlap.

Finding connected blocks is a walk over the grid, so this runs on the host, on NumPy arrays, with
SciPy's labelling. It is for a picture now and then, not for every step. Masks of another shape
than named are a ValueError.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sightline._optional import missing

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


class Blocks(NamedTuple):
    """The connected blocks of a batch of masks; K blocks in all.

    Args:
        image_K: Image that each belongs to, shape (K,), int64.
        area_K: Its share of the grid, shape (K,), in (0, 1].
        aspect_K: Height over width of its bounding box, shape (K,).
        count_B: Blocks of each image, shape (B,), int64.
    """

    image_K: NDArray[np.int64]
    area_K: Floats
    aspect_K: Floats
    count_B: NDArray[np.int64]


def connected_blocks(mask_BHW: Bools) -> Blocks:
    """Find the blocks of each mask: patches that touch by an edge.

    How to read it: areas and aspect ratios should fill the configured ranges. Blind spot: blocks
    that touch or overlap are one; count what was drawn with `block_overlap`. For a context, more
    than one block means that targets cut it into fragments.

    Args:
        mask_BHW: True where a patch is selected, shape (B, H, W), bool.

    Returns:
        The blocks, image by image.

    Example:
        >>> mask = np.zeros((1, 4, 4), bool)
        >>> mask[0, :2, :1] = mask[0, 3, 2:] = True
        >>> blocks = connected_blocks(mask)
        >>> blocks.count_B.tolist(), blocks.area_K.tolist(), blocks.aspect_K.tolist()
        ([2], [0.125, 0.125], [2.0, 0.5])
    """
    try:
        from scipy import ndimage  # type: ignore[import-untyped]  # SciPy ships no types
    except ModuleNotFoundError:
        missing("scipy", extra="torch")
    masks = _require(mask_BHW, "(B, H, W)")
    images, areas, aspects, counts = [], [], [], []
    for image, mask_HW in enumerate(masks):
        labels_HW, count = ndimage.label(mask_HW)
        counts.append(count)
        sizes = np.bincount(labels_HW.ravel(), minlength=count + 1)[1:]
        for size, (rows, columns) in zip(sizes, ndimage.find_objects(labels_HW), strict=True):
            images.append(image)
            areas.append(size / mask_HW.size)
            aspects.append((rows.stop - rows.start) / (columns.stop - columns.start))
    return Blocks(
        np.array(images, np.int64),
        np.array(areas, np.float64),
        np.array(aspects, np.float64),
        np.array(counts, np.int64),
    )


def block_shapes(blocks_BKHW: Bools) -> Blocks:
    """Measure blocks that are known one by one, whether they touch or not.

    Args:
        blocks_BKHW: True where a patch is in a block, shape (B, K, H, W), bool. Empty blocks are
            left out.

    Returns:
        The blocks, image by image.

    Example:
        >>> blocks = np.zeros((1, 2, 4, 4), bool)
        >>> blocks[0, 0, :2, :4] = True
        >>> shapes = block_shapes(blocks)
        >>> shapes.count_B.tolist(), shapes.area_K.tolist(), shapes.aspect_K.tolist()
        ([1], [0.5], [0.5])
    """
    blocks = _require(blocks_BKHW, "(B, K, H, W)")
    height_BK, width_BK = blocks.any(3).sum(2), blocks.any(2).sum(2)
    used_BK = height_BK > 0
    return Blocks(
        np.nonzero(used_BK)[0],
        blocks.mean((2, 3), dtype=np.float64)[used_BK],
        height_BK[used_BK] / width_BK[used_BK],
        used_BK.sum(1),
    )


def coverage(mask_BHW: Bools) -> Floats:
    """How often each position is selected.

    How to read it: blocks reach the middle more often than the border. A position at 0 is never
    learned from.

    Args:
        mask_BHW: True where a patch is selected, shape (B, H, W), bool.

    Returns:
        Share of the images, shape (H, W), in [0, 1]; NaN for an empty batch.

    Example:
        >>> coverage(np.array([[[True, False]], [[True, True]]])).tolist()
        [[1.0, 0.5]]
    """
    masks = _require(mask_BHW, "(B, H, W)")
    if not len(masks):
        return np.full(masks.shape[1:], np.nan)
    return np.asarray(masks.mean(axis=0, dtype=np.float64))


def block_overlap(blocks_BKHW: Bools) -> Floats:
    """Share of the selected positions of each image that more than one block selects.

    How to read it: 0 is disjoint. Much overlap means that fewer patches are hidden than the block
    sizes promise.

    Args:
        blocks_BKHW: Each block as a mask of its own, shape (B, K, H, W), bool.

    Returns:
        Array of shape (B,), in [0, 1]; NaN where nothing is selected.

    Example:
        >>> blocks = np.array([[[[True, True, False]], [[False, True, True]]]])
        >>> block_overlap(blocks).round(3).tolist()
        [0.333]
    """
    times_BHW = _require(blocks_BKHW, "(B, K, H, W)").sum(axis=1)
    union_B = (times_BHW > 0).sum(axis=(1, 2)).astype(np.float64)
    union_B[union_B == 0] = np.nan
    return np.asarray((times_BHW > 1).sum(axis=(1, 2)) / union_B)


def _require(mask: Bools, form: str) -> Bools:
    masks = np.asarray(mask, np.bool_)
    if masks.ndim != form.count(",") + 1 or 0 in masks.shape[-2:]:
        raise ValueError(
            f"expected masks of shape {form}, got {masks.shape}; bring them to the grid first"
        )
    return masks
