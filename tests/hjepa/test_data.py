import itertools
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from sightline.hjepa.data import (
    EpochBatches,
    ImageSet,
    create_dataloaders,
    in_order,
    load_digits,
    load_folder,
    load_images,
)
from sightline.hjepa.data_config import DataConfig

RED, BLUE = (255, 0, 0), (0, 0, 255)


def save(path, colour=RED, *, mode="RGB", size=(8, 8), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).convert(mode).save(path, **options)


def numbers(num):
    """Images whose pixels and labels are their numbers."""
    images = torch.arange(num, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 2, 2)
    return ImageSet(images, torch.arange(num), ("only",))


# Digits.


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


# The order of the training images.


def epoch_of(batches, epoch, first_batch=0):
    batches.start_at(epoch, first_batch)
    return list(batches)


def test_an_epoch_serves_an_image_at_most_once_in_whole_batches():
    batches = EpochBatches(23, 5, seed=0)
    epoch = epoch_of(batches, 0)
    served = [number for batch in epoch for number in batch]
    assert [len(batch) for batch in epoch] == [5] * len(batches) == [5] * 4
    assert len(set(served)) == 20
    assert set(served) <= set(range(23))


def test_the_images_left_over_are_others_in_other_epochs():
    batches = EpochBatches(23, 5, seed=0)
    served = [set().union(*epoch_of(batches, epoch)) for epoch in range(20)]
    assert set().union(*served) == set(range(23))
    assert len(set(map(frozenset, served))) > 1


def test_an_epoch_started_in_the_middle_is_the_tail_of_the_whole():
    batches = EpochBatches(100, 8, seed=0)
    whole = epoch_of(batches, 3)
    for first_batch in (0, 1, 7, len(whole)):
        assert epoch_of(batches, 3, first_batch) == whole[first_batch:]


def test_the_order_is_a_function_of_seed_and_epoch_alone():
    whole = epoch_of(EpochBatches(100, 8, seed=1), 2)
    other = EpochBatches(100, 8, seed=1)
    epoch_of(other, 7)
    torch.rand(100)
    assert epoch_of(other, 2) == whole
    assert epoch_of(other, 3) != whole
    assert epoch_of(EpochBatches(100, 8, seed=2), 2) != whole


def test_fewer_images_than_a_batch_are_refused():
    assert len(EpochBatches(8, 8, seed=0)) == 1
    with pytest.raises(ValueError, match=r"got 7 images and data\.batch_size=8"):
        EpochBatches(7, 8, seed=0)


# Image folders.


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.webp", "a.tiff", "A.PNG"])
@pytest.mark.parametrize("mode", ["RGB", "L", "P", "RGBA"])
def test_images_of_every_mode_become_three_channels(tmp_path, name, mode):
    options = {"lossless": True} if name == "a.webp" else {}
    save(tmp_path / "cat" / name, mode=mode, **options)
    images = load_folder(tmp_path, 8)
    expected = (76, 76, 76) if mode == "L" else RED  # 76 is the luminance of red
    assert images.images_NCHW.shape == (1, 3, 8, 8)
    assert images.images_NCHW.dtype == torch.uint8
    assert torch.equal(
        images.images_NCHW[0], torch.tensor(expected).byte()[:, None, None].expand(3, 8, 8)
    )


@pytest.mark.parametrize("name", ["a.jpg", "a.jpeg", "a.JPG"])
def test_jpeg_files_are_read(tmp_path, name):
    save(tmp_path / "cat" / name, quality=95)
    pixels = load_folder(tmp_path, 8).images_NCHW[0].int()
    assert (pixels - torch.tensor(RED)[:, None, None]).abs().max() <= 2


@pytest.mark.parametrize("size", [(8, 8), (40, 20), (20, 40), (5, 3), (1, 1)])
def test_images_of_every_size_are_brought_to_one(tmp_path, size):
    save(tmp_path / "cat" / "a.png", size=size)
    save(tmp_path / "cat" / "b.png", size=(17, 23))
    assert load_folder(tmp_path, 12).images_NCHW.shape == (2, 3, 12, 12)


def test_the_middle_of_an_oblong_image_is_kept_undistorted(tmp_path):
    picture = Image.new("RGB", (64, 32), RED)
    picture.paste(BLUE, (12, 0, 52, 32))
    (tmp_path / "cat").mkdir()
    picture.save(tmp_path / "cat" / "wide.png")
    picture.rotate(90, expand=True).save(tmp_path / "cat" / "tall.png")
    blue = torch.tensor(BLUE).byte()[:, None, None].expand(3, 16, 16)
    for image in load_folder(tmp_path, 16).images_NCHW:
        assert torch.equal(image, blue)


