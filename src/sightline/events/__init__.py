"""TensorBoard's on-disk format: framing, wire messages, payloads, file names, reading."""

from sightline.events.adoption import adopt_in_records
from sightline.events.audio import audio_value, encode_wav
from sightline.events.event_file import EventFile
from sightline.events.framing import frame
from sightline.events.graph import GraphNode, encode_graph
from sightline.events.histograms import Buckets, bucketize
from sightline.events.hparams import (
    HPARAMS_TAG,
    RUN_END_TAG,
    RunStatus,
    hparams_value,
    run_end_value,
)
from sightline.events.layouts import LAYOUT_TAG, Category, Margin, Multiline, layout_value
from sightline.events.meshes import MeshPart, mesh_values
from sightline.events.messages import Event, Metadata, SessionStatus, Value, encode_event
from sightline.events.naming import event_files, next_event_file
from sightline.events.paths import make_directory, to_local_path, to_path
from sightline.events.payloads import encode_png, histogram_value, image_value, text_value
from sightline.events.pr_curves import pr_curve, pr_curve_value
from sightline.events.reading import Damage, Reading, read
from sightline.events.remote_file import PART_SECS, RemoteEventFile
from sightline.events.scalars import ScalarEncoder
from sightline.events.sink import EventSink, create_event_file
from sightline.events.tags import check_tag
from sightline.events.tensors import Tensor
from sightline.events.truncation import truncate_run
from sightline.events.videos import encode_gif
from sightline.events.withdrawal import withdraw

__all__ = [
    "HPARAMS_TAG",
    "LAYOUT_TAG",
    "PART_SECS",
    "RUN_END_TAG",
    "Buckets",
    "Category",
    "Damage",
    "Event",
    "EventFile",
    "EventSink",
    "GraphNode",
    "Margin",
    "MeshPart",
    "Metadata",
    "Multiline",
    "Reading",
    "RemoteEventFile",
    "RunStatus",
    "ScalarEncoder",
    "SessionStatus",
    "Tensor",
    "Value",
    "adopt_in_records",
    "audio_value",
    "bucketize",
    "check_tag",
    "create_event_file",
    "encode_event",
    "encode_gif",
    "encode_graph",
    "encode_png",
    "encode_wav",
    "event_files",
    "frame",
    "histogram_value",
    "hparams_value",
    "image_value",
    "layout_value",
    "make_directory",
    "mesh_values",
    "next_event_file",
    "pr_curve",
    "pr_curve_value",
    "read",
    "run_end_value",
    "text_value",
    "to_local_path",
    "to_path",
    "truncate_run",
    "withdraw",
]
