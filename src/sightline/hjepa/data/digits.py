"""Handwritten digits, which come with scikit-learn."""

from __future__ import annotations

import numpy as np
import torch

from sightline.hjepa.data.images import ImageSet


def load_digits() -> tuple[ImageSet, ImageSet]:
    """Handwritten digits: 1,797 real scans of 8 x 8 pixels in ten classes.

    The split is stratified and always the same: 1,437 images to train on and 360 to test on.

    Returns:
        Training and test images, one channel.

    Source: Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits (UCI), as bundled
    with scikit-learn.
    """
    from sklearn.datasets import load_digits as load_scans
    from sklearn.model_selection import train_test_split

    scans = load_scans()
    images = np.rint(scans.images * (255 / 16)).astype(np.uint8)[:, None]
    names = tuple(str(name) for name in scans.target_names)
    halves = train_test_split(
        np.arange(len(images)), test_size=0.2, stratify=scans.target, random_state=0
    )
    train, test = (
        ImageSet(torch.from_numpy(images[half]), torch.from_numpy(scans.target[half]), names)
        for half in halves
    )
    return train, test
