"""What can be set about the images of an H-JEPA run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveInt, model_validator

from sightline.training.config import Config
from sightline.training.run_config import NonNegative, NonNegativeInt, Share


def _rising(scale: tuple[float, float]) -> tuple[float, float]:
    low, high = scale
    if not 0 < low <= high <= 1:
        raise ValueError(f"expected 0 < least <= most <= 1, got {low}, {high}; give such a range")
    return scale


class AugmentationConfig(Config):
    """Random affine views, drawn for each image; all zero leaves images as they are."""

    crop_scale: Annotated[tuple[float, float], AfterValidator(_rising)] | None = Field(
        None,
        description="random resized crop: least and most of the image's area, such as [0.3, 1.0]; "
        "its aspect is 3/4 to 4/3; null for none",
    )
    rotation_degrees: NonNegative = Field(15.0, description="largest turn to either side")
    translation: Share = Field(0.1, description="largest shift, as a share of the image")
    scale: float = Field(0.15, ge=0, lt=1, description="largest relative change of size")
    shear: Share = Field(0.15, description="largest horizontal shear")
    horizontal_flip: bool = Field(False, description="mirror half of the images")


class DataConfig(Config):
    """Which images, at what size, in batches of how many."""

    dataset: Literal["digits", "folder", "hub"] = Field(
        "digits",
        description="digits: scikit-learn's 1,797 scans; folder: train/ and val/ class folders; "
        "hub: a data set of Hugging Face, or local Parquet files",
    )
    data_path: Path | None = Field(None, description="folder: what holds train/ and val/")
    name: str | None = Field(
        None,
        description="hub: name such as uoft-cs/cifar10, or a folder or pattern of Parquet files",
    )
    subset: str | None = Field(None, description="hub: configuration of the data set, if several")
    train_split: str = Field("train", description="hub: split to train on")
    val_split: str | None = Field(
        None, description="hub: split to test on; null for the first of validation, val, test"
    )
    image_column: str | None = Field(None, description="hub: null for the first of type Image")
    label_column: str | None = Field(None, description="hub: null for the first of type ClassLabel")
    streaming: bool = Field(
        False, description="hub: decode while training, for what no disk holds decoded"
    )
    shuffle_buffer: PositiveInt = Field(
        1000, description="streaming: encoded images in memory that the next is drawn from"
    )
    max_val_images: PositiveInt = Field(
        10_000, description="streaming: held-out images that are kept in memory"
    )
    max_probe_images: PositiveInt = Field(
        20_000, description="streaming: training images that are kept in memory for probes"
    )
    channels: Literal[1, 3] | None = Field(
        None, description="null for 3, but 1 where the first images of a hub data set are all grey"
    )
    image_size: PositiveInt = Field(8, description="height and width in pixels after resizing")
    batch_size: PositiveInt = Field(128, description="images in a micro-batch of a process")
    cache_dir: Literal["auto"] | Path | None = Field(
        "auto",
        description="where decoded images are kept between runs; auto: sightline/ in "
        "$XDG_CACHE_HOME or ~/.cache; null: nowhere, they are decoded into memory",
    )
    max_unreadable_share: Share = Field(
        0.01, description="unreadable images are left out; more than this share of them is an error"
    )
    num_workers: NonNegativeInt = Field(
        0, description="threads that decode images; 0 for one a core"
    )
    augmentation: AugmentationConfig = AugmentationConfig()

    @model_validator(mode="after")
    def _source_has_a_place(self) -> DataConfig:
        if (self.dataset == "folder") != (self.data_path is not None):
            raise ValueError(
                "data_path goes with dataset: folder, and only with it; give both or neither"
            )
        if (self.dataset == "hub") != (self.name is not None):
            raise ValueError("name goes with dataset: hub, and only with it; give both or neither")
        if self.streaming and self.dataset != "hub":
            raise ValueError(
                f"expected dataset: hub with streaming, got {self.dataset}; name the folder as a "
                f"hub data set (dataset: hub, name: FOLDER), or leave streaming out"
            )
        return self
