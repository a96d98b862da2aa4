"""Each kind of value as what Weights & Biases shows of it."""

from __future__ import annotations

import weakref
from functools import singledispatch
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np

from sightline.events import encode_gif, encode_wav
from sightline.writers.values import (
    Audio,
    Histogram,
    Image,
    Mesh,
    PRCurve,
    Scalar,
    Table,
    Text,
    Value,
    Video,
)
from sightline.writers.wavefront import encode_obj


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


@wandb_items.register
def _video(value: Video, tag: str) -> dict[str, Any]:
    import wandb

    gif = BytesIO(encode_gif(value.frames, value.fps))
    return {tag: wandb.Video(gif, format="gif", caption=value.caption)}


@wandb_items.register
def _audio(value: Audio, tag: str) -> dict[str, Any]:
    # W&B takes sound from memory only where another package is installed to encode it.
    import tempfile

    import wandb

    with tempfile.NamedTemporaryFile(suffix=".wav", delete=False) as file:
        file.write(encode_wav(value.samples, value.sample_rate))
    sound = wandb.Audio(file.name, sample_rate=value.sample_rate)
    weakref.finalize(sound, Path(file.name).unlink, missing_ok=True)
    return {tag: sound}


@wandb_items.register
def _table(value: Table, tag: str) -> dict[str, Any]:
    import wandb

    rows = [list(row) for row in value.rows]
    return {tag: wandb.Table(columns=list(value.columns), data=rows, allow_mixed_types=True)}


@wandb_items.register
def _pr_curve(value: PRCurve, tag: str) -> dict[str, Any]:
    import wandb

    thresholds = np.linspace(0.0, 1.0, value.curve.shape[1])
    precision, recall = value.curve[4:]
    rows = np.stack([thresholds, recall, precision], axis=1).tolist()
    table = wandb.Table(columns=["threshold", "recall", "precision"], data=rows)
    return {tag: wandb.plot.line(table, "recall", "precision", title=tag)}


@wandb_items.register
def _mesh(value: Mesh, tag: str) -> dict[str, Any]:
    import wandb

    shapes = []
    for index, vertices in enumerate(value.vertices):
        colors = None if value.colors is None else value.colors[index]
        if value.faces is None:
            points = vertices if colors is None else np.hstack([vertices, colors])
            shapes.append(wandb.Object3D(points))
        else:
            file = StringIO(encode_obj(vertices, value.faces[index], colors))
            shapes.append(wandb.Object3D(file, file_type="obj"))
    return {tag: shapes[0] if len(shapes) == 1 else shapes}


SHOWN: frozenset[type] = frozenset(wandb_items.registry) - {object}
