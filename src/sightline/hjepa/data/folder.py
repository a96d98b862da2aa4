"""Images in class folders."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import torch

from sightline.hjepa.data.decoding import image_suffixes
from sightline.hjepa.data.encoded import EncodedSet, How
from sightline.hjepa.data.images import ImageSet

HELD_OUT = ("val", "validation", "valid", "test")  # the first that is there


def load_folder(
    path: Path,
    image_size: int,
    class_names: tuple[str, ...] | None = None,
    *,
    how: How | None = None,
) -> ImageSet:
    """Images in class folders, `path/<class>/.../<image>`, scaled and cropped to squares.

    Args:
        path: The folder that holds the class folders. Folders inside of those count, hidden files
            and folders do not.
        image_size: Height and width in pixels to bring every image to.
        class_names: The classes to number by; by default the folders found, sorted.
        how: How images are decoded and kept, beside their size; by default in colour, in memory.

    Returns:
        The images, in order of their paths. Those that cannot be read are left out, and named.

    Raises:
        FileNotFoundError: If the folder is missing or holds no class folder with an image.
        ValueError: If too many files cannot be read, or a class is not a known one.
        OSError: If decoded images cannot be kept where they are to be kept.
    """  # noqa: DOC502  what it calls raises it
    return find_images(path, class_names).decode(how or How(image_size))


def find_images(path: Path, class_names: tuple[str, ...] | None = None) -> EncodedSet:
    """Find the images in class folders.

    Args:
        path: The folder that holds the class folders.
        class_names: The classes to number by; by default the folders found, sorted.

    Returns:
        The images as they are.

    Raises:
        FileNotFoundError: If the folder is missing or holds no class folder with an image.
        ValueError: If a class is not a known one.
    """
    if not path.is_dir():
        raise FileNotFoundError(
            f"expected a folder of class folders at {path}, found none: set data.data_path to the "
            f"folder that holds train/ and val/"
        )
    folders = sorted(child for child in path.iterdir() if child.is_dir() and not _is_hidden(child))
    files = [(file, folder.name) for folder in folders for file in _images_in(folder)]
    if not files:
        raise FileNotFoundError(
            f"expected images in class folders such as {path}/cat/1.jpg, found none: put each "
            f"class into a folder of its own"
        )
    found = tuple(sorted({name for _, name in files}))
    names = class_names or found
    if unknown := sorted(set(found) - set(names)):
        raise ValueError(
            f"expected only the classes of the training images, got {unknown[0]!r} in {path}: "
            f"remove that folder or add it to train/"
        )
    paths = [file for file, _ in files]
    number_of = {name: number for number, name in enumerate(names)}
    return EncodedSet(
        place=str(path),
        key=_content_key(path, paths),
        labels_N=torch.tensor([number_of[name] for _, name in files]),
        class_names=names,
        read=paths.__getitem__,
        name_of=lambda number: str(paths[number]),
    )


def held_out_folder(path: Path) -> Path:
    """The folder of held-out images beside that of the training images.

    Args:
        path: What holds both.

    Returns:
        `val`, `validation`, `valid` or `test`, the first that is there.

    Raises:
        FileNotFoundError: If none is.
    """
    for name in HELD_OUT:
        if (path / name).is_dir():
            return path / name
    raise FileNotFoundError(
        f"expected held-out images in {path / HELD_OUT[0]}, found none, nor in "
        f"{', '.join(HELD_OUT[1:])}: put some images of each class there"
    )


def _images_in(folder: Path) -> Iterator[Path]:
    """The images in a folder and in those inside of it, links followed but not in circles."""
    suffixes = image_suffixes()
    seen = set()
    for root, folders, names in os.walk(folder, followlinks=True):
        if (real := os.path.realpath(root)) in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(root, name)
            if file.suffix.lower() in suffixes and not _is_hidden(file):
                yield file


def _is_hidden(path: Path) -> bool:
    return path.name.startswith(".")


def _content_key(path: Path, files: list[Path]) -> str:
    """Names the files and what is in them, as far as their size and time tell."""
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        facts = file.stat()
        line = f"{file.relative_to(path).as_posix()}\0{facts.st_size}\0{facts.st_mtime_ns}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
