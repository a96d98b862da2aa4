"""From a configuration to the images that it names."""

from __future__ import annotations

from sightline.hjepa.data.digits import load_digits
from sightline.hjepa.data.folder import load_folder
from sightline.hjepa.data.images import ImageSet
from sightline.hjepa.data_config import DataConfig


def load_images(config: DataConfig) -> tuple[ImageSet, ImageSet]:
    """The images that a configuration names.

    Args:
        config: The `data` section.

    Returns:
        Training and test images, uint8.

    Raises:
        ValueError: If `digits` are asked for at another size than theirs.
    """
    if config.data_path is not None:
        train = load_folder(config.data_path / "train", config.image_size)
        return train, load_folder(config.data_path / "val", config.image_size, train.class_names)
    train, test = load_digits()
    if config.image_size != train.images_NCHW.shape[-1]:
        raise ValueError(
            f"expected data.image_size=8 for the digits, got {config.image_size}: use 8, or images "
            f"of your own with data.dataset=folder"
        )
    return train, test
