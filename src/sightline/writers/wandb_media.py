"""Each kind of value as what Weights & Biases shows of it."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np

from sightline.writers.values import Histogram, Image, Scalar, Text, Value


@singledispatch
def wandb_items(value: Value, tag: str) -> dict[str, Any]:
    """What to log for a value.

    Args:
        value: On the host.
        tag: Its name.

    Returns:
        Entries of a row of W&B's history.

    Raises:
        AssertionError: If W&B shows nothing of this kind.
    """  # noqa: DOC202
    raise AssertionError(f"{type(value).__name__} is not supported")


@wandb_items.register
def _scalar(value: Scalar, tag: str) -> dict[str, Any]:
    return {tag: value.value}


@wandb_items.register
def _text(value: Text, tag: str) -> dict[str, Any]:
    return {tag: value.markdown}


@wandb_items.register
def _image(value: Image, tag: str) -> dict[str, Any]:
    import wandb

    caption = value.caption
    assert not isinstance(caption, tuple)
    samples = [
        wandb.Image(pixels[..., 0] if pixels.shape[-1] == 1 else pixels, caption=caption)
        for pixels in value.pixels
    ]
    return {tag: samples[0] if len(samples) == 1 else samples}


@wandb_items.register
def _histogram(value: Histogram, tag: str) -> dict[str, Any]:
    import wandb

    rows = value.values.rows
    edges = np.append(rows[:, 0], rows[-1, 1])
    return {tag: wandb.Histogram(np_histogram=(rows[:, 2], edges))}


SHOWN: frozenset[type] = frozenset(wandb_items.registry) - {object}
