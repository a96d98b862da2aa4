"""Reads records one by one, whatever they hold."""

from __future__ import annotations

import struct
from functools import lru_cache

from sightline.events.messages import Metadata
from sightline.events.wire import FIXED32, WireError
from sightline.reading.kept import Untold
from sightline.reading.store import Store
from sightline.reading.tensors import array_of
from sightline.reading.walk import (
    AUDIO,
    HISTOGRAM,
    IMAGE,
    SIMPLE_VALUE,
    TENSOR,
    Span,
    ValueSpan,
    View,
    time_and_step,
    walk_event,
)

GRAPH_TAG = "__run_graph__"  # what TensorBoard calls the graph of a run
KIND_OF_FIELD = {IMAGE: "image", HISTOGRAM: "histogram", AUDIO: "audio"}
KIND_OF_PLUGIN = {
    "scalars": "scalar",
    "images": "image",
    "histograms": "histogram",
    "text": "text",
    "audio": "audio",
    "hparams": "hparams",
    "pr_curves": "pr_curve",
    "mesh": "mesh",
    "custom_scalars": "layout",
    "graphs": "graph",
    "graph_run_metadata": "graph",
    "graph_keras_model": "graph",
}
MAX_SCALAR_BYTES = 512  # of a tensor: its shape may take some
MAX_KNOWN_BYTES = 1024  # of metadata that is kept for the next values


def read_record(
    store: Store, view: View, num_bytes: int, *, ordinal: int, file: int, offset: int
) -> None:
    """Put all that a record holds into the store.

    Where the data is no event, this raises WireError, and nothing of it is kept.

    Args:
        store: Of the run.
        view: The record's data.
        num_bytes: How many they are.
        ordinal: The record's number in the run.
        file: Number of its file in the run.
        offset: Where the record begins in the file.
    """
    event = walk_event(view, 0, num_bytes)
    wall_time, step = time_and_step(view, event)
    metadata = [metadata_of(view, value) for value in event.values]
    if event.is_start:
        store.add_start(ordinal, step)
    place = (ordinal, step, wall_time, file, offset)
    if event.graph is not None:
        store.tell(GRAPH_TAG, "graph", ordinal)
        store.add_blob("graph", GRAPH_TAG, event.graph, place)
    for value, about in zip(event.values, metadata, strict=True):
        kind = kind_of(value, about)
        if kind is not None:
            store.tell(value.tag, kind, ordinal)
        if about is not None:
            store.describe(value.tag, about, ordinal)
            if kind == "hparams":
                store.hparams.append((ordinal, about.content))
        if value.content is None:
            continue
        number = _scalar(view, value.content) if kind in {"scalar", None} else None
        if kind is None:
            store.untold.append(Untold(value.tag, value.content, number, place))
        elif number is not None:
            store.add_point(store.number_of(value.tag), ordinal, step, wall_time, number)
        else:
            kind = "tensor" if kind == "scalar" else kind
            store.add_blob(kind, value.tag, value.content, place)


def metadata_of(view: View, value: ValueSpan) -> Metadata | None:
    """What a value says of its tag, or None; bytes that are no metadata raise WireError."""
    # Read where it is no news too: whether a record is whole, and what it holds, must not depend on
    # what was read before it. Records are not read in the order of the file.
    if value.metadata is None:
        return None
    encoded = view[value.metadata.start : value.metadata.stop]
    return _decoded(encoded) if len(encoded) <= MAX_KNOWN_BYTES else Metadata.decode(encoded)


@lru_cache(maxsize=256)  # many writers say the same with every value
def _decoded(metadata: bytes) -> Metadata:
    return Metadata.decode(metadata)


def kind_of(value: ValueSpan, about: Metadata | None) -> str | None:
    """What a value says that it is: a scalar, a picture, ...

    Args:
        value: The value.
        about: What it says of its tag, or None.

    Returns:
        One of the kinds that `Run.tags` names; None where it does not say.
    """
    content = value.content
    if content is not None and content.number == SIMPLE_VALUE:
        return "scalar"
    if content is not None and content.number in KIND_OF_FIELD:
        return KIND_OF_FIELD[content.number]
    return None if about is None else KIND_OF_PLUGIN.get(about.plugin, "tensor")


def _scalar(view: View, content: Span) -> float | None:
    if content.kind == FIXED32:
        (number,) = struct.unpack("<f", view[content.start : content.stop])
        return float(number)
    if content.number == TENSOR and content.stop - content.start <= MAX_SCALAR_BYTES:
        try:
            elements = array_of(view[content.start : content.stop])
        except WireError:
            return None
        if elements.size == 1 and elements.dtype != object:
            return float(elements.item())
    return None
