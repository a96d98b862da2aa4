"""From a configuration to the images that it names."""

from __future__ import annotations

from sightline.hjepa.data.digits import load_digits
from sightline.hjepa.data.encoded import How
from sightline.hjepa.data.folder import held_out_folder, load_folder
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
        how = how_to_decode(config)
        train = load_folder(config.data_path / "train", config.image_size, how=how)
        held_out = held_out_folder(config.data_path)
        return train, load_folder(held_out, config.image_size, train.class_names, how=how)
    train, test = load_digits()
    if config.image_size != train.images_NCHW.shape[-1]:
        raise ValueError(
            f"expected data.image_size=8 for the digits, got {config.image_size}: use 8, or images "
            f"of your own with data.dataset=folder"
        )
    return train, test


def how_to_decode(config: DataConfig, channels: int | None = None) -> How:
    """How the images of a configuration are decoded and kept.

    Args:
        config: The `data` section.
        channels: What the configuration leaves open.

    Returns:
        The same without what only the source knows.
    """
    return How(
        image_size=config.image_size,
        channels=config.channels or channels or 3,
        cache_dir=config.cache_dir,
        max_unreadable_share=config.max_unreadable_share,
        num_workers=config.num_workers,
    )
