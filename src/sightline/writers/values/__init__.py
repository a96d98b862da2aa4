"""What can be logged: a kind of value a module."""

from sightline.writers.values.base import Value
from sightline.writers.values.embedding import Embedding
from sightline.writers.values.graph import Graph
from sightline.writers.values.histogram import Histogram
from sightline.writers.values.image import Image
from sightline.writers.values.scalar import Scalar
from sightline.writers.values.text import Text

KINDS: tuple[type[Value], ...] = (Scalar, Image, Histogram, Text, Embedding, Graph)

__all__ = ["KINDS", "Embedding", "Graph", "Histogram", "Image", "Scalar", "Text", "Value"]
