"""One number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sightline.writers.values.base import Value


@dataclass(frozen=True, slots=True)
class Scalar(Value):
    """A number.

    Args:
        value: A number or a 0-d array; for a writer a float.
    """

    value: Any
