"""What a model is made of."""

from __future__ import annotations

from dataclasses import dataclass

from sightline.events import GraphNode
from sightline.writers.values.base import Value


@dataclass(frozen=True, slots=True)
class Graph(Value):
    """What a model is made of.

    Args:
        nodes: Its modules, from `sightline.writers.module_tree.module_nodes`.
    """

    nodes: tuple[GraphNode, ...]
