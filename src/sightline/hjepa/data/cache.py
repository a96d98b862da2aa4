"""Decoded images on disk: one file that is mapped into memory, whole or not there at all.

    <folder>/<key>/images.npy    uint8 (N, C, H, W)
    <folder>/<key>/index.json    its shape, and which images of the set could not be read

Shape legend: N images, C channels, H and W pixels.
"""

from __future__ import annotations

import json
import logging
import math
import os
import shutil
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray
from torch import Tensor

from sightline._amounts import size

log = logging.getLogger(__name__)

IMAGES, INDEX = "images.npy", "index.json"


class Decoded(NamedTuple):
    """Images of one size.

    Args:
        images_NCHW: Pixels of those that could be read, uint8.
        reasons: Why the others could not be, by their number in the set.
    """

    images_NCHW: Tensor
    reasons: dict[int, str]


def default_folder() -> Path:
    """Where decoded images are kept if nothing else is set."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches, "sightline")


class CacheError(OSError):
    """Decoded images cannot be kept; says what to do.

    Args:
        folder: Where they were to be kept.
        error: What came of it.
        num_bytes: How large they are.
    """

    def __init__(self, folder: Path, error: OSError, num_bytes: int) -> None:
        super().__init__(
            f"expected to keep {size(num_bytes)} of decoded images in {folder}, got "
            f"{error.strerror or error}; make room there, set data.cache_dir to another folder, or "
            f"to null to decode into memory at each start"
        )


class ImageCache:
    """The place of one set of decoded images.

    Args:
        folder: Holds the places of many sets.
        key: Names the set, its files and how they are decoded.
        max_images: How many there are at most.
        shape_CHW: Shape of an image.
    """

    def __init__(
        self, folder: Path, key: str, max_images: int, shape_CHW: tuple[int, int, int]
    ) -> None:
        self.folder, self.key, self.shape_CHW = folder, key, shape_CHW
        self.place = folder / key
        self.num_bytes = max_images * math.prod(shape_CHW)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from decoding the same images; killed ones hold no lock.

        Yields:
            Nothing.

        Raises:
            CacheError: If nothing can be written there.
        """
        lock = FileLock(self.folder / f"{self.key}.lock")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(blocking=False)
            except TimeoutError:
                log.info("Another process decodes the same images into %s; waiting.", self.place)
                lock.acquire()
            for torn in self.folder.glob(f"{self.key}.*.part"):
                shutil.rmtree(torn, ignore_errors=True)
        except NotImplementedError:  # a file system without locks: both decode, and one is kept
            pass
        except OSError as error:
            raise CacheError(self.folder, error, self.num_bytes) from error
        try:
            yield
        finally:
            lock.release()

    def load(self) -> Decoded | None:
        """The images, mapped into memory.

        Returns:
            They; None if they are not there, or what is there is not they.
        """
        try:
            index = json.loads((self.place / INDEX).read_text(encoding="utf-8"))
            images = np.load(self.place / IMAGES, mmap_mode="r", allow_pickle=False)
            reasons = {int(number): str(why) for number, why in index["unreadable"].items()}
            is_ours = index["key"] == self.key and images.dtype == np.uint8
            shape = (index["num_images"], *self.shape_CHW)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError):
            is_ours = False
        if not is_ours or images.shape != shape:
            log.warning("Decoded images in %s are damaged and are made anew.", self.place)
            return None
        return Decoded(_as_tensor(images), reasons)

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """Write images that appear in their place at the end, all at once.

        Yields:
            Takes the images, one after the other.

        Raises:
            CacheError: If they cannot be written; what was written is gone.
        """
        part = self.folder / f"{self.key}.{uuid.uuid4().hex[:8]}.part"
        if (free := shutil.disk_usage(self.folder).free) < self.num_bytes:
            room = OSError(f"{size(free)} of free disk")
            raise CacheError(self.folder, room, self.num_bytes)
        try:
            part.mkdir()
            with (part / IMAGES).open("wb") as file:
                yield (writing := Writing(file, self.shape_CHW))
                writing.finish()
                os.fsync(file.fileno())
            unreadable = {str(number): why for number, why in writing.reasons.items()}
            index = {"key": self.key, "num_images": writing.num_images, "unreadable": unreadable}
            (part / INDEX).write_text(json.dumps(index), encoding="utf-8")
            shutil.rmtree(self.place, ignore_errors=True)  # load() has not found it whole
            part.rename(self.place)
        except OSError as error:
            raise CacheError(self.folder, error, self.num_bytes) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)


class Writing:
    """An array file that grows by one image at a time.

    Written, and not mapped: a disk that is full is an error then, and not the end of the process.

    Args:
        file: Open for writing.
        shape_CHW: Shape of an image.
    """

    def __init__(self, file: Any, shape_CHW: tuple[int, int, int]) -> None:
        self.file, self.shape_CHW = file, shape_CHW
        self.num_images = 0
        self.reasons: dict[int, str] = {}
        self._write_header()

    def add(self, image_CHW: NDArray[np.uint8]) -> None:
        """Write the next image."""
        self.file.write(image_CHW.data)
        self.num_images += 1

    def finish(self) -> None:
        """Write how many there are."""
        self.file.seek(0)
        self._write_header()
        self.file.flush()

    def _write_header(self) -> None:
        # NumPy leaves room for the first dimension to grow: the header keeps its length.
        shape = (self.num_images, *self.shape_CHW)
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self.file, header)


def _as_tensor(images: NDArray[np.uint8]) -> Tensor:
    with warnings.catch_warnings():
        # Mapped for reading only: a private copy-on-write mapping larger than the memory is refused
        # by Linux, and nobody writes to a set of images.
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        return torch.from_numpy(images)
