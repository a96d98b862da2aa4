"""Frozen features are what the target encoder makes of each image, whatever the batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from sightline.hjepa import HJEPAConfig, HJEPAModel, ImageSet, create_masking
from sightline.hjepa.build import assemble
from sightline.hjepa.data import in_order
from sightline.hjepa.feature_files import check_ending, write_features
from sightline.hjepa.features import (
    bounded,
    frozen_features,
    labels_of,
    masked_views,
)
from sightline.hjepa.label_free import label_free_measures
from sightline.hjepa.pixels import Standardize
from sightline.training import load_config
from tests.hjepa.conftest import TINY

CPU = torch.device("cpu")
SETTINGS = (*TINY, "model.depth=5", "model.target_depths=[5, 3, 1]")
CONFIG = load_config(HJEPAConfig, None, SETTINGS)


def image_set(num: int = 20, *, channels: int = 1, size: int = 8) -> ImageSet:
    random = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (num, channels, size, size), generator=random, dtype=torch.uint8)
    return ImageSet(pixels, torch.arange(num) % 3, ("a", "b", "c"))


@pytest.fixture(scope="module")
def model() -> HJEPAModel:
    torch.manual_seed(0)
    model = assemble(CONFIG, Standardize(torch.full((1,), 0.5), torch.full((1,), 0.3)))
    # Unlike the context encoder, so that it shows which of them is asked.
    with torch.no_grad():
        for weight in model.target_encoder.parameters():
            weight.mul_(1.1)
    return model.eval()


def test_features_are_mean_and_max_of_the_last_four_blocks(model: HJEPAModel) -> None:
    images = image_set()
    found = frozen_features(model, in_order(images, 7), CPU)
    assert found.blocks_NKPD.shape == (20, 4, 2, 16)
    with torch.no_grad():
        tokens = model.target_encoder(images.images_NCHW, depths=[2, 3, 4, 5])
    for number, tokens_NTD in enumerate(tokens):
        mean, largest = (found.blocks_NKPD[:, number, part] for part in (0, 1))
        np.testing.assert_allclose(mean, tokens_NTD.mean(1), atol=1e-5)
        np.testing.assert_allclose(largest, tokens_NTD.amax(1), atol=1e-5)
    np.testing.assert_allclose(found.mean_ND, model.extract_features(images.images_NCHW), atol=1e-5)
    assert found.labels_N.tolist() == images.labels_N.tolist()


def test_features_of_a_level_are_of_its_cells_at_its_depth(model: HJEPAModel) -> None:
    images = image_set()
    found = frozen_features(model, in_order(images, 20), CPU)
    for level_N2D, target_BHWD in zip(
        found.levels, model.encode_targets(images.images_NCHW), strict=True
    ):
        cells_NTD = target_BHWD.flatten(1, 2)
        np.testing.assert_allclose(level_N2D[:, :16], cells_NTD.mean(1), atol=1e-5)
        np.testing.assert_allclose(level_N2D[:, 16:], cells_NTD.amax(1), atol=1e-5)


def test_a_sweep_reads_one_and_four_blocks_pooled_in_two_ways(model: HJEPAModel) -> None:
    found = frozen_features(model, in_order(image_set(), 20), CPU)
    kinds = found.by_kind
    assert {name: kind.shape for name, kind in kinds.items()} == {
        "last block, mean": (20, 16),
        "last block, mean and max": (20, 32),
        "last 4 blocks, mean": (20, 64),
        "last 4 blocks, mean and max": (20, 128),
    }
    np.testing.assert_array_equal(kinds["last block, mean"], found.mean_ND)
    np.testing.assert_array_equal(kinds["last 4 blocks, mean"][:, -16:], found.mean_ND)


def test_an_encoder_of_one_block_has_one_last_block(model: HJEPAModel) -> None:
    shallow = assemble(
        load_config(HJEPAConfig, None, TINY), Standardize(torch.zeros(1), torch.ones(1))
    )
    found = frozen_features(shallow, in_order(image_set(), 20), CPU)
    assert list(found.by_kind) == ["last block, mean", "last block, mean and max"]


def test_the_model_is_left_in_the_mode_that_it_was_in(model: HJEPAModel) -> None:
    model.train()
    frozen_features(model, in_order(image_set(4), 4), CPU)
    assert model.training
    model.eval()
    frozen_features(model, in_order(image_set(4), 4), CPU)
    assert not model.training


def test_images_of_another_size_are_encoded_and_of_other_channels_refused(
    model: HJEPAModel,
) -> None:
    larger = frozen_features(model, in_order(image_set(4, size=16), 4), CPU)
    assert larger.levels[2].shape == (4, 32)
    with pytest.raises(ValueError, match="1 channels, which the model was trained on, got 3"):
        frozen_features(model, in_order(image_set(4, channels=3), 4), CPU)
    with pytest.raises(ValueError, match="multiple of the patch size"):
        frozen_features(model, in_order(image_set(4, size=9), 4), CPU)
    with pytest.raises(ValueError, match="levels divide evenly"):
        frozen_features(model, in_order(image_set(4, size=10), 4), CPU)


def test_a_bounded_set_is_even_by_class_and_serves_its_own_labels() -> None:
    images = image_set()
    assert bounded(images, None, seed=0) is images
    assert bounded(images, 20, seed=0) is images
    part = bounded(images, 6, seed=0)
    [(pixels, labels)] = list(in_order(part, 6))
    assert np.bincount(labels).tolist() == [2, 2, 2]
    assert labels.tolist() == labels_of(part).tolist()
    places = [
        images.images_NCHW.flatten(1).tolist().index(one) for one in pixels.flatten(1).tolist()
    ]
    assert places == sorted(places)
    assert images.labels_N[places].tolist() == labels.tolist()
    smaller = bounded(part, 3, seed=1)
    assert sorted(labels_of(smaller).tolist()) == [0, 1, 2]


def test_views_are_of_what_masks_leave_and_a_function_of_the_seed(model: HJEPAModel) -> None:
    masking = create_masking(CONFIG, model.grid_size)
    images = image_set()

    def views(seed: int, batch_size: int = 20) -> np.ndarray:
        return masked_views(
            model, images, masking, CPU, batch_size=batch_size, num_views=3, seed=seed
        )

    found = views(0)
    assert found.shape == (20, 3, 16)
    np.testing.assert_array_equal(found, views(0))
    assert not np.allclose(found, views(1))
    assert not np.allclose(found[:, 0], found[:, 1])
    # A mask that hides nothing leaves the mean of all patches.
    everything = create_masking(
        load_config(HJEPAConfig, None, (*SETTINGS, "masking.num_masks=1")), model.grid_size
    )

    class Whole:
        def __call__(self, batch_size, generator):
            masks = everything(batch_size, generator)
            selection = type(masks.context).of(torch.ones(batch_size, 16, dtype=torch.bool))
            return masks._replace(context=selection)

    whole = masked_views(model, images, Whole(), CPU, batch_size=9, num_views=1, seed=0)
    np.testing.assert_allclose(whole[:, 0], model.extract_features(images.images_NCHW), atol=1e-5)


def test_measures_without_labels_are_those_of_the_diagnostics() -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(60, 8)).astype(np.float32)
    views = features[:, None] + 0.1 * random.normal(size=(60, 4, 8)).astype(np.float32)
    found = label_free_measures(features, views)
    assert found["reachable_rank"] == 8
    assert 6 < found["effective_rank"] <= 8
    assert 6 < found["lidar"] <= 8
    assert found["alignment"] < 0.1
    assert abs(found["spread"] - 1) < 0.1
    collapsed = label_free_measures(np.ones_like(features), np.ones_like(views))
    assert collapsed["effective_rank"] == 0
    assert collapsed["uniformity"] == pytest.approx(0, abs=1e-5)
    assert collapsed["dead_dimensions"] == 1


def test_all_pairs_are_compared_of_so_many_images_only(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    features = random.normal(size=(60, 8)).astype(np.float32)
    views = features[:, None].repeat(2, 1)
    whole = label_free_measures(features, views)
    monkeypatch.setattr("sightline.hjepa.label_free.MAX_PAIRED", 30)
    part = label_free_measures(features, views)
    assert part["uniformity"] != whole["uniformity"]
    assert part["effective_rank"] == whole["effective_rank"]


def test_features_come_back_from_both_kinds_of_file(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    train = random.normal(size=(5, 3)).astype(np.float32), np.array([0, 1, 1, 0, 2])
    val = random.normal(size=(2, 3)).astype(np.float32), np.array([2, 0])
    names = ("ant", "bee", "cat")
    for ending in ("parquet", "npz"):
        write_features(tmp_path / f"f.{ending}", train, val, names)
    with np.load(tmp_path / "f.npz") as found:
        for name, expected in zip(
            ("train_x", "train_y", "val_x", "val_y"), (*train, *val), strict=True
        ):
            np.testing.assert_array_equal(found[name], expected)
            assert found[name].dtype == expected.dtype
        assert found["class_names"].tolist() == list(names)
    table = pq.read_table(tmp_path / "f.parquet")
    kind = table.schema.field("features").type
    assert (kind.list_size, str(kind.value_type)) == (3, "float")
    rows = table.to_pylist()
    assert [row["split"] for row in rows] == ["train"] * 5 + ["val"] * 2
    assert [row["index"] for row in rows] == [0, 1, 2, 3, 4, 0, 1]
    assert [row["label"] for row in rows] == [0, 1, 1, 0, 2, 2, 0]
    assert [row["class_name"] for row in rows] == [names[row["label"]] for row in rows]
    np.testing.assert_array_equal(
        np.array([row["features"] for row in rows], np.float32), np.concatenate([train[0], val[0]])
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.npz", "f.parquet"]


def test_a_file_that_cannot_be_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ends in \.parquet or \.npz for features, got .*f\.csv"):
        check_ending(tmp_path / "f.csv")
    with pytest.raises(FileNotFoundError, match="make it first"):
        check_ending(tmp_path / "nowhere" / "f.npz")


def test_a_file_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "f.npz"
    path.write_bytes(b"old")
    features = np.zeros((1, 2), np.float32), np.zeros(1, np.int64)

    class Unwritable:
        def __array__(self, *arguments: object, **options: object) -> np.ndarray:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_features(path, (Unwritable(), features[1]), features, ("a",))  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [one.name for one in tmp_path.iterdir()] == ["f.npz"]
