"""Data sets of Hugging Face: by name, or local Parquet files and folders."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import torch

from sightline._optional import missing
from sightline.hjepa.data.decoding import UnreadableImageError
from sightline.hjepa.data.encoded import EncodedSet
from sightline.hjepa.data_config import DataConfig

HELD_OUT = ("validation", "valid", "val", "test")  # the first that is there
IN_FILE_NAMES = re.compile(r"(?:^|[-_.])(train|validation|valid|val|test)(?:[-_.]|$)")
IMAGE_NAMES, LABEL_NAMES = ("image", "img", "pixel_values"), ("label", "labels", "fine_label")
NUM_LOOKED_AT = 64  # images that decide whether a set is grey


@dataclass(frozen=True)
class HubSplit:
    """A split of a data set, its images as they are stored.

    Args:
        place: The data set and the split, for messages.
        rows: A `datasets.Dataset` or `datasets.IterableDataset`.
        image_column: Name of the column with images.
        label_column: Name of the column with classes.
        class_names: Names of the classes.
        number_of: Number of a class by what stands in the column.
        num_images: Rows.
    """

    place: str
    rows: Any
    image_column: str
    label_column: str
    class_names: tuple[str, ...]
    number_of: dict[Any, int]
    num_images: int

    def label(self, value: Any) -> int:
        """The number of a class.

        Args:
            value: What stands in the column.

        Returns:
            From 0.

        Raises:
            ValueError: If it is none of the classes.
        """
        if value not in self.number_of:
            raise ValueError(
                f"expected one of the {len(self.class_names)} classes of the training images in "
                f"column {self.label_column!r} of {self.place}, got {value!r}; choose a labelled "
                f"split with data.train_split and data.val_split, or another data.label_column"
            )
        return self.number_of[value]

    def is_grey(self) -> bool:
        """Whether the first images have one channel."""
        from PIL import Image

        modes = set()
        for row in itertools.islice(iter(self.rows), NUM_LOOKED_AT):
            try:
                source = encoded(row[self.image_column])
                with Image.open(BytesIO(source) if isinstance(source, bytes) else source) as image:
                    modes.add(image.mode)
            except (OSError, ValueError):  # counted where all are decoded
                continue
        return bool(modes) and modes <= {"1", "L", "LA"}

    def to_encoded_set(self) -> EncodedSet:
        """The images as a set that can be decoded and kept."""
        images = self.rows.select_columns([self.image_column])
        labels = [self.label(value) for value in self.rows[self.label_column]]
        return EncodedSet(
            place=self.place,
            key=f"{self.rows._fingerprint} {self.image_column}",
            labels_N=torch.tensor(labels),
            class_names=self.class_names,
            read=lambda number: encoded(images[number][self.image_column]),
            name_of=lambda number: f"row {number}",
        )


def encoded(value: Any) -> Path | bytes:
    """The file of an image, or what is in it.

    Args:
        value: A value of a column of images that are not decoded.

    Returns:
        A local file or its content.

    Raises:
        UnreadableImageError: If there is none.
    """
    if value is None or not (value["bytes"] or value["path"]):
        raise UnreadableImageError("no image")
    if value["bytes"]:
        return bytes(value["bytes"])
    if "://" in value["path"]:
        import fsspec

        with fsspec.open(value["path"], "rb") as file:
            return bytes(file.read())
    return Path(value["path"])


def open_hub(config: DataConfig) -> tuple[HubSplit, HubSplit]:
    """Find the two splits of a configuration, and in them images and labels.

    Args:
        config: The `data` section.

    Returns:
        What to train on and what to test on.

    Raises:
        ModuleNotFoundError: If `datasets` is not installed.
        ValueError: If there is no such data set, split or column.
    """  # noqa: DOC502  what it calls raises it
    try:
        import datasets
    except ModuleNotFoundError:
        missing("datasets", "hub")
    splits = _load(config)
    first = HELD_OUT if config.val_split is None else (config.val_split,)
    held_out = next((name for name in first if name in splits), None)
    if config.train_split not in splits or held_out is None:
        raise ValueError(
            f"expected splits {config.train_split!r} and {' or '.join(map(repr, first))} in "
            f"{config.name}, got {', '.join(splits)}; set data.train_split and data.val_split"
        )
    train = splits[config.train_split]
    columns = list(train.column_names or next(iter(train)))
    features = train.features or {}
    image_column = _column(config, "image", columns, features, datasets.Image, IMAGE_NAMES)
    label_column = _column(config, "label", columns, features, datasets.ClassLabel, LABEL_NAMES)
    # A stream may know how many rows it has; to know its classes takes a column of types.
    label_type = features.get(label_column)
    labels = None
    if isinstance(label_type, datasets.ClassLabel):
        names = tuple(label_type.names)
        number_of = {number: number for number in range(len(names))}
    else:
        labels = list(_labels(train, label_column))
        number_of = {value: number for number, value in enumerate(sorted(set(labels)))}
        names = tuple(map(str, number_of))

    def split(name: str) -> HubSplit:
        rows = splits[name].select_columns([image_column, label_column])
        return HubSplit(
            place=f"{config.name} ({name})",
            rows=rows.cast_column(image_column, datasets.Image(decode=False)),
            image_column=image_column,
            label_column=label_column,
            class_names=names,
            number_of=number_of,
            num_images=_num_rows(splits[name], name, label_column),
        )

    return split(config.train_split), split(held_out)


def _load(config: DataConfig) -> Any:
    import datasets

    assert config.name is not None
    is_pattern = any(sign in config.name for sign in "*?[")
    where = ("parquet",) if is_pattern else (config.name, config.subset)
    try:
        files = {"data_files": _files_by_split(config.name)} if is_pattern else {}
        return datasets.load_dataset(*where, **files, streaming=config.streaming)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"expected a data set at data.name={config.name}, got: {reason}; check the name, "
            f"data.subset and the network, or name a local folder of Parquet files"
        ) from error


def _files_by_split(pattern: str) -> dict[str, list[str]]:
    """Files by the split in their names; those that name none are for training."""
    whole = Path(pattern).expanduser()
    files = defaultdict(list)
    for file in sorted(Path(whole.anchor).glob(str(whole.relative_to(whole.anchor)))):
        named = IN_FILE_NAMES.search(file.stem)
        files[named.group(1) if named else "train"].append(str(file))
    if not files:
        raise ValueError(f"no file matches {pattern}")
    return dict(files)


def _column(
    config: DataConfig,
    kind: str,
    columns: list[str],
    features: Any,
    feature_type: type,
    usual: Iterable[str],
) -> str:
    """The column that is set, or the first of a type, or one of a usual name."""
    asked = getattr(config, f"{kind}_column")
    of_type = [name for name in columns if isinstance(features.get(name), feature_type)]
    candidates = [asked] if asked else [*of_type, *usual]
    for name in candidates:
        if name in columns:
            return name
    raise ValueError(
        f"expected a column {asked or 'of type ' + feature_type.__name__!r} in {config.name}, got "
        f"{', '.join(columns)}; set data.{kind}_column to one of them"
    )


def _labels(rows: Any, column: str) -> Iterator[Any]:
    for batch in rows.select_columns([column]).iter(batch_size=10_000):
        yield from batch[column]


def _num_rows(rows: Any, split: str, label_column: str) -> int:
    """Rows of a split; those of a stream that does not know are counted."""
    if hasattr(rows, "num_rows"):
        return int(rows.num_rows)
    known = (rows.info.splits or {}).get(split)
    if known is not None and known.num_examples:
        return int(known.num_examples)
    return sum(1 for _ in _labels(rows, label_column))
