"""A layout of the Custom Scalars page as JSON, the form that TensorBoard's own message has there.

`google.protobuf.json_format` reads it into `tensorboard.plugins.custom_scalar.layout_pb2.Layout`
and writes it from there, so layouts go to and from programs that know nothing of Sightline.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sightline.events import Category, Margin, Multiline

_EDGES = ("value", "lower", "upper")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def layout_to_json(layout: Sequence[Category]) -> dict[str, Any]:
    """Turn a layout into JSON values.

    Args:
        layout: categories, in order.

    Returns:
        A dictionary for `json.dump`. The tags of a multiline chart are regular expressions there,
        which match one tag each.

    Example:
        >>> layout_to_json([Category("Loss", [Multiline("Total", ["loss/total"])])])["category"]
        [{'title': 'Loss', 'chart': [{'title': 'Total', 'multiline': {'tag': ['loss/total$']}}]}]
    """
    return {"category": [_category_to_json(category) for category in layout]}


def layout_from_json(document: Mapping[str, Any]) -> tuple[Category, ...]:
    """Make a layout from JSON values, for `MetricsLogger.log_layout`.

    Args:
        document: what `json.load` gives for a file of `sightline tags --layout json`.

    Returns:
        The categories.

    Raises:
        ValueError: if it is no layout, or a pattern matches more than one tag.

    Example:
        >>> import json
        >>> dashboards = (Category("Loss", [Multiline("Total", ["loss/total"])]),)
        >>> layout_from_json(json.loads(json.dumps(layout_to_json(dashboards)))) == dashboards
        True
    """
    try:
        return tuple(
            Category(
                one.get("title", ""),
                [_chart_from_json(chart) for chart in one.get("chart", [])],
                one.get("closed", False),
            )
            for one in document["category"]
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(
            f"expected a layout of the Custom Scalars page, got something else ({error!r}); "
            "`sightline tags --layout json` prints one to start from"
        ) from error


def _category_to_json(category: Category) -> dict[str, Any]:
    charts = [_chart_to_json(chart) for chart in category.charts]
    closed = {"closed": True} if category.closed else {}
    return {"title": category.title, "chart": charts, **closed}


def _chart_to_json(chart: Multiline | Margin) -> dict[str, Any]:
    if isinstance(chart, Margin):
        series = [dict(zip(_EDGES, tags, strict=True)) for tags in chart.series]
        return {"title": chart.title, "margin": {"series": series}}
    patterns = [re.escape(tag) + "$" for tag in chart.tags]
    return {"title": chart.title, "multiline": {"tag": patterns}}


def _chart_from_json(chart: Mapping[str, Any]) -> Multiline | Margin:
    title = chart.get("title", "")
    if "margin" in chart:
        series = [(one["value"], one["lower"], one["upper"]) for one in chart["margin"]["series"]]
        return Margin(title, series)
    return Multiline(title, [_tag_of(pattern) for pattern in chart["multiline"]["tag"]])


def _tag_of(pattern: str) -> str:
    """The one tag that a pattern matches."""
    tag = _ESCAPED.sub(r"\1", pattern.removesuffix("$"))
    if re.escape(tag) + "$" != pattern:
        raise ValueError(
            f"expected patterns that match one tag, got {pattern!r}; write "
            f"{re.escape(tag) + '$'!r} for {tag!r}"
        )
    return tag
