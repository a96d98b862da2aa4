"""Data sets as Hugging Face keeps them, made here."""

from __future__ import annotations

import datasets
import numpy as np
import pytest
from PIL import Image

from sightline.hjepa.data_config import DataConfig

CLASSES = ("ant", "bee", "cat")


@pytest.fixture(autouse=True)
def own_arrow_files(tmp_path, monkeypatch):
    """What `datasets` makes of Parquet lies in the test's own folder."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "arrow")
    datasets.disable_progress_bars()


def pixels_of(number):
    """All of an image's pixels say which one it is."""
    return np.full((8, 8, 3), (number % 256, number // 256, 7), np.uint8)


def dataset(numbers, *, mode="RGB", image="image", label="label", classes=CLASSES):
    """Images whose red and green say their number, and whose class is it modulo 3."""
    images = [Image.fromarray(pixels_of(number)).convert(mode) for number in numbers]
    labels = [number % 3 for number in numbers]
    types = {image: datasets.Image()}
    types[label] = datasets.ClassLabel(names=list(classes)) if classes else datasets.Value("int64")
    return datasets.Dataset.from_dict(
        {image: images, label: labels}, features=datasets.Features(types)
    )


@pytest.fixture
def make_parquet(tmp_path):
    """Writes splits to Parquet files, in groups of ten rows, named as on the Hub."""

    def make(num_train=95, num_val=12, *, val="validation", num_files=2, **options):
        folder = tmp_path / "set"
        folder.mkdir(exist_ok=True)
        parts = {
            "train": np.array_split(np.arange(num_train), num_files),
            val: [np.arange(1000, 1000 + num_val)],
        }
        for split, files in parts.items():
            for number, rows in enumerate(files):
                path = folder / f"{split}-{number:05}-of-{len(files):05}.parquet"
                dataset(rows.tolist(), **options).to_parquet(path, batch_size=10)
        return folder

    return make


def numbers_in(images):
    """The numbers of images, by their pixels."""
    return (images[:, 0, 0, 0].int() + 256 * images[:, 1, 0, 0].int()).tolist()


def streamed(folder, **changes):
    """Settings of a small stream."""
    settings = {"batch_size": 8, "shuffle_buffer": 16, "num_workers": 2, **changes}
    return DataConfig(dataset="hub", name=str(folder), image_size=8, streaming=True, **settings)
