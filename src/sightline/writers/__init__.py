"""Where values go: typed values, the protocol of a writer, and the writers."""

from sightline.events import Category, Margin, Multiline
from sightline.writers.background import Background
from sightline.writers.console import Console
from sightline.writers.fanout import Fanout
from sightline.writers.jsonl import Jsonl
from sightline.writers.memory import Memory, Written
from sightline.writers.mlflow import Mlflow
from sightline.writers.protocol import Row, Writer, hand_over, hand_over_rows
from sightline.writers.tensorboard import TensorBoard
from sightline.writers.values import (
    Audio,
    Computed,
    Drawing,
    Embedding,
    Graph,
    Histogram,
    HParams,
    Image,
    Layout,
    Mesh,
    PRCurve,
    RunEnd,
    Scalar,
    Scores,
    Table,
    Text,
    Value,
    Video,
)
from sightline.writers.wandb import Wandb

__all__ = [
    "Audio",
    "Background",
    "Category",
    "Computed",
    "Console",
    "Drawing",
    "Embedding",
    "Fanout",
    "Graph",
    "HParams",
    "Histogram",
    "Image",
    "Jsonl",
    "Layout",
    "Margin",
    "Memory",
    "Mesh",
    "Mlflow",
    "Multiline",
    "PRCurve",
    "Row",
    "RunEnd",
    "Scalar",
    "Scores",
    "Table",
    "TensorBoard",
    "Text",
    "Value",
    "Video",
    "Wandb",
    "Writer",
    "Written",
    "hand_over",
    "hand_over_rows",
]
