"""Graphs as TensorBoard's Graphs tab takes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sightline.events.wire import bytes_field, string_field, varint_field

PRODUCER = 27  # version of the format; any that knows shapes will do
OUTPUT_SHAPES = "_output_shapes"  # what the tab writes on the edges that leave a node


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node.

    Args:
        name: Its name; slashes make scopes, which the tab draws as boxes to open.
        operation: What it does, in a word.
        inputs: Names of nodes from which an edge leads here.
        attributes: What the tab tells of it, by name.
        output_shape: Shape of what leaves it, or None where nothing is known.
    """

    name: str
    operation: str
    inputs: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    output_shape: tuple[int, ...] | None = None

    def encode(self) -> bytes:
        """The message NodeDef."""
        message = string_field(1, self.name) + string_field(2, self.operation)
        message += b"".join(string_field(3, name) for name in self.inputs)
        for name, text in self.attributes.items():
            message += _attribute(name, string_field(2, text))
        if self.output_shape is not None:
            dims = (bytes_field(2, varint_field(1, size)) for size in self.output_shape)
            shapes = bytes_field(7, b"".join(dims))
            message += _attribute(OUTPUT_SHAPES, bytes_field(1, shapes))
        return message


def encode_graph(nodes: Iterable[GraphNode]) -> bytes:
    """The message GraphDef.

    Args:
        nodes: Nodes of different names.

    Returns:
        The message, for `Event.graph_def`.

    Example:
        >>> encode_graph([GraphNode("a", "Linear")]).hex()
        '0a0b0a016112064c696e6561722202081b'
    """
    encoded = b"".join(bytes_field(1, node.encode()) for node in nodes)
    return encoded + bytes_field(4, varint_field(1, PRODUCER))


def _attribute(name: str, value: bytes) -> bytes:
    return bytes_field(5, string_field(1, name) + bytes_field(2, value))
