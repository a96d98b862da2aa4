"""TensorBoard's on-disk format: framing, wire messages, payloads, file names, reading."""

from sightline.events.adoption import adopt_in_records
from sightline.events.event_file import EventFile
from sightline.events.framing import frame
from sightline.events.histograms import Buckets, bucketize
from sightline.events.messages import Event, Metadata, SessionStatus, Value, encode_event
from sightline.events.naming import event_files, next_event_file
from sightline.events.paths import make_directory, to_local_path, to_path
from sightline.events.payloads import encode_png, histogram_value, image_value, text_value
from sightline.events.reading import Damage, Reading, read
from sightline.events.remote_file import PART_SECS, RemoteEventFile
from sightline.events.scalars import ScalarEncoder
from sightline.events.sink import EventSink, create_event_file
from sightline.events.tags import check_tag
from sightline.events.tensors import Tensor
from sightline.events.truncation import truncate_run

__all__ = [
    "PART_SECS",
    "Buckets",
    "Damage",
    "Event",
    "EventFile",
    "EventSink",
    "Metadata",
    "Reading",
    "RemoteEventFile",
    "ScalarEncoder",
    "SessionStatus",
    "Tensor",
    "Value",
    "adopt_in_records",
    "bucketize",
    "check_tag",
    "create_event_file",
    "encode_event",
    "encode_png",
    "event_files",
    "frame",
    "histogram_value",
    "image_value",
    "make_directory",
    "next_event_file",
    "read",
    "text_value",
    "to_local_path",
    "to_path",
    "truncate_run",
]
