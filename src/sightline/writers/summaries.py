"""Each kind of value as the summaries that TensorBoard's plugins expect."""

from __future__ import annotations

from functools import singledispatch

from sightline import events
from sightline.events import MeshPart
from sightline.writers.tables import markdown_table
from sightline.writers.values import (
    Audio,
    Histogram,
    HParams,
    Image,
    Layout,
    Mesh,
    PRCurve,
    RunEnd,
    Table,
    Text,
    Value,
    Video,
)


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


@summaries.register
def _video(value: Video, tag: str, description: str) -> list[events.Value]:
    height, width = value.frames.shape[1:3]
    gif = events.encode_gif(value.frames, value.fps)
    return [events.image_value(tag, [gif], width=width, height=height, description=description)]


@summaries.register
def _audio(value: Audio, tag: str, description: str) -> list[events.Value]:
    wav = events.encode_wav(value.samples, value.sample_rate)
    return [events.audio_value(tag, wav, description=description)]


@summaries.register
def _table(value: Table, tag: str, description: str) -> list[events.Value]:
    markdown = markdown_table(value.columns, value.rows)
    return [events.text_value(tag, markdown, description=description)]


@summaries.register
def _pr_curve(value: PRCurve, tag: str, description: str) -> list[events.Value]:
    return [events.pr_curve_value(tag, value.curve, description=description)]


@summaries.register
def _mesh(value: Mesh, tag: str, description: str) -> list[events.Value]:
    arrays = zip(MeshPart, (value.vertices, value.faces, value.colors), strict=True)
    parts = {part: array for part, array in arrays if array is not None}
    return events.mesh_values(tag, parts, config=value.config, description=description)


@summaries.register
def _layout(value: Layout, tag: str, description: str) -> list[events.Value]:
    return [events.layout_value(value.categories)]


@summaries.register
def _hparams(value: HParams, tag: str, description: str) -> list[events.Value]:
    return [
        events.hparams_value(
            value.hparams, start_secs=value.start_secs, group_name=value.group_name
        )
    ]


@summaries.register
def _run_end(value: RunEnd, tag: str, description: str) -> list[events.Value]:
    return [events.run_end_value(value.status, end_secs=value.end_secs)]
