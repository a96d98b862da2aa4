"""Which scalars are drawn together."""

from __future__ import annotations

from dataclasses import dataclass

from sightline.events import Category
from sightline.writers.values.base import Value


@dataclass(frozen=True, slots=True)
class Layout(Value):
    """A page of charts.

    Args:
        categories: Charts by heading, in order.
    """

    categories: tuple[Category, ...]
