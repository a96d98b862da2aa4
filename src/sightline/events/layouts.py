"""Which scalars TensorBoard draws together, on its Custom Scalars page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sightline.events.messages import DataClass, Metadata, Value
from sightline.events.tensors import DType, Tensor
from sightline.events.wire import bytes_field, string_field, varint_field

LAYOUT_TAG = "custom_scalars__config__"


@dataclass(frozen=True, slots=True)
class Multiline:
    """A chart with a line for each tag.

    Args:
        title: Its title.
        tags: Exact tags of scalars.
    """

    title: str
    tags: Sequence[str]

    def __post_init__(self) -> None:
        if isinstance(self.tags, str) or not self.tags:
            raise ValueError(
                f"expected a sequence of tags for the chart {self.title!r}, got {self.tags!r}; "
                "put a single one in a list"
            )
        object.__setattr__(self, "tags", tuple(self.tags))

    def encode(self) -> bytes:
        """The message Chart."""
        # TensorBoard matches a pattern from the left; the end is ours to say.
        lines = b"".join(string_field(1, re.escape(tag) + "$") for tag in self.tags)
        return string_field(1, self.title) + bytes_field(2, lines)


@dataclass(frozen=True, slots=True)
class Margin:
    """A chart with lines that have a band around them.

    Args:
        title: Its title.
        series: For each line three exact tags: the value, its lower and its upper bound.
    """

    title: str
    series: Sequence[tuple[str, str, str]]

    def __post_init__(self) -> None:
        series = tuple(tuple(tags) for tags in self.series)
        if not series or any(isinstance(tags, str) or len(tags) != 3 for tags in self.series):
            raise ValueError(
                f"expected three tags for each line of the chart {self.title!r}, got "
                f"{self.series!r}; give those of the value, its lower and its upper bound"
            )
        object.__setattr__(self, "series", series)

    def encode(self) -> bytes:
        """The message Chart."""
        lines = b"".join(
            bytes_field(1, b"".join(string_field(index + 1, tag) for index, tag in enumerate(tags)))
            for tags in self.series
        )
        return string_field(1, self.title) + bytes_field(3, lines)


@dataclass(frozen=True, slots=True)
class Category:
    """Charts under one heading.

    Args:
        title: The heading.
        charts: The charts, in order.
        closed: Whether it is folded when the page opens.
    """

    title: str
    charts: Sequence[Multiline | Margin]
    closed: bool = False

    def __post_init__(self) -> None:
        charts = tuple(self.charts)
        for chart in charts:
            if not isinstance(chart, Multiline | Margin):
                raise TypeError(
                    f"expected charts in the category {self.title!r}, got "
                    f"{type(chart).__name__}; pass Multiline or Margin, or tags by title"
                )
        object.__setattr__(self, "charts", charts)

    def encode(self) -> bytes:
        """The message Category."""
        charts = b"".join(bytes_field(2, chart.encode()) for chart in self.charts)
        return string_field(1, self.title) + charts + (varint_field(3, 1) if self.closed else b"")


def layout_value(categories: Sequence[Category]) -> Value:
    """A layout of the Custom Scalars page.

    TensorBoard puts together the layouts of all runs; the same categories give the same bytes.

    Args:
        categories: In order.

    Returns:
        A value for the plugin `custom_scalars`.
    """
    layout = b"".join(bytes_field(2, category.encode()) for category in categories)
    return Value(
        LAYOUT_TAG,
        tensor=Tensor(DType.STRING, strings=(layout,)),
        metadata=Metadata("custom_scalars", DataClass.TENSOR),
    )
