"""From a configuration to the images that it names."""

from __future__ import annotations

from sightline.hjepa.data.digits import load_digits
from sightline.hjepa.data.encoded import How
from sightline.hjepa.data.folder import held_out_folder, load_folder
from sightline.hjepa.data.hub import HubSplit, open_hub
from sightline.hjepa.data.images import ImageSet
from sightline.hjepa.data.stream import sample_images
from sightline.hjepa.data_config import DataConfig


def load_images(config: DataConfig) -> tuple[ImageSet, ImageSet]:
    """The images that a configuration names.

    Args:
        config: The `data` section.

    Returns:
        Training and test images, uint8; of a stream some in memory.

    Raises:
        ValueError: If `digits` are asked for at another size than theirs.
    """
    if config.dataset == "hub":
        train_split, held_out_split, how = open_splits(config)
        if config.streaming:
            shuffle = config.shuffle_buffer
            return (
                sample_images(train_split, how, config.max_probe_images, shuffle),
                sample_images(held_out_split, how, config.max_val_images, shuffle),
            )
        return (
            train_split.to_encoded_set().decode(how),
            held_out_split.to_encoded_set().decode(how),
        )
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


def open_splits(config: DataConfig) -> tuple[HubSplit, HubSplit, How]:
    """The splits of a hub data set, and how their images are decoded.

    Args:
        config: The `data` section.

    Returns:
        What to train on, what to test on, and how to decode both.
    """
    train, held_out = open_hub(config)
    grey = config.channels is None and train.is_grey()
    return train, held_out, how_to_decode(config, channels=1 if grey else 3)


def how_to_decode(config: DataConfig, *, channels: int = 3) -> How:
    """How the images of a configuration are decoded and kept.

    Args:
        config: The `data` section.
        channels: Those of the images, where the configuration leaves it open.

    Returns:
        The settings.
    """
    return How(
        image_size=config.image_size,
        channels=config.channels or channels,
        cache_dir=config.cache_dir,
        max_unreadable_share=config.max_unreadable_share,
        num_workers=config.num_workers,
    )
