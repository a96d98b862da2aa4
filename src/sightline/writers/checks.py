"""What may be logged, told by types and shapes: those are on the host, so nobody waits."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any, SupportsIndex

import numpy as np

from sightline.writers.frameworks import is_picture, is_traced
from sightline.writers.pixels import check_pixel_type, picture_layout, pictures

MIN_STEP, MAX_STEP = -(1 << 63), (1 << 63) - 1  # what an event file can hold


def check_scalar(tag: str, number: Any) -> None:
    """Refuse what is not one number.

    Args:
        tag: The name it is logged under.
        number: A number or an array.

    Raises:
        ValueError: If it is an array with axes, or a tracer inside a JAX transformation.
        TypeError: If it is no number at all.
    """
    if is_traced(number):
        raise ValueError(
            f"expected a number for {tag!r}, got a tracer inside a JAX transformation; return it "
            "from the transformed function and log it outside"
        )
    shape = getattr(number, "shape", None)
    if shape is None:
        if not hasattr(number, "__float__"):
            raise TypeError(
                f"expected a number for {tag!r}, got {type(number).__name__}; "
                "log texts with log_text, and leave out what has no value"
            )
    elif tuple(shape) != ():
        raise ValueError(
            f"expected a number for {tag!r}, got an array of shape {tuple(shape)}; log its mean or "
            "one element, or the whole with log_histogram"
        )


def check_array(tag: str, array: Any) -> None:
    """Refuse what is no array.

    Args:
        tag: The name it is logged under.
        array: An array, or nested sequences of numbers.

    Raises:
        ValueError: If it is a tracer inside a JAX transformation.
        TypeError: If it is no array.
    """
    if is_traced(array):
        raise ValueError(
            f"expected an array for {tag!r}, got a tracer inside a JAX transformation; return it "
            "from the transformed function and log it outside"
        )
    if not hasattr(array, "shape") and (not isinstance(array, Sequence) or isinstance(array, str)):
        raise TypeError(
            f"expected an array for {tag!r}, got {type(array).__name__}; "
            "pass an array of NumPy, torch or JAX"
        )


def check_picture(tag: str, picture: Any, layout: str | None) -> None:
    """Refuse what is no picture, by its type and shape.

    Args:
        tag: The name it is logged under.
        picture: A PIL image or an array.
        layout: Axes of an array, or None.

    Raises:
        TypeError: If it is neither.
    """
    if is_picture(picture):
        return
    if not hasattr(picture, "shape"):
        raise TypeError(
            f"expected a picture for {tag!r}, got {type(picture).__name__}; pass an array, a PIL "
            "image or a Matplotlib figure"
        )
    check_array(tag, picture)
    picture_layout(tuple(picture.shape), layout)
    check_pixel_type(picture)


def check_set_of_pictures(
    tag: str, images: Any, captions: Sequence[str] | None, layout: str | None
) -> None:
    """Refuse what is not one or more pictures, with as many captions if there are any.

    Args:
        tag: The name they are logged under.
        images: A sequence of pictures, or one array.
        captions: A line for each, or None.
        layout: Axes of one picture, or None.

    Raises:
        ValueError: If there are none, too few or too many.
    """
    num_axes = 3 if layout == "HW" else 4
    if hasattr(images, "shape") and len(images.shape) != num_axes:
        raise ValueError(
            f"expected several pictures for {tag!r}, got an array of shape {tuple(images.shape)}; "
            'log one with log_image, or several grey ones without channel axis with layout="HW"'
        )
    num_pictures = len(pictures(images, layout))
    if num_pictures == 0 or (captions is not None and len(captions) != num_pictures):
        wanted = "at least one picture" if captions is None else f"{len(captions)} pictures"
        raise ValueError(
            f"expected {wanted} for {tag!r}, got {num_pictures}; give one caption for each"
        )


def check_embedding(tag: str, vectors: Any, metadata: Any, images: Any) -> None:
    """Refuse what is not a set of points, each with as much beside it as the others.

    Args:
        tag: The name it is logged under.
        vectors: An array, or nested sequences of numbers.
        metadata: Values by name of the column, a sequence of labels, or None.
        images: An array or a sequence of pictures, or None.

    Raises:
        ValueError: If there are fewer points or dimensions than the projector shows, or columns
            or pictures of another length.
        TypeError: If a column is no sequence.
    """
    check_array(tag, vectors)
    shape = tuple(vectors.shape) if hasattr(vectors, "shape") else np.shape(vectors)
    if len(shape) != 2 or min(shape) < 2:
        raise ValueError(
            f"expected at least two vectors of at least two numbers for {tag!r}, got an array of "
            f"shape {shape}; flatten each point to one axis"
        )
    columns = metadata if isinstance(metadata, Mapping) else {"labels": metadata}
    beside = {f"metadata {name!r}": column for name, column in columns.items()}
    if metadata is None:
        beside = {}
    if images is not None:
        beside["images"] = images
    for name, column in beside.items():
        if isinstance(column, str) or not hasattr(column, "__len__"):
            raise TypeError(
                f"expected a value for each point of {tag!r}, got {type(column).__name__} as "
                f"{name}; pass a sequence or an array"
            )
        length = column.shape[0] if getattr(column, "shape", None) else len(column)
        if length != shape[0]:
            raise ValueError(
                f"expected {shape[0]} {name} for {tag!r}, one for each vector, got {length}; pass "
                "them in the order of the vectors"
            )
    for picture in () if images is None else images[:1] if hasattr(images, "shape") else images:
        check_picture(tag, picture, None)


def check_step(step: Any) -> int:
    """Refuse a step that is not a plain integer of at most 64 bits.

    Args:
        step: What was given.

    Returns:
        The step.

    Raises:
        TypeError: If it is something else; a tensor too, which would have to be waited for.
        ValueError: If it is too large.
    """
    if isinstance(step, SupportsIndex) and not hasattr(step, "device"):
        index = operator.index(step)
        if MIN_STEP <= index <= MAX_STEP:
            return index
        raise ValueError(f"expected a step of at most 64 bits, got {index}; count from 0")
    raise TypeError(
        f"expected a step that is an integer, got {type(step).__name__}; "
        "count steps in a Python int"
    )
