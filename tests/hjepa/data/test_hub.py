import sys

import datasets
import numpy as np
import pytest
import torch
from PIL import Image

from sightline.hjepa.data import encoded, load_images
from sightline.hjepa.data_config import DataConfig
from tests.hjepa.data.conftest import CLASSES, dataset, numbers_in


def hub(name, **changes):
    return DataConfig(dataset="hub", name=str(name), image_size=8, **changes)


@pytest.mark.parametrize("streaming", [False, True])
def test_a_folder_of_parquet_files_is_read_by_its_types(make_parquet, streaming):
    train, val = load_images(hub(make_parquet(), streaming=streaming))
    assert sorted(numbers_in(train.images_NCHW)) == list(range(95))
    assert sorted(numbers_in(val.images_NCHW)) == list(range(1000, 1012))
    for part in (train, val):
        assert part.class_names == CLASSES
        assert part.labels_N.tolist() == [n % 3 for n in numbers_in(part.images_NCHW)]
        assert part.images_NCHW.shape[1:] == (3, 8, 8)
        assert part.images_NCHW.dtype == torch.uint8


def test_images_are_decoded_once(make_parquet, monkeypatch):
    config = hub(make_parquet())
    first = load_images(config)
    monkeypatch.setattr(encoded, "decode", None)
    again = load_images(config)
    assert all(map(torch.equal, [s.images_NCHW for s in first], [s.images_NCHW for s in again]))


def test_changed_files_are_decoded_anew(make_parquet):
    load_images(hub(make_parquet(num_train=20, num_files=1)))
    folder = make_parquet(num_train=21, num_files=1)
    assert len(load_images(hub(folder))[0]) == 21


@pytest.mark.parametrize("val", ["validation", "test"])
def test_the_held_out_split_is_found(make_parquet, val):
    assert len(load_images(hub(make_parquet(val=val)))[1]) == 12


def test_splits_can_be_chosen(make_parquet):
    folder = make_parquet()
    dataset(range(500, 505)).to_parquet(folder / "test-00000-of-00001.parquet")
    train, val = load_images(hub(folder, train_split="validation", val_split="test"))
    assert (len(train), len(val)) == (12, 5)


def test_missing_splits_are_explained(make_parquet):
    folder = make_parquet()
    with pytest.raises(ValueError, match=r"'train' and 'odd' in .*, got train, validation; set"):
        load_images(hub(folder, val_split="odd"))
    next(folder.glob("validation*")).unlink()
    with pytest.raises(ValueError, match=r"'validation' or 'valid' or 'val' or 'test' in"):
        load_images(hub(folder))


@pytest.mark.parametrize("streaming", [False, True])
def test_a_pattern_of_files_is_split_by_their_names(make_parquet, tmp_path, streaming):
    folder = make_parquet(val="test")
    for file in folder.glob("test*"):
        file.rename(folder / "photos_test.parquet")
    (folder / "notes.txt").write_text("of another kind")
    train, val = load_images(hub(f"{folder}/*.parquet", streaming=streaming))
    assert (len(train), len(val)) == (95, 12)


@pytest.mark.parametrize(("image", "label"), [("img", "labels"), ("picture", "kind")])
def test_columns_are_found_by_their_types(make_parquet, image, label):
    train, _ = load_images(hub(make_parquet(image=image, label=label)))
    assert train.labels_N.tolist() == [n % 3 for n in range(95)]


def test_columns_without_types_are_found_by_their_names(tmp_path):
    import pyarrow.parquet

    folder = tmp_path / "set"
    folder.mkdir()
    for split, numbers in (("train", range(20)), ("test", range(5))):
        path = folder / f"{split}.parquet"
        dataset(numbers, image="img").to_parquet(path)
        table = pyarrow.parquet.read_table(path).replace_schema_metadata(None)
        pyarrow.parquet.write_table(table, path)
    train, test = load_images(hub(folder))
    assert numbers_in(train.images_NCHW) == list(range(20))
    assert train.class_names == test.class_names == ("0", "1", "2")


@pytest.mark.parametrize("streaming", [False, True])
def test_classes_that_are_words_are_numbered_in_their_order(tmp_path, streaming):
    folder = tmp_path / "set"
    folder.mkdir()
    for split, words in (("train", ["emu", "ant", "cat"]), ("test", ["cat", "ant"])):
        rows = dataset(range(len(words))).remove_columns("label").add_column("label", words)
        rows.to_parquet(folder / f"{split}.parquet")
    train, test = load_images(hub(folder, streaming=streaming))
    assert train.class_names == ("ant", "cat", "emu")
    of_number = dict(zip(numbers_in(train.images_NCHW), train.labels_N.tolist(), strict=True))
    assert of_number == {0: 2, 1: 0, 2: 1}
    assert sorted(test.labels_N.tolist()) == [0, 1]


