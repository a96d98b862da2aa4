import json
import re

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.plugins.custom_scalar import layout_pb2

from sightline import MetricsLogger
from sightline.catalogue import band_tags, find, layout, layout_from_json, layout_to_json
from sightline.events import Category, Margin, Multiline
from sightline.events.layouts import layout_value
from sightline.writers import Memory

TEN = [
    "Loss",
    "EMA",
    "Masking",
    "Hierarchy",
    "Prediction",
    "Collapse",
    "Gradient flow",
    "Learning rate",
    "Stability",
    "Performance",
]
RUN = {
    "num_levels": 3,
    "modules": ["context_encoder", "predictor"],
    "blocks": ["blocks.1", "blocks.2"],
    "num_param_groups": 2,
}

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
multilines = st.builds(Multiline, texts, st.lists(texts, min_size=1, max_size=3))
margins = st.builds(Margin, texts, st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=3))
categories = st.builds(Category, texts, st.lists(multilines | margins, max_size=3), st.booleans())


def tags_of(chart):
    if isinstance(chart, Multiline):
        return list(chart.tags)
    return [tag for series in chart.series for tag in series]


def chart_called(title, dashboards):
    (chart,) = [one for each in dashboards for one in each.charts if one.title == title]
    return chart


def test_a_run_of_h_jepa_has_ten_dashboards_of_two_to_four_charts():
    dashboards = layout("hjepa", **RUN)
    assert [one.title for one in dashboards] == TEN
    assert {len(one.charts) for one in dashboards} <= {2, 3, 4}


def test_every_curve_is_a_scalar_of_the_catalogue():
    tags = {tag for one in layout("hjepa", **RUN) for chart in one.charts for tag in tags_of(chart)}
    assert len(tags) > 60
    assert {tag for tag in tags if find(tag) is None or find(tag).kind != "scalar"} == set()


def test_a_title_names_one_chart_and_fits_over_it():
    titles = [chart.title for one in layout("hjepa", **RUN) for chart in one.charts]
    assert len(set(titles)) == len(titles)
    assert max(map(len, titles)) <= 42


def test_a_run_without_a_recipe_has_no_curves_of_others():
    dashboards = layout()
    tags = [tag for one in dashboards for chart in one.charts for tag in tags_of(chart)]
    assert {find(tag).recipe for tag in tags} == {"common"}
    assert [one.title for one in dashboards] == [
        "Loss",
        "Gradient flow",
        "Learning rate",
        "Stability",
        "Performance",
    ]


def test_a_pair_of_levels_is_compared_once_and_no_level_with_itself():
    chart = chart_called("Similarity of levels (CKA)", layout("hjepa", num_levels=3))
    assert [value for value, *_ in chart.series] == [
        "hierarchy/cka_0_1",
        "hierarchy/cka_0_2",
        "hierarchy/cka_1_2",
    ]


def test_a_model_of_one_level_has_no_chart_of_pairs():
    titles = [chart.title for one in layout("hjepa", num_levels=1) for chart in one.charts]
    assert "Similarity of levels (CKA)" not in titles
    assert "Effective rank of each level" in titles


def test_the_range_of_the_first_curve_is_shaded_and_the_others_have_none():
    chart = chart_called("Effective rank of each level", layout("hjepa", num_levels=2))
    first, second = (f"hierarchy/level{level}_effective_rank" for level in (0, 1))
    assert chart.series == ((first, *band_tags(first)), (second, second, second))


def test_without_ranges_the_curves_are_drawn_alone():
    chart = chart_called("Effective rank of each level", layout("hjepa", with_bands=False))
    assert chart == Multiline("Effective rank of each level", ["hierarchy/level0_effective_rank"])


def test_every_shaded_curve_has_a_range_in_the_catalogue():
    for one in layout("hjepa", **RUN):
        for chart in one.charts:
            if isinstance(chart, Margin) and chart.series[0][1].startswith("healthy/"):
                assert find(chart.series[0][0]).band is not None, chart.title


def test_an_unknown_recipe_is_refused():
    with pytest.raises(ValueError, match="expected a recipe among common, hjepa, got 'gan'"):
        layout("gan")


@given(st.lists(categories, max_size=3))
def test_a_layout_comes_back_from_json_as_it_went(dashboards):
    assert layout_from_json(json.loads(json.dumps(layout_to_json(dashboards)))) == tuple(dashboards)


def test_tensorboards_own_message_reads_the_json_and_writes_it():
    dashboards = layout("hjepa", **RUN)
    message = json_format.ParseDict(layout_to_json(dashboards), layout_pb2.Layout())
    assert message.SerializeToString() == layout_value(dashboards).tensor.strings[0]
    assert layout_from_json(json_format.MessageToDict(message)) == dashboards


def test_a_layout_of_json_can_be_logged(tmp_path):
    writer = Memory()
    dashboards = layout_from_json(json.loads(json.dumps(layout_to_json(layout("hjepa", **RUN)))))
    with MetricsLogger("run", tmp_path, writers=[writer]) as logger:
        logger.log_layout(dashboards)
    assert dashboards == layout("hjepa", **RUN)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "expected a layout of the Custom Scalars page, got something else"),
        ([], "expected a layout of the Custom Scalars page, got something else"),
        ({"category": [{"title": "t", "chart": [{"title": "c"}]}]}, "got something else"),
        (
            {"category": [{"chart": [{"multiline": {"tag": ["loss/.*"]}}]}]},
            re.escape("expected patterns that match one tag, got 'loss/.*'"),
        ),
    ],
)
def test_json_that_is_no_layout_is_refused(document, message):
    with pytest.raises(ValueError, match=message):
        layout_from_json(document)
