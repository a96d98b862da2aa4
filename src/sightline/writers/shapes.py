"""What each kind of value must look like, told by types and shapes, for which nobody waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sightline.writers.checks import check_array, check_picture
from sightline.writers.values.audio import audio_layout


def check_clip(tag: str, frames: Any, layout: str | None) -> None:
    """Refuse what is not a sequence of pictures.

    Args:
        tag: The name it is logged under.
        frames: An array, or a sequence of arrays and PIL images.
        layout: Axes of one frame, or None.

    Raises:
        ValueError: If there are no frames, or the array has not one axis more than a picture.
    """
    num_frames = frames.shape[0] if getattr(frames, "shape", ()) else len(frames)
    if num_frames == 0:
        raise ValueError(f"expected at least one frame for {tag!r}, got none; leave out the call")
    if hasattr(frames, "shape"):
        if len(frames.shape) not in {3, 4}:
            raise ValueError(
                f"expected frames of axes THW, THWC or TCHW for {tag!r}, got shape "
                f"{tuple(frames.shape)}; log each clip under a tag of its own"
            )
        check_array(tag, frames)
        frames = frames[:1]
    for frame in frames:
        check_picture(tag, frame, layout)


def check_sound(tag: str, samples: Any, sample_rate: Any, layout: str | None) -> None:
    """Refuse what is no sound.

    Args:
        tag: The name it is logged under.
        samples: An array.
        sample_rate: Samples a second.
        layout: Its axes, or None.

    Raises:
        ValueError: If its shape or type says so, or the rate is no positive integer.
    """
    check_array(tag, samples)
    if isinstance(sample_rate, bool) or not isinstance(sample_rate, int) or sample_rate < 1:
        raise ValueError(
            f"expected a positive integer of samples a second for {tag!r}, got {sample_rate!r}; "
            "pass sample_rate=16000 or what it was recorded at"
        )
    if not hasattr(samples, "shape"):
        return
    audio_layout(tuple(samples.shape), layout)
    name = _type_name(samples)
    if name != "int16" and not name.startswith(("float", "bfloat")):
        raise ValueError(
            f"expected samples as int16, or as floats from -1 to 1, for {tag!r}, got {name}; "
            "scale them to floats"
        )


def check_rows(tag: str, columns: Sequence[str], rows: Any) -> None:
    """Refuse a table in which a row has too few or too many cells.

    Args:
        tag: The name it is logged under.
        columns: A heading for each column.
        rows: A sequence of rows, or an array of two axes.

    Raises:
        ValueError: If it has no column, or a row does not fit.
    """
    if not columns:
        raise ValueError(f"expected at least one column for {tag!r}, got none; name them")
    if hasattr(rows, "shape"):
        if len(rows.shape) != 2 or rows.shape[1] != len(columns):
            raise ValueError(
                f"expected rows of {len(columns)} cells for {tag!r}, got an array of shape "
                f"{tuple(rows.shape)}; give a name for each of its columns"
            )
        check_array(tag, rows)
        return
    for index, row in enumerate(rows):
        if isinstance(row, str) or len(row) != len(columns):
            got = "a text" if isinstance(row, str) else str(len(row))
            raise ValueError(
                f"expected {len(columns)} cells in row {index} of {tag!r}, got {got}; give one for "
                "each column, and None where there is nothing"
            )


def check_scores(
    tag: str, labels: Any, predictions: Any, num_thresholds: int, weights: Any
) -> None:
    """Refuse labels and scores that do not belong together.

    Args:
        tag: The name they are logged under.
        labels: An array.
        predictions: An array of the same shape.
        num_thresholds: Number of thresholds.
        weights: An array of the same shape, or None.

    Raises:
        ValueError: If the shapes differ or are empty, or there are fewer than two thresholds.
    """
    if num_thresholds < 2:
        raise ValueError(
            f"expected at least 2 thresholds for {tag!r}, got {num_thresholds}; 127 draw a smooth "
            "curve"
        )
    shapes = []
    for array in (labels, predictions, *(() if weights is None else (weights,))):
        check_array(tag, array)
        shapes.append(_shape(array))
    if len(set(shapes)) > 1 or 0 in shapes[0]:
        raise ValueError(
            f"expected labels and predictions of one shape for {tag!r}, got "
            f"{' and '.join(map(str, shapes))}; pass one score for each example, of one class"
        )


def check_mesh(tag: str, vertices: Any, faces: Any, colors: Any) -> None:
    """Refuse arrays that make no mesh.

    Args:
        tag: The name it is logged under.
        vertices: An array of shape (vertices, 3) or (meshes, vertices, 3).
        faces: An array of shape (faces, 3) or (meshes, faces, 3), or None.
        colors: An array of the shape of the vertices, or None.

    Raises:
        ValueError: If their shapes or types say so.
    """
    arrays = {"vertices": vertices, "faces": faces, "colors": colors}
    shapes = {}
    for name, array in arrays.items():
        if array is None and name != "vertices":
            continue
        check_array(tag, array)
        shapes[name] = shape = _shape(array)
        if len(shape) not in {2, 3} or shape[-1] != 3 or 0 in shape:
            raise ValueError(
                f"expected {name} of shape (n, 3) or (meshes, n, 3) for {tag!r}, got {shape}; put "
                "the three numbers of each on the last axis"
            )
    if "colors" in shapes and shapes["colors"] != shapes["vertices"]:
        raise ValueError(
            f"expected a colour for each vertex of {tag!r}, got {shapes['colors']} for "
            f"{shapes['vertices']}; repeat it where vertices share one"
        )
    if "faces" in shapes and shapes["faces"][:-2] != shapes["vertices"][:-2]:
        raise ValueError(
            f"expected faces for each mesh of {tag!r}, got {shapes['faces']} for "
            f"{shapes['vertices']}; give both as many meshes"
        )
    if hasattr(faces, "dtype") and "int" not in _type_name(faces):
        raise ValueError(
            f"expected faces of {tag!r} as integers, got {_type_name(faces)}; they are indices of "
            "vertices"
        )
    if hasattr(colors, "dtype"):
        name = _type_name(colors)
        if name != "uint8" and not name.startswith(("float", "bfloat")):
            raise ValueError(
                f"expected colours of {tag!r} as uint8, or as floats from 0 to 1, got {name}; "
                "convert them"
            )


def _shape(array: Any) -> tuple[int, ...]:
    if hasattr(array, "shape"):
        return tuple(array.shape)
    return np.shape(array)


def _type_name(array: Any) -> str:
    return str(getattr(array, "dtype", type(array).__name__)).removeprefix("torch.")
