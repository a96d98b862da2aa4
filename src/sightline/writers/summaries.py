"""Each kind of value as the summaries that TensorBoard's plugins expect."""

from __future__ import annotations

from functools import singledispatch

from sightline import events
from sightline.writers.values import Histogram, Image, Text, Value


@singledispatch
def summaries(value: Value, tag: str, description: str) -> list[events.Value]:
    """What to write for a value.

    Args:
        value: On the host.
        tag: Its name.
        description: Markdown behind the info icon.

    Returns:
        Values for an event: one for most kinds.

    Raises:
        AssertionError: If there is no summary of this kind.
    """  # noqa: DOC202
    raise AssertionError(f"{type(value).__name__} is not supported")


@summaries.register
def _image(value: Image, tag: str, description: str) -> list[events.Value]:
    height, width = value.pixels[0].shape[:2]
    pngs = [events.encode_png(sample) for sample in value.pixels]
    return [events.image_value(tag, pngs, width=width, height=height, description=description)]


@summaries.register
def _histogram(value: Histogram, tag: str, description: str) -> list[events.Value]:
    return [events.histogram_value(tag, value.values, description=description)]


@summaries.register
def _text(value: Text, tag: str, description: str) -> list[events.Value]:
    return [events.text_value(tag, value.markdown, description=description)]
