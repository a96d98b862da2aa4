"""What format the pictures of an event file have, by their first bytes."""

from __future__ import annotations

from collections.abc import Iterator

from sightline.events.wire import BYTES
from sightline.reading.walk import IMAGE, View, spans

SHOWN = ("PNG", "JPEG", "GIF", "BMP")  # what TensorBoard gives an image type to
HEAD_BYTES = 16
_PICTURE_OF_IMAGE, _STRING_OF_TENSOR = 4, 8
_MAGIC = {
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"\x93NUMPY": "a NumPy array",
    b"<svg": "SVG",
    b"<?xml": "SVG",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
}


def format_of(head: bytes) -> str | None:
    """The format of a picture.

    Args:
        head: Its first `HEAD_BYTES` bytes, or all where there are fewer.

    Returns:
        Its name; None for bytes that are no picture of a known format.

    Example:
        >>> format_of(b"GIF89a"), format_of(b"RIFF1234WEBPVP8 "), format_of(bytes(16))
        ('GIF', 'WebP', None)
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp":
        return "AVIF or HEIF"
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def picture_heads(view: View, field: int, start: int, stop: int) -> Iterator[bytes]:
    """The first bytes of the pictures of a value.

    Args:
        view: The record's data.
        field: Which field of the value holds them: an image, or a tensor of strings.
        start: Where its content begins.
        stop: Where it ends.

    Yields:
        Up to `HEAD_BYTES` of each. Bytes that are no such message raise WireError.
    """
    wanted = _PICTURE_OF_IMAGE if field == IMAGE else _STRING_OF_TENSOR
    num_skipped = 0 if field == IMAGE else 2  # a tensor begins with width and height
    for span in spans(view, start, stop):
        if span.number == wanted and span.kind == BYTES:
            if num_skipped:
                num_skipped -= 1
            else:
                yield view[span.start : min(span.start + HEAD_BYTES, span.stop)]
