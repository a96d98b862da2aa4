"""What can be set about the images of an H-JEPA run."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from sightline.training.config import Config
from sightline.training.run_config import NonNegative, Share


class AugmentationConfig(Config):
    """Random affine views, drawn for each image; all zero leaves images as they are."""

    rotation_degrees: NonNegative = Field(15.0, description="largest turn to either side")
    translation: Share = Field(0.1, description="largest shift, as a share of the image")
    scale: float = Field(0.15, ge=0, lt=1, description="largest relative change of size")
    shear: Share = Field(0.15, description="largest horizontal shear")
    horizontal_flip: bool = Field(False, description="mirror half of the images")


class DataConfig(Config):
    """Which images, at what size, in batches of how many."""

    dataset: Literal["digits", "folder"] = Field(
        "digits",
        description="digits: scikit-learn's 1,797 scans; folder: train/ and val/ class folders",
    )
    data_path: Path | None = Field(None, description="the folder that holds train/ and val/")
    image_size: PositiveInt = Field(8, description="height and width in pixels after resizing")
    batch_size: PositiveInt = Field(128, description="images in a micro-batch")
    augmentation: AugmentationConfig = AugmentationConfig()

    @model_validator(mode="after")
    def _folder_has_a_path(self) -> DataConfig:
        if (self.dataset == "folder") != (self.data_path is not None):
            raise ValueError(
                "data_path goes with dataset: folder, and only with it; give both or neither"
            )
        return self
