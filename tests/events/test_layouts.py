from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout

from sightline.events import Category, Margin, Multiline
from sightline.events.layouts import layout_value

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
multilines = st.builds(Multiline, texts, st.lists(texts, min_size=1, max_size=3))
margins = st.builds(Margin, texts, st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=3))
categories = st.builds(Category, texts, st.lists(multilines | margins, max_size=3), st.booleans())


@given(st.lists(categories, max_size=3))
def test_tensorboard_reads_every_chart(layout: list[Category]) -> None:
    tensor = layout_value(layout).tensor
    assert tensor is not None
    read = Layout.FromString(tensor.strings[0])
    assert [(each.title, each.closed) for each in read.category] == [
        (each.title, each.closed) for each in layout
    ]
    for category, proto in zip(layout, read.category, strict=True):
        for chart, shown in zip(category.charts, proto.chart, strict=True):
            assert chart.title == shown.title
            if isinstance(chart, Margin):
                lines = [(one.value, one.lower, one.upper) for one in shown.margin.series]
                assert lines == list(chart.series)
            else:
                for tag, pattern in zip(chart.tags, shown.multiline.tag, strict=True):
                    assert re.match(pattern, tag)
                    assert not re.match(pattern, tag + "x")


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Multiline("t", "loss"), ValueError, "put a single one in a list"),
        (lambda: Multiline("t", []), ValueError, "expected a sequence of tags"),
        (lambda: Margin("t", [("a", "b")]), ValueError, "its lower and its upper bound"),
        (lambda: Margin("t", ("abc",)), ValueError, "expected three tags"),
        (lambda: Category("c", ["loss"]), TypeError, "got str; pass Multiline or Margin"),
    ],
)
def test_what_is_no_chart_is_refused(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()