@pytest.mark.parametrize("streaming", [False, True])
def test_a_split_without_labels_is_explained(make_parquet, streaming):
    folder = make_parquet()
    rows = dataset(range(5)).remove_columns("label").add_column("label", [-1] * 5)
    rows = rows.cast_column("label", datasets.ClassLabel(names=list(CLASSES)))
    rows.to_parquet(folder / "test.parquet")
    with pytest.raises(ValueError, match=r"3 classes .* 'label' of .* \(test\), got -1; choose"):
        load_images(hub(folder, val_split="test", streaming=streaming))


def test_missing_columns_are_explained(make_parquet):
    folder = make_parquet(image="picture", label="kind")
    with pytest.raises(ValueError, match=r"column 'odd' in .*, got picture, kind; set data.image_"):
        load_images(hub(folder, image_column="odd"))
    with pytest.raises(ValueError, match=r"set data\.label_column"):
        load_images(hub(folder, label_column="odd"))
    assert len(load_images(hub(folder, image_column="picture", label_column="kind"))[0]) == 95


@pytest.mark.parametrize("streaming", [False, True])
def test_grey_images_keep_one_channel_if_all_are_grey(make_parquet, streaming):
    config = hub(make_parquet(num_train=20, mode="L"), streaming=streaming)
    train, val = load_images(config)
    assert train.images_NCHW.shape[1:] == val.images_NCHW.shape[1:] == (1, 8, 8)
    colour = load_images(config.model_copy(update={"channels": 3}))[0]
    assert colour.images_NCHW.shape[1:] == (3, 8, 8)


@pytest.mark.parametrize("streaming", [False, True])
def test_a_grey_image_among_coloured_ones_gets_three_channels(tmp_path, streaming):
    folder = tmp_path / "set"
    folder.mkdir()
    kind = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["a"])})
    pictures = [Image.new("L", (9, 9), 50), Image.new("RGB", (9, 9)), Image.new("CMYK", (9, 9))]
    rows = {"image": pictures, "label": [0] * 3}
    for split in ("train", "test"):
        datasets.Dataset.from_dict(rows, kind).to_parquet(folder / f"{split}.parquet")
    train, _ = load_images(hub(folder, streaming=streaming))
    assert train.images_NCHW.shape == (3, 3, 8, 8)


def test_an_image_folder_is_read(tmp_path):
    for name in ("train/ant/1.png", "train/bee/2.png", "test/bee/3.png"):
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True)
        Image.fromarray(np.full((9, 9, 3), int(path.stem), np.uint8)).save(path)
    train, test = load_images(hub(tmp_path / "set"))
    assert train.class_names == ("ant", "bee")
    assert train.images_NCHW[:, 0, 0, 0].tolist() == [1, 2]
    assert test.labels_N.tolist() == [1]


@pytest.mark.parametrize("streaming", [False, True])
def test_unreadable_images_are_left_out_and_named(make_parquet, caplog, streaming):
    folder = make_parquet(num_train=20)
    good = dataset(range(4)).cast_column("image", datasets.Image(decode=False))
    column = [{"bytes": b"torn", "path": None}, None, *good["image"][2:]]
    rows = good.remove_columns("image").add_column("image", column)
    rows.cast_column("image", datasets.Image()).to_parquet(folder / "test.parquet")
    config = hub(folder, val_split="test", streaming=streaming, max_unreadable_share=0.5)
    _, test = load_images(config)
    assert sorted(numbers_in(test.images_NCHW)) == [2, 3]
    assert test.labels_N.tolist() == [n % 3 for n in numbers_in(test.images_NCHW)]
    assert len(test.unreadable) == 2
    assert "2 of the 4 images of" in caplog.text
    with pytest.raises(ValueError, match=r"at most 0\.01 of the 4 images"):
        load_images(config.model_copy(update={"max_unreadable_share": 0.01}))


@pytest.mark.parametrize("name", ["somebody/nothing", "no/such/folder", "nothing/*.parquet"])
def test_a_data_set_that_is_not_there_is_one_sentence(name):
    with pytest.raises(ValueError, match=r"expected a data set at data\.name=.*, got: .*; check"):
        load_images(hub(name))


def test_a_subset_that_is_not_there_is_named(make_parquet):
    with pytest.raises(ValueError, match=r"'odd' not found"):
        load_images(hub(make_parquet(), subset="odd"))


def test_the_missing_package_is_named_with_its_extra(make_parquet, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ModuleNotFoundError, match=r"sightline\[hub\]"):
        load_images(hub("any"))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"dataset": "hub"}, "name goes with dataset: hub"),
        ({"name": "a"}, "name goes with dataset: hub"),
        ({"streaming": True}, "expected dataset: hub with streaming, got digits"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, reason):
    with pytest.raises(ValueError, match=reason):
        DataConfig(**settings)
