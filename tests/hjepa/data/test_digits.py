import zlib

import numpy as np
import pytest
import torch

from sightline.hjepa.data import load_digits, load_images
from sightline.hjepa.data_config import DataConfig


def test_the_digits_are_all_there_and_divided_once():
    train, test = load_digits()
    assert (len(train), len(test)) == (1437, 360)
    rows = torch.cat([train.images_NCHW, test.images_NCHW]).flatten(1)
    from sklearn.datasets import load_digits as load_scans

    scans = np.rint(load_scans().images * 255 / 16).astype(np.uint8).reshape(1797, 64)
    assert sorted(map(bytes, rows.numpy())) == sorted(map(bytes, scans))
    assert not set(map(bytes, rows[:1437].numpy())) & set(map(bytes, rows[1437:].numpy()))


def test_every_digit_keeps_its_label():
    from sklearn.datasets import load_digits as load_scans

    scans = load_scans()
    label_of = {
        bytes(np.rint(image * 255 / 16).astype(np.uint8)): label
        for image, label in zip(scans.images, scans.target, strict=True)
    }
    for part in load_digits():
        expected = [label_of[bytes(image)] for image in part.images_NCHW.numpy()]
        assert part.labels_N.tolist() == expected
        assert part.class_names == tuple("0123456789")


def test_digits_are_one_channel_of_8_bit_pixels_over_the_full_range():
    for part in load_digits():
        assert part.images_NCHW.shape[1:] == (1, 8, 8)
        assert part.images_NCHW.dtype == torch.uint8
        assert part.labels_N.dtype == torch.int64
        assert (int(part.images_NCHW.min()), int(part.images_NCHW.max())) == (0, 255)


def test_the_split_is_stratified():
    train, test = (part.labels_N.bincount(minlength=10).double() for part in load_digits())
    assert torch.allclose(train / (train + test), torch.tensor(0.8).double(), atol=0.01)


def test_the_split_is_the_same_in_every_release():
    # Scores of different versions can be compared only on the same images.
    sums = [zlib.crc32(part.images_NCHW.numpy().tobytes()) for part in load_digits()]
    assert sums == [82879709, 2422666898]


def test_digits_of_another_size_are_refused():
    with pytest.raises(ValueError, match="for the digits, got 16"):
        load_images(DataConfig(image_size=16))
