"""What can be logged: a kind of value a module."""

from sightline.writers.values.audio import Audio
from sightline.writers.values.base import Value
from sightline.writers.values.computed import Computed
from sightline.writers.values.drawing import Drawing
from sightline.writers.values.embedding import Embedding
from sightline.writers.values.graph import Graph
from sightline.writers.values.histogram import Histogram
from sightline.writers.values.hparams import HParams, RunEnd
from sightline.writers.values.image import Image
from sightline.writers.values.layout import Layout
from sightline.writers.values.mesh import Mesh
from sightline.writers.values.pr_curve import PRCurve, Scores
from sightline.writers.values.scalar import Scalar
from sightline.writers.values.table import Table
from sightline.writers.values.text import Text
from sightline.writers.values.video import Video

KINDS: tuple[type[Value], ...] = (
    Scalar,
    Image,
    Video,
    Audio,
    Histogram,
    PRCurve,
    Mesh,
    Text,
    Table,
    Layout,
    HParams,
    RunEnd,
    Embedding,
    Graph,
)

__all__ = [
    "KINDS",
    "Audio",
    "Computed",
    "Drawing",
    "Embedding",
    "Graph",
    "HParams",
    "Histogram",
    "Image",
    "Layout",
    "Mesh",
    "PRCurve",
    "RunEnd",
    "Scalar",
    "Scores",
    "Table",
    "Text",
    "Value",
    "Video",
]
