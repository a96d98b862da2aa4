"""Points and surfaces in space."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from numpy.typing import NDArray

from sightline.events.messages import DataClass, Metadata, Value
from sightline.events.tensors import DType, Tensor
from sightline.events.wire import bytes_field, string_field, varint, varint_field


class MeshPart(IntEnum):
    """What one of the arrays of a mesh says."""

    VERTEX = 1
    FACE = 2
    COLOR = 3


DTYPES = {
    MeshPart.VERTEX: (DType.FLOAT, "<f4"),
    MeshPart.FACE: (DType.INT32, "<i4"),
    MeshPart.COLOR: (DType.UINT8, "u1"),
}
NAME, CONTENT_TYPE, JSON_CONFIG, SHAPE, COMPONENTS = 2, 3, 5, 6, 7


def mesh_values(
    tag: str,
    parts: Mapping[MeshPart, NDArray[Any]],
    *,
    config: Mapping[str, Any] | None = None,
    description: str = "",
) -> list[Value]:
    """A mesh, or a batch of them.

    Args:
        tag: Its name.
        parts: Vertices, and faces and colours if there are any, each of shape (meshes, n, 3).
        config: Settings of the three.js scene: `camera`, `lights` and `material`.
        description: Markdown behind the info icon.

    Returns:
        A value for each part, for the plugin `mesh`, under `<tag>_VERTEX` and so on.
    """
    components = sum(1 << part for part in parts)
    values = []
    for part, array in parts.items():
        dtype, numpy_type = DTYPES[part]
        sizes = b"".join(map(varint, array.shape))
        content = (
            string_field(NAME, tag)
            + varint_field(CONTENT_TYPE, part)
            + string_field(JSON_CONFIG, json.dumps(config or {}, sort_keys=True))
            + bytes_field(SHAPE, sizes)
            + varint_field(COMPONENTS, components)
        )
        values.append(
            Value(
                f"{tag}_{part.name}",
                tensor=Tensor(dtype, array.shape, array.astype(numpy_type).tobytes()),
                metadata=Metadata("mesh", DataClass.TENSOR, description, content=content),
            )
        )
    return values
