import numpy as np
import pytest
import torch
from PIL import Image

from sightline.hjepa.data import load_folder, load_images
from sightline.hjepa.data.encoded import How
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


@pytest.mark.parametrize("name", ["val", "validation", "valid", "test"])
def test_the_folder_of_held_out_images_has_one_of_four_names(tmp_path, name):
    for part in ("train", name, "unrelated"):
        save(tmp_path / part / "cat" / "1.png")
    assert len(load_images(folder_config(tmp_path))[1]) == 1


def test_validation_goes_before_test(tmp_path):
    for name in (
        "train/cat/1.png",
        "test/cat/1.png",
        "validation/cat/1.png",
        "validation/cat/2.png",
    ):
        save(tmp_path / name)
    assert len(load_images(folder_config(tmp_path))[1]) == 2


def test_images_in_folders_inside_of_a_class_folder_belong_to_the_class(tmp_path):
    for name in ("cat/1.png", "cat/deep/er/2.png", "dog/deep/3.png"):
        save(tmp_path / name)
    images = load_folder(tmp_path, 8)
    assert images.class_names == ("cat", "dog")
    assert images.labels_N.tolist() == [0, 0, 1]


def test_hidden_files_and_folders_are_passed_over(tmp_path):
    for name in ("cat/1.png", "cat/._1.png", "cat/.checkpoints/1.png", ".trash/1.png"):
        save(tmp_path / name)
    assert load_folder(tmp_path, 8).labels_N.tolist() == [0]


def test_links_are_followed_and_circles_are_not(tmp_path):
    save(tmp_path / "elsewhere" / "more" / "1.png")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "cat").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "more" / "back").symlink_to(tmp_path / "elsewhere")
    assert len(load_folder(tmp_path / "set", 8)) == 1


@pytest.mark.parametrize("name", ["a.jp2", "a.tga", "a.ppm", "a.pcx", "a.dds", "a.sgi"])
def test_rarer_formats_are_read(tmp_path, name):
    save(tmp_path / "cat" / name)
    assert (load_folder(tmp_path, 8).images_NCHW[0, 0] > 250).all()


# Images that cannot be read.


FORMATS = ["a.png", "a.jpg", "a.gif", "a.webp", "a.tiff", "a.bmp", "a.jp2"]
SOME = How(8, max_unreadable_share=0.5)


def damaged(path, damage):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    whole = path.read_bytes()
    path.write_bytes({"no image": b"hello", "empty": b"", "torn": whole[: len(whole) // 3]}[damage])


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("damage", ["no image", "empty", "torn"])
def test_a_file_that_cannot_be_read_is_left_out_and_named(tmp_path, caplog, name, damage):
    for kind in ("ant", "dog"):
        save(tmp_path / kind / "good.png", RED if kind == "ant" else BLUE)
    damaged(tmp_path / "ant" / name, damage)
    images = load_folder(tmp_path, 8, how=SOME)
    assert images.labels_N.tolist() == [0, 1]
    assert images.images_NCHW[:, 2, 0, 0].tolist() == [0, 255]  # none has moved to another label
    assert [name in line for line in images.unreadable] == [True]
    assert f"1 of the 3 images of {tmp_path} cannot be read" in caplog.text
    assert name in caplog.text


def test_more_unreadable_files_than_are_allowed_end_the_run_before_it_begins(tmp_path):
    save(tmp_path / "cat" / "good.png")
    damaged(tmp_path / "cat" / "bad.png", "torn")
    load_folder(tmp_path, 8, how=How(8, max_unreadable_share=0.5))
    with pytest.raises(ValueError, match=r"at most 0\.49 of the 2 images of .*bad\.png \("):
        load_folder(tmp_path, 8, how=How(8, max_unreadable_share=0.49))


def test_one_in_a_hundred_may_be_unreadable_by_default(tmp_path):
    for number in range(99):
        save(tmp_path / "cat" / f"{number}.png", size=(1, 1))
    damaged(tmp_path / "cat" / "x.png", "empty")
    assert len(load_folder(tmp_path, 8)) == 99
    damaged(tmp_path / "cat" / "y.png", "empty")
    with pytest.raises(ValueError, match=r"data\.max_unreadable_share"):
        load_folder(tmp_path, 8)


def test_a_few_of_many_unreadable_files_are_named(tmp_path, caplog):
    for number in range(8):
        damaged(tmp_path / f"{number}.png", "empty")
    (tmp_path / "cat").mkdir()
    for file in tmp_path.glob("*.png"):
        file.rename(tmp_path / "cat" / file.name)
    images = load_folder(tmp_path, 8, how=How(8, max_unreadable_share=1))
    assert len(images) == 0
    assert len(images.unreadable) == 8
    assert caplog.text.count(".png (") == 3
    assert "and 5 more" in caplog.text


@pytest.mark.parametrize("pixels", [np.full((8, 8), 9_000, np.uint16), np.ones((8, 8), np.float32)])
def test_images_of_more_than_8_bits_are_left_out_and_not_clipped_to_white(tmp_path, pixels):
    save(tmp_path / "cat" / "good.png")
    Image.fromarray(pixels).save(tmp_path / "cat" / "a.tiff")
    [reason] = load_folder(tmp_path, 8, how=SOME).unreadable
    assert "a.tiff (more than 8 bits a channel" in reason
