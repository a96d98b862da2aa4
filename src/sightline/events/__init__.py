"""TensorBoard's on-disk format: framing, wire messages, payloads, file names, reading."""

from sightline.events.event_file import EventFile
from sightline.events.framing import frame
from sightline.events.graph import GraphNode, encode_graph
from sightline.events.histograms import Buckets, bucketize
from sightline.events.messages import Event, Metadata, SessionStatus, Value, encode_event
from sightline.events.naming import event_files, next_event_file
from sightline.events.payloads import encode_png, histogram_value, image_value, text_value
from sightline.events.reading import Damage, Reading, read
from sightline.events.scalars import ScalarEncoder
from sightline.events.tags import check_tag
from sightline.events.tensors import Tensor
from sightline.events.truncation import truncate_run

__all__ = [
    "Buckets",
    "Damage",
    "Event",
    "EventFile",
    "GraphNode",
    "Metadata",
    "Reading",
    "ScalarEncoder",
    "SessionStatus",
    "Tensor",
    "Value",
    "bucketize",
    "check_tag",
    "encode_event",
    "encode_graph",
    "encode_png",
    "event_files",
    "frame",
    "histogram_value",
    "image_value",
    "next_event_file",
    "read",
    "text_value",
    "truncate_run",
]
