"""Points and surfaces as Wavefront OBJ files, which most programs for meshes read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def encode_obj(
    vertices: NDArray[np.float32],
    faces: NDArray[np.int32] | None = None,
    colors: NDArray[np.uint8] | None = None,
) -> str:
    """A mesh, or points.

    Args:
        vertices: float32 array of shape (vertices, 3).
        faces: Indices from 0 of the vertices of each triangle, of shape (faces, 3); None for
            points.
        colors: uint8 array of shape (vertices, 3): red, green and blue, which stand behind each
            vertex as numbers from 0 to 1; None for no colours.

    Returns:
        The file, which counts vertices from 1.

    Example:
        >>> print(encode_obj(np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], np.int32)), end="")
        v 1 0 0
        v 0 1 0
        v 0 0 1
        f 1 2 3
    """
    table = vertices if colors is None else np.hstack([vertices, colors / np.float32(255)])
    lines = ["v " + " ".join(f"{number:.9g}" for number in row) for row in table.tolist()]
    if faces is None:
        lines.append("p " + " ".join(map(str, range(1, len(vertices) + 1))))
    else:
        lines += ["f " + " ".join(map(str, row)) for row in (faces + 1).tolist()]
    return "\n".join(lines) + "\n"
