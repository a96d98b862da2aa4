from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto.graph_pb2 import GraphDef

from sightline.events import GraphNode, encode_graph

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NODES = st.builds(
    GraphNode,
    TEXTS,
    TEXTS,
    st.lists(TEXTS).map(tuple),
    st.dictionaries(TEXTS.filter(lambda name: name != "_output_shapes"), TEXTS),
    st.none() | st.lists(st.integers(0, 2**40)).map(tuple),
)


@given(st.lists(NODES))
def test_a_graph_is_read_by_protobuf_as_it_was_meant(nodes: list[GraphNode]) -> None:
    read = GraphDef.FromString(encode_graph(nodes))
    assert len(read.node) == len(nodes)
    for node, meant in zip(read.node, nodes, strict=True):
        assert (node.name, node.op, tuple(node.input)) == (
            meant.name,
            meant.operation,
            meant.inputs,
        )
        attributes = {name: value.s.decode() for name, value in node.attr.items()}
        shapes = node.attr["_output_shapes"].list.shape if "_output_shapes" in node.attr else []
        attributes.pop("_output_shapes", None)
        assert attributes == meant.attributes
        found = [tuple(dim.size for dim in shape.dim) for shape in shapes]
        assert found == ([] if meant.output_shape is None else [meant.output_shape])
