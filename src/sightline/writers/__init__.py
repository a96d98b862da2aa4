"""Where values go: typed values, the protocol of a writer, and the writers."""

from sightline.writers.background import Background
from sightline.writers.console import Console
from sightline.writers.fanout import Fanout
from sightline.writers.jsonl import Jsonl
from sightline.writers.memory import Memory, Written
from sightline.writers.mlflow import Mlflow
from sightline.writers.protocol import Row, Writer, hand_over, hand_over_rows
from sightline.writers.tensorboard import TensorBoard
from sightline.writers.values import Embedding, Graph, Histogram, Image, Scalar, Text, Value
from sightline.writers.wandb import Wandb

__all__ = [
    "Background",
    "Console",
    "Embedding",
    "Fanout",
    "Graph",
    "Histogram",
    "Image",
    "Jsonl",
    "Memory",
    "Mlflow",
    "Row",
    "Scalar",
    "TensorBoard",
    "Text",
    "Value",
    "Wandb",
    "Writer",
    "Written",
    "hand_over",
    "hand_over_rows",
]
