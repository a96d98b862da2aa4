"""Frozen features as files for other programs: Parquet and NumPy's archives."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from sightline._optional import missing
from sightline.events.whole_files import whole_file
from sightline.hjepa.features import FloatArray

Labelled = tuple[FloatArray, NDArray[np.int64]]


def check_ending(path: Path) -> None:
    """Say so if features cannot be written to a file of this name.

    Args:
        path: The file.

    Raises:
        ValueError: If its ending is not known.
        FileNotFoundError: If its folder is not there.
    """
    if path.suffix.lower() not in FORMATS:
        raise ValueError(
            f"expected a file that ends in {' or '.join(FORMATS)} for features, got {path}; name "
            "one like features.parquet"
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"expected a folder for features at {path.parent}, found none: make it first"
        )


def write_features(
    path: Path, train: Labelled, val: Labelled, class_names: tuple[str, ...]
) -> None:
    """Write features of training and held-out images to a file, which appears when it is whole.

    Parquet: columns split, index, label, class_name and features, a list of fixed length; a row an
    image, its index being its place in its set. NumPy: train_x, train_y, val_x, val_y, class_names.

    Args:
        path: The file, .parquet or .npz; one that is there is replaced.
        train: Features (N, D), float32, and labels (N,) of the training images.
        val: The same of the held-out images.
        class_names: What the labels stand for.

    Raises:
        ValueError: If its ending is not known.
        OSError: If it cannot be written; what was there is then left as it is.
        ModuleNotFoundError: If Parquet is asked for without pyarrow.
    """  # noqa: DOC502  what it calls raises them
    check_ending(path)
    with whole_file(path) as file:
        FORMATS[path.suffix.lower()](file, train, val, class_names)


def _npz(file: BinaryIO, train: Labelled, val: Labelled, class_names: tuple[str, ...]) -> None:
    np.savez(
        file,
        train_x=train[0],
        train_y=train[1],
        val_x=val[0],
        val_y=val[1],
        class_names=np.array(class_names),
    )


def _parquet(file: BinaryIO, train: Labelled, val: Labelled, class_names: tuple[str, ...]) -> None:
    try:
        pa = importlib.import_module("pyarrow")
        pq = importlib.import_module("pyarrow.parquet")
    except ModuleNotFoundError:
        missing("pyarrow", "frames")
    width = train[0].shape[1]
    names = pa.array(class_names, pa.string())
    tables = []
    for split, (features_ND, labels_N) in (("train", train), ("val", val)):
        flat = pa.array(np.ascontiguousarray(features_ND).reshape(-1))
        tables.append(
            pa.table({
                "split": pa.array([split] * len(labels_N)).dictionary_encode(),
                "index": pa.array(np.arange(len(labels_N))),
                "label": pa.array(labels_N),
                "class_name": pa.DictionaryArray.from_arrays(
                    pa.array(labels_N.astype(np.int32)), names
                ),
                "features": pa.FixedSizeListArray.from_arrays(flat, width),
            })
        )
    pq.write_table(pa.concat_tables(tables, promote_options="permissive"), file)


FORMATS: dict[str, Callable[[BinaryIO, Labelled, Labelled, tuple[str, ...]], None]] = {
    ".parquet": _parquet,
    ".npz": _npz,
}
