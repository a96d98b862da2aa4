"""Event files as arrays: a run, or thousands, of whatever writer, whole or damaged."""

from sightline.events.reading import Damage
from sightline.reading.blobs import BlobSequence
from sightline.reading.columns import Columns
from sightline.reading.log import Log, read
from sightline.reading.run import Run
from sightline.reading.series import Series
from sightline.reading.values import Audio, Histogram, Image, TensorValue, Text

__all__ = [
    "Audio",
    "BlobSequence",
    "Columns",
    "Damage",
    "Histogram",
    "Image",
    "Log",
    "Run",
    "Series",
    "TensorValue",
    "Text",
    "read",
]
