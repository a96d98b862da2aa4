"""Points and surfaces in space."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.writers.arrays import fetch, freeze, num_bytes
from sightline.writers.frameworks import to_numpy
from sightline.writers.values.base import Value


@dataclass(frozen=True, slots=True)
class Mesh(Value):
    """A mesh, a cloud of points, or a batch of either.

    Args:
        vertices: Real numbers of shape (vertices, 3) or (meshes, vertices, 3); for a writer
            float32, with all three axes.
        faces: Indices of the three vertices of each triangle, of shape (faces, 3) or (meshes,
            faces, 3); for a writer int32. None for points.
        colors: Red, green and blue of each vertex, of the shape of the vertices, as uint8 or
            floating from 0 to 1; for a writer uint8.
        config: Settings of the three.js scene: `camera`, `lights` and `material`.
    """

    vertices: Any
    faces: Any = None
    colors: Any = None
    config: Mapping[str, Any] | None = None

    def frozen(self) -> Mesh:
        """The same, of memory that the caller cannot write to."""
        return Mesh(
            freeze(self.vertices),
            None if self.faces is None else freeze(self.faces),
            None if self.colors is None else freeze(self.colors),
            self.config,
        )

    def on_host(self) -> Mesh:
        """The same as arrays of three axes.

        Returns:
            A mesh of NumPy arrays.

        Raises:
            ValueError: If a vertex is not finite, a face names none, or a colour is out of range.
        """
        vertices = _batch(self.vertices).astype(np.float32)
        if not np.isfinite(vertices).all():
            raise ValueError(
                f"expected finite vertices, got {int((~np.isfinite(vertices)).sum())} numbers that "
                "are not; leave these vertices out"
            )
        faces = colors = None
        if self.faces is not None:
            faces = _batch(self.faces)
            last = vertices.shape[1] - 1
            if faces.size and not (faces.min() >= 0 and faces.max() <= last):
                raise ValueError(
                    f"expected faces of vertices 0 to {last}, got {faces.min()} to {faces.max()}; "
                    "count vertices from 0, in each mesh anew"
                )
            faces = faces.astype(np.int32)
        if self.colors is not None:
            colors = _to_bytes(_batch(self.colors))
        return Mesh(vertices, faces, colors, self.config)

    @property
    def nbytes(self) -> int:
        """Memory that it holds while it waits."""
        return sum(map(num_bytes, (self.vertices, self.faces, self.colors)))


def _batch(array: Any) -> NDArray[Any]:
    host = to_numpy(fetch(array))
    return host[None] if host.ndim == 2 else host


def _to_bytes(colors: NDArray[Any]) -> NDArray[np.uint8]:
    if colors.dtype == np.uint8:
        return colors
    levels = np.rint(colors.astype(np.float64) * 255)
    if not ((levels >= 0) & (levels <= 255)).all():
        raise ValueError(
            f"expected colours from 0 to 1 in floating numbers, got {colors.min():.4g} to "
            f"{colors.max():.4g}; scale them before logging, or log uint8 from 0 to 255"
        )
    return levels.astype(np.uint8)
