import numpy as np
import pytest
import torch
from PIL import Image

from sightline.hjepa.data import load_folder, load_images
from sightline.hjepa.data_config import DataConfig

RED, BLUE = (255, 0, 0), (0, 0, 255)


def save(path, colour=RED, *, mode="RGB", size=(8, 8), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).convert(mode).save(path, **options)


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