def test_rows_stay_rows_and_columns_stay_columns(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    (tmp_path / "cat").mkdir()
    Image.fromarray(pixels).save(tmp_path / "cat" / "a.png")
    assert np.array_equal(
        load_folder(tmp_path, 8).images_NCHW[0].numpy().transpose(1, 2, 0), pixels
    )


def test_classes_are_numbered_in_the_order_of_their_names(tmp_path):
    for name in ("dog/b.png", "cat/z.png", "dog/a.png", "ant/q.png"):
        save(tmp_path / name, colour=(len(name), 0, ord(name[4])))
    images = load_folder(tmp_path, 8)
    assert images.class_names == ("ant", "cat", "dog")
    assert images.labels_N.tolist() == [0, 1, 2, 2]
    assert images.labels_N.dtype == torch.int64
    assert images.images_NCHW[:, 2, 0, 0].tolist() == [ord(letter) for letter in "qzab"]


def test_files_that_are_no_images_are_passed_over(tmp_path):
    save(tmp_path / "cat" / "a.png")
    (tmp_path / "cat" / "notes.txt").write_text("not an image")
    (tmp_path / "empty").mkdir()
    save(tmp_path / "loose.png")
    images = load_folder(tmp_path, 8)
    assert images.class_names == ("cat",)
    assert len(images) == 1


def folder_config(path, **changes):
    return DataConfig(dataset="folder", data_path=path, image_size=8, **changes)


def test_train_and_val_number_their_classes_alike(tmp_path):
    for name in ("train/ant/1.png", "train/cat/1.png", "train/dog/1.png", "val/dog/1.png"):
        save(tmp_path / name)
    train, test = load_images(folder_config(tmp_path))
    assert train.labels_N.tolist() == [0, 1, 2]
    assert test.labels_N.tolist() == [2]
    assert test.class_names == train.class_names


def test_a_class_that_was_never_trained_on_is_named(tmp_path):
    for name in ("train/cat/1.png", "val/cat/1.png", "val/emu/1.png"):
        save(tmp_path / name)
    with pytest.raises(ValueError, match=r"got 'emu' in .*val"):
        load_images(folder_config(tmp_path))


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere.*set data\.data_path"):
        load_folder(tmp_path / "nowhere", 8)
    save(tmp_path / "train" / "cat" / "1.png")
    with pytest.raises(FileNotFoundError, match=r"val, found none"):
        load_images(folder_config(tmp_path))


def test_a_folder_without_class_folders_is_explained(tmp_path):
    save(tmp_path / "loose.png")
    with pytest.raises(FileNotFoundError, match="class folders such as"):
        load_folder(tmp_path, 8)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.webp", "a.tiff", "a.bmp"])
@pytest.mark.parametrize("damage", ["no image", "empty", "torn"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, damage):
    save(tmp_path / "cat" / "good.png")
    path = tmp_path / "cat" / name
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    whole = path.read_bytes()
    path.write_bytes({"no image": b"hello", "empty": b"", "torn": whole[: len(whole) // 3]}[damage])
    with pytest.raises(ValueError, match=rf"expected an image in .*{name}, but"):
        load_folder(tmp_path, 8)


@pytest.mark.parametrize("pixels", [np.full((8, 8), 9_000, np.uint16), np.ones((8, 8), np.float32)])
def test_images_of_more_than_8_bits_are_refused_and_not_clipped_to_white(tmp_path, pixels):
    (tmp_path / "cat").mkdir()
    Image.fromarray(pixels).save(tmp_path / "cat" / "a.tiff")
    with pytest.raises(ValueError, match=r"expected 8 bits a channel in .*a\.tiff"):
        load_folder(tmp_path, 8)


# Loaders.


def test_the_loaders_serve_what_the_images_are():
    train_loader, val_loader = create_dataloaders(DataConfig(batch_size=128), seed=0)
    train, test = load_digits()
    batches = list(train_loader)
    assert len(train_loader) == len(batches) == 11
    order = epoch_of(EpochBatches(1437, 128, seed=0), 0)
    for (images, labels), numbers_of_batch in zip(batches, order, strict=True):
        assert images.shape == (128, 1, 8, 8)
        assert images.dtype == torch.uint8
        assert labels.dtype == torch.int64
        assert torch.equal(images, train.images_NCHW[numbers_of_batch])
        assert torch.equal(labels, train.labels_N[numbers_of_batch])
    assert torch.equal(torch.cat([images for images, _ in val_loader]), test.images_NCHW)


def test_the_training_order_follows_the_seed():
    def first(seed):
        return next(iter(create_dataloaders(DataConfig(), seed=seed)[0]))[1]

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))


def test_the_training_loader_can_be_started_in_the_middle():
    loader = create_dataloaders(DataConfig(batch_size=128))[0]
    loader.sampler.start_at(4)
    whole = [labels for _, labels in loader]
    loader.sampler.start_at(4, 6)
    tail = [labels for _, labels in loader]
    assert len(tail) == 5
    assert all(map(torch.equal, tail, whole[6:]))


def test_held_out_images_come_in_order_and_the_last_batch_may_be_smaller():
    loader = in_order(numbers(23), 5)
    for _ in range(2):
        batches = [labels.tolist() for _, labels in loader]
        assert [len(batch) for batch in batches] == [5, 5, 5, 5, 3]
        assert list(itertools.chain(*batches)) == list(range(23))


def test_a_batch_is_one_indexing():
    images, labels = numbers(9)[[4, 0, 7]]
    assert labels.tolist() == [4, 0, 7]
    assert images[:, 0, 0, 0].tolist() == [4, 0, 7]
    assert len(numbers(9)) == 9
