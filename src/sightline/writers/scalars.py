"""What may be logged as a number, told without waiting for a device."""

from __future__ import annotations

from typing import Any

from sightline.writers.frameworks import is_traced


def check_scalar(tag: str, number: Any) -> None:
    """Refuse what is not one number; only types and shapes are looked at, which are on the host.

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
