"""Sets of encoded images, and how they become pixels: once, on disk or in memory.

Shape legend: N images, C channels, H and W pixels.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from sightline._amounts import duration
from sightline.hjepa.data.cache import Decoded, ImageCache, default_folder
from sightline.hjepa.data.decoding import DECODING, UnreadableImageError, decode
from sightline.hjepa.data.images import ImageSet
from sightline.hjepa.data.threads import map_ahead, num_threads
from sightline.hjepa.data.unreadable import Unreadable

log = logging.getLogger(__name__)

CacheDir = Literal["auto"] | Path | None
SECONDS_WITHOUT_BAR = 1.0


@dataclass(frozen=True)
class How:
    """How images are decoded and kept.

    Args:
        image_size: Height and width in pixels.
        channels: 3 for colour; 1 for grey.
        cache_dir: Where decoded images are kept; None for memory.
        max_unreadable_share: Share of unreadable images above which there is an error.
        num_workers: Threads that decode; 0 for one a core.
    """

    image_size: int
    channels: int = 3
    cache_dir: CacheDir = None
    max_unreadable_share: float = 0.01
    num_workers: int = 0

    @property
    def shape_CHW(self) -> tuple[int, int, int]:
        """Shape of an image."""
        return (self.channels, self.image_size, self.image_size)


@dataclass(frozen=True)
class EncodedSet:
    """Images as they are stored, with their classes.

    Args:
        place: Where they are, for messages.
        key: Names them and what is in them: other images have another key.
        labels_N: Class numbers, int64.
        class_names: What the numbers stand for.
        read: Gives the file of an image, or what is in it, by number; called by threads.
        name_of: What to call an image, by number.
    """

    place: str
    key: str
    labels_N: Tensor
    class_names: tuple[str, ...]
    read: Callable[[int], Path | bytes]
    name_of: Callable[[int], str]

    def decode(self, how: How) -> ImageSet:
        """Decode the images, or find them decoded.

        Args:
            how: How they are decoded and kept.

        Returns:
            The images that can be read, in order.

        Raises:
            ValueError: If too many cannot be read.
            OSError: If they cannot be kept where they are to be kept.
        """  # noqa: DOC502  what it calls raises it
        decoded = self._in_memory(how) if how.cache_dir is None else self._on_disk(how)
        unreadable = Unreadable(self.place, how.max_unreadable_share, len(self.labels_N))
        for number, reason in decoded.reasons.items():  # counted again: the share may be another
            unreadable.add(number, self.name_of(number), reason)
        unreadable.warn()
        is_read_N = torch.ones(len(self.labels_N), dtype=torch.bool)
        is_read_N[list(decoded.reasons)] = False
        labels_N = self.labels_N[is_read_N]
        return ImageSet(decoded.images_NCHW, labels_N, self.class_names, tuple(unreadable.names))

    def _in_memory(self, how: How) -> Decoded:
        images = np.empty((len(self.labels_N), *how.shape_CHW), np.uint8)
        num_read, reasons = 0, {}
        for number, result in self._results(how):
            if isinstance(result, UnreadableImageError):
                reasons[number] = str(result)
            else:
                images[num_read] = result
                num_read += 1
        return Decoded(torch.from_numpy(images[:num_read]), reasons)

    def _on_disk(self, how: How) -> Decoded:
        folder = default_folder() if how.cache_dir == "auto" else how.cache_dir
        assert isinstance(folder, Path)
        folder = folder.expanduser() / "images"
        settings = f"{self.key} {how.shape_CHW} {DECODING}"
        key = hashlib.blake2b(settings.encode(), digest_size=16).hexdigest()
        cache = ImageCache(folder, key, len(self.labels_N), how.shape_CHW)
        if (found := cache.load()) is not None:
            return found
        with cache.locked():
            if (found := cache.load()) is not None:  # another process has made it
                return found
            with cache.writing() as writing:
                for number, result in self._results(how):
                    if isinstance(result, UnreadableImageError):
                        writing.reasons[number] = str(result)
                    else:
                        writing.add(result)
        log.info("Decoded images of %s are kept in %s.", self.place, cache.place)
        decoded = cache.load()
        assert decoded is not None
        return decoded

    def _results(self, how: How) -> Iterator[tuple[int, NDArray[np.uint8] | UnreadableImageError]]:
        """Each image decoded, or why it cannot be; ends with an error where too many cannot be."""

        def one(number: int) -> NDArray[np.uint8] | UnreadableImageError:
            try:
                return decode(self.read(number), how.image_size, how.channels)
            except UnreadableImageError as error:
                return error

        num_images = len(self.labels_N)
        unreadable = Unreadable(self.place, how.max_unreadable_share, num_images)
        workers = num_threads(how.num_workers)
        results = map_ahead(one, range(num_images), num_threads=workers, num_ahead=8 * workers)
        for number, result in enumerate(_shown(results, num_images, self.place)):
            if isinstance(result, UnreadableImageError):
                unreadable.add(number, self.name_of(number), str(result))
            yield number, result


def _shown(
    results: Iterator[NDArray[np.uint8] | UnreadableImageError], num_images: int, place: str
) -> Iterator[NDArray[np.uint8] | UnreadableImageError]:
    """The results, with a bar on standard error where they take more than a moment."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bar = Progress(
        *columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal
    )
    task = bar.add_task(f"Decoding {place}", total=num_images)
    began = time.monotonic()
    try:
        for result in results:
            yield result
            bar.advance(task)
            if not bar.live.is_started and time.monotonic() - began > SECONDS_WITHOUT_BAR:
                bar.start()
    finally:
        bar.stop()
    seconds = max(time.monotonic() - began, 1e-9)
    if seconds > SECONDS_WITHOUT_BAR:
        rate = f"{num_images / seconds:,.0f}"
        log.info("Decoded %s in %s, %s images a second.", place, duration(seconds), rate)
