"""Reads records one by one, whatever they hold."""

from __future__ import annotations

import struct
from functools import lru_cache

from sightline.events.messages import Metadata
from sightline.events.wire import FIXED32, WireError
from sightline.reading.store import Blobs, Store
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
    store: Store,
    view: View,
    num_bytes: int,
    *,
    ordinal: int,
    file: int,
    offset: int,
    may_guess: bool = True,
) -> bool:
    """Put all that a record holds into the store.

    Where the data is no event, this raises WireError, and nothing of it is kept.

    Args:
        store: Of the run.
        view: The record's data.
        num_bytes: How many they are.
        ordinal: The record's number in the run.
        file: Number of its file in the run.
        offset: Where the record begins in the file.
        may_guess: Whether a value of a tag that nothing is said of is a tensor.

    Returns:
        False where there is such a value, and it may not be guessed: nothing of it is kept.
    """
    event = walk_event(view, 0, num_bytes)
    wall_time, step = time_and_step(view, event)
    metadata = [metadata_of(view, value) for value in event.values]
    pairs = list(zip(event.values, metadata, strict=True))
    if not may_guess and not all(is_told(store, value, about) for value, about in pairs):
        return False
    if event.is_start:
        store.add_start(ordinal, step)
    where = (ordinal, step, wall_time, file, offset)
    if event.graph is not None:
        store.kinds.setdefault(GRAPH_TAG, "graph")
        _add_blob(store, "graph", GRAPH_TAG, event.graph, where)
    for value, about in pairs:
        kind = kind_of(store, value, about)
        if kind is None:
            continue
        store.kinds.setdefault(value.tag, kind)
        if about is not None:
            store.describe(value.tag, about, ordinal)
            if kind == "hparams":
                store.hparams.append((ordinal, about.content))
        if value.content is None:
            continue
        number = _scalar(view, value.content) if kind == "scalar" else None
        if number is not None:
            store.add_point(store.number_of(value.tag), ordinal, step, wall_time, number)
        else:
            kind = "tensor" if kind == "scalar" else kind
            _add_blob(store, kind, value.tag, value.content, where)
    return True


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


def kind_of(store: Store, value: ValueSpan, about: Metadata | None) -> str | None:
    """What a value is: a scalar, a picture, ...; None where it is nothing.

    Args:
        store: Of the run; it knows the tag of a value that does not say what it is.
        value: The value.
        about: What it says of its tag, or None.

    Returns:
        One of the kinds that `Run.tags` names, or None.
    """
    content = value.content
    if content is not None and content.number == SIMPLE_VALUE:
        return "scalar"
    if content is not None and content.number in KIND_OF_FIELD:
        return KIND_OF_FIELD[content.number]
    about = about or store.metadata.get(value.tag)
    if about is not None:
        return KIND_OF_PLUGIN.get(about.plugin, "tensor")
    if content is not None:
        return store.kinds.get(value.tag, "tensor")
    return None


def is_told(store: Store, value: ValueSpan, about: Metadata | None) -> bool:
    """Whether the kind of a value is known, by itself or by an earlier value of its tag."""
    if value.content is None or value.content.number != TENSOR:
        return True
    return about is not None or value.tag in store.metadata


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


def _add_blob(
    store: Store, kind: str, tag: str, content: Span, where: tuple[int, int, float, int, int]
) -> None:
    blobs = store.blobs.get((kind, tag))
    if blobs is None:
        blobs = store.blobs[kind, tag] = Blobs(store.places)
    ordinal, step, wall_time, file, offset = where
    blobs.ordinals.append(ordinal)
    blobs.steps.append(step)
    blobs.wall_times.append(wall_time)
    blobs.files.append(file)
    blobs.records.append(offset)
    blobs.starts.append(content.start)
    blobs.stops.append(content.stop)
    blobs.fields.append(content.number)
