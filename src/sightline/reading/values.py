"""Values that are no scalars, decoded: pictures, histograms, texts, sounds, arrays."""

from __future__ import annotations

from functools import cached_property
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.events.wire import FIXED32, WireError, decode
from sightline.reading.blobs import Blob
from sightline.reading.walk import TENSOR


class Image(Blob):
    """Pictures of one step."""

    @property
    def width(self) -> int:
        """In pixels, as the writer says."""
        return self._parts[0]

    @property
    def height(self) -> int:
        """In pixels, as the writer says."""
        return self._parts[1]

    @property
    def encoded(self) -> tuple[bytes, ...]:
        """The files: PNG as a rule, or an animated GIF."""
        return self._parts[2]

    def arrays(self) -> list[NDArray[np.uint8]]:
        """The pixels of each picture.

        Returns:
            uint8 arrays of shape (height, width) or (height, width, channels), those of an
            animation of shape (frames, height, width, channels).
        """
        from PIL import Image as Pillow
        from PIL import ImageSequence

        pictures = []
        for file in self.encoded:
            with Pillow.open(BytesIO(file)) as picture:
                frames = [
                    np.asarray(frame.convert("RGB") if frame.mode == "P" else frame)
                    for frame in ImageSequence.Iterator(picture)
                ]
            pictures.append(frames[0] if len(frames) == 1 else np.stack(frames))
        return pictures

    @cached_property
    def _parts(self) -> tuple[int, int, tuple[bytes, ...]]:
        if self._field == TENSOR:
            columns, rows, *pictures = _strings(self._tensor)
            return int(columns), int(rows), tuple(pictures)
        width = height = 0
        files: list[bytes] = []
        for number, _, value in decode(self.content):
            match number, value:
                case 1, int(height):
                    pass
                case 2, int(width):
                    pass
                case 4, bytes(file):
                    files.append(file)
        return width, height, tuple(files)


class Histogram(Blob):
    """Counts of values between edges."""

    @cached_property
    def rows(self) -> NDArray[np.float64]:
        """float64 array of shape (k, 3): left edge, right edge, count."""
        if self._field == TENSOR:
            rows = self._tensor.astype(np.float64)
            if rows.size == 0:
                return np.empty((0, 3))
            if rows.ndim != 2 or rows.shape[1] != 3:
                raise WireError(f"expected rows of three numbers, got shape {rows.shape}")
            return rows
        low = high = 0.0
        limits, counts = b"", b""
        for number, kind, value in decode(self.content):
            match number, kind, value:
                case 1, 1, bytes(double):
                    low = _doubles(double)[0]
                case 2, 1, bytes(double):
                    high = _doubles(double)[0]
                case 6, (1 | 2), bytes(doubles):
                    limits += doubles
                case 7, (1 | 2), bytes(doubles):
                    counts += doubles
        right, count = _doubles(limits), _doubles(counts)
        if len(right) != len(count):
            raise WireError(f"expected a count for each edge, got {len(count)} and {len(right)}")
        filled = np.flatnonzero(count > 0)
        if not len(filled):
            return np.empty((0, 3))
        # As TensorBoard shows it: without empty buckets at the ends, whose edges may be the
        # largest numbers there are, and from the lowest value to the highest.
        first, last = filled[0], filled[-1]
        inner = right[first:last]
        return np.stack(
            [np.append(low, inner), np.append(inner, high), count[first : last + 1]], axis=1
        )


class Text(Blob):
    """A text, or a table of texts."""

    @cached_property
    def text(self) -> str | tuple[Any, ...]:
        """The text; nested tuples of texts where there are several."""
        return _texts(self._tensor)


class Audio(Blob):
    """Sounds of one step."""

    @property
    def encoded(self) -> tuple[bytes, ...]:
        """The files: WAV as a rule."""
        return self._parts[1]

    @property
    def sample_rate(self) -> float | None:
        """In hertz; None where neither the event nor the file says."""
        return self._parts[0]

    @cached_property
    def _parts(self) -> tuple[float | None, tuple[bytes, ...]]:
        if self._field == TENSOR:
            elements = self._tensor
            files = _strings(elements[:, 0] if elements.ndim == 2 else elements)
            return _wav_rate(files[0]) if files else None, tuple(files)
        rate, files = None, []
        for number, kind, value in decode(self.content):
            if number == 1 and kind == FIXED32 and isinstance(value, bytes):
                rate = float(np.frombuffer(value, "<f4")[0])
            elif number == 4 and isinstance(value, bytes):
                files.append(value)
        return rate, tuple(files)


class TensorValue(Blob):
    """An array of one step."""

    @property
    def array(self) -> NDArray[Any]:
        """The elements, read only; strings as bytes objects."""
        return self._tensor


def _strings(elements: NDArray[Any]) -> list[bytes]:
    if elements.dtype != object:
        raise WireError(f"expected a tensor of strings, got {elements.dtype}")
    return list(elements.ravel())


def _texts(elements: NDArray[Any]) -> str | tuple[Any, ...]:
    if elements.ndim <= 1:
        strings = [text.decode(errors="replace") for text in _strings(elements)]
        return strings[0] if len(strings) == 1 else tuple(strings)
    return tuple(tuple(text.decode(errors="replace") for text in _strings(row)) for row in elements)


def _doubles(content: bytes) -> NDArray[np.float64]:
    if len(content) % 8:
        raise WireError(f"expected whole elements, got {len(content)} bytes")
    return np.frombuffer(content, "<f8")


def _wav_rate(file: bytes) -> float | None:
    if file[:4] == b"RIFF" and file[8:16] == b"WAVEfmt " and len(file) >= 28:
        return float(int.from_bytes(file[24:28], "little"))
    return None
