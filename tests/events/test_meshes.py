from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.mesh import metadata
from tensorboard.util import tensor_util

from sightline.events import MeshPart, mesh_values

SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 5), st.just(3))


@given(
    hnp.arrays(np.float32, SHAPES),
    hnp.arrays(np.int32, SHAPES),
    hnp.arrays(np.uint8, SHAPES),
    st.booleans(),
    st.booleans(),
)
def test_tensorboard_reads_every_part_and_what_is_said_of_it(
    vertices: np.ndarray,
    faces: np.ndarray,
    colors: np.ndarray,
    has_faces: bool,
    has_colors: bool,
) -> None:
    parts = {MeshPart.VERTEX: vertices}
    if has_faces:
        parts[MeshPart.FACE] = faces
    if has_colors:
        parts[MeshPart.COLOR] = colors
    values = mesh_values("m", parts, config={"b": 1, "a": [2]})
    protos = [Summary.Value.FromString(value.encode()) for value in values]
    assert [proto.tag for proto in protos] == [f"m_{part.name}" for part in parts]
    for proto, array, kind in zip(protos, parts.values(), parts, strict=True):
        np.testing.assert_array_equal(tensor_util.make_ndarray(proto.tensor), array)
        assert metadata.parse_plugin_metadata(
            proto.metadata.plugin_data.content
        ) == metadata.parse_plugin_metadata(
            metadata.create_summary_metadata(
                "m",
                None,
                int(kind),
                metadata.get_components_bitmask(list(map(int, parts))),
                array.shape,
                json_config='{"a": [2], "b": 1}',
            ).plugin_data.content
        )
