"""Values as JSON holds them."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from sightline.events.json_numbers import json_number
from sightline.writers.values import Histogram, Scalar, Table, Text, Value


@singledispatch
def plain(value: Value) -> Any:
    """A value of dicts, lists, texts and finite numbers.

    Numbers that JSON lacks are the strings "NaN", "Infinity" and "-Infinity", which `float` reads.

    Args:
        value: On the host.

    Returns:
        What `json.dumps` takes.

    Raises:
        AssertionError: If JSON is no way to keep values of this kind.
    """  # noqa: DOC202
    raise AssertionError(f"{type(value).__name__} is not supported")


@plain.register
def _scalar(value: Scalar) -> Any:
    return json_number(value.value)


@plain.register
def _text(value: Text) -> Any:
    return value.markdown


@plain.register
def _table(value: Table) -> Any:
    return {
        "columns": list(value.columns),
        "rows": [
            [json_number(cell) if isinstance(cell, float) else cell for cell in row]
            for row in value.rows
        ],
    }


@plain.register
def _histogram(value: Histogram) -> Any:
    buckets = value.values
    return {
        "edges": [*buckets.rows[:, 0].tolist(), float(buckets.rows[-1, 1])],
        "counts": buckets.rows[:, 2].astype(int).tolist(),
        "num_nan": buckets.num_nan,
        "num_inf": buckets.num_inf,
    }
