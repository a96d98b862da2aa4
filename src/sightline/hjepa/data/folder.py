"""Images in class folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from sightline.hjepa.data.images import ImageSet

IMAGE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def load_folder(
    path: Path, image_size: int, class_names: tuple[str, ...] | None = None
) -> ImageSet:
    """Images in class folders, `path/<class>/<image>`, scaled and centre-cropped to squares.

    Args:
        path: The folder that holds the class folders.
        image_size: Height and width in pixels to bring every image to.
        class_names: The classes to number by; by default the folders found, sorted.

    Returns:
        The images, three channels, in order of their paths.

    Raises:
        FileNotFoundError: If the folder is missing or holds no class folder with an image.
        ValueError: If a file cannot be read as an image or has more than 8 bits a channel, or a
            class is not a known one.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    if not path.is_dir():
        raise FileNotFoundError(
            f"expected a folder of class folders at {path}, found none: set data.data_path to the "
            f"folder that holds train/ and val/"
        )
    files = sorted(file for file in path.glob("*/*") if file.suffix.lower() in IMAGE_SUFFIXES)
    if not files:
        raise FileNotFoundError(
            f"expected images in class folders such as {path}/cat/1.jpg, found none: put each "
            f"class into a folder of its own"
        )
    found = tuple(sorted({file.parent.name for file in files}))
    names = class_names or found
    if unknown := sorted(set(found) - set(names)):
        raise ValueError(
            f"expected only the classes of the training images, got {unknown[0]!r} in {path}: "
            f"remove that folder or add it to train/"
        )
    images = np.empty((len(files), 3, image_size, image_size), np.uint8)
    for slot, file in zip(images, files, strict=True):
        try:
            with Image.open(file) as image:
                mode = image.mode
                upright = ImageOps.exif_transpose(image).convert("RGB")
                square = ImageOps.fit(upright, (image_size, image_size))
        except (UnidentifiedImageError, OSError, SyntaxError) as error:
            raise ValueError(
                f"expected an image in {file}, but it cannot be read ({error}): remove or repair it"
            ) from error
        if mode.startswith(("I", "F")):  # 16 or 32 bits: the conversion above clips at 255
            raise ValueError(
                f"expected 8 bits a channel in {file}, got Pillow's mode {mode}: scale it to 8 bits"
            )
        slot[:] = np.asarray(square).transpose(2, 0, 1)
    labels = torch.tensor([names.index(file.parent.name) for file in files])
    return ImageSet(torch.from_numpy(images), labels, names)
