import numpy as np
import pytest

from sightline.figures import visualize_gradient_flow


def test_modules_run_from_the_input_at_the_top_to_the_output():
    (axes,) = visualize_gradient_flow({"stem": 0.1, "block": [1.0, 3.0, 2.0], "head": 5.0}).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["stem", "block", "head"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    assert axes.lines[1].get_xdata().tolist() == [0.1, 2.0, 5.0]
    block = axes.collections[-1].get_segments()[1]
    assert block[:, 0].tolist() == [1.0, 3.0]


def test_the_limits_are_in_view_whatever_the_norms():
    (axes,) = visualize_gradient_flow({"w": 1.0}, vanishing=1e-5, exploding=1e4).axes
    low, high = axes.get_xlim()
    assert low < 1e-5
    assert high > 1e4
    assert {text.get_text() for text in axes.texts} == {"vanishing", "exploding"}


def test_zeros_and_what_is_not_finite_stand_at_the_edges():
    norms = {"a": 0.0, "b": 1.0, "c": np.nan, "d": [1.0, np.inf]}
    (axes,) = visualize_gradient_flow(norms).axes
    zeros, unknown = axes.lines[-2:]
    assert (zeros.get_ydata().tolist(), unknown.get_ydata().tolist()) == ([0], [2, 3])
    assert zeros.get_xdata()[0] == axes.get_xlim()[0]
    assert unknown.get_xdata()[0] == axes.get_xlim()[1]


def test_the_numbers_of_a_long_name_stay():
    names = [f"backbone.stages.3.layers.{i}.attention.qkv" for i in range(3)]
    (axes,) = visualize_gradient_flow(dict.fromkeys(names, 1.0)).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        f"bac.sta.3.lay.{i}.att.qkv" for i in range(3)
    ]


@pytest.mark.parametrize(
    ("norms", "limits", "hint"),
    [
        ({}, {}, "at least one module"),
        ({"w": -1.0}, {}, "none negative"),
        ({"w": []}, {}, "pass L2 norms"),
        ({"w": np.ones((2, 2))}, {}, "pass L2 norms"),
        ({"w": 1.0}, {"vanishing": 200.0}, "swap them"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_proposal(norms, limits, hint):
    with pytest.raises(ValueError, match=hint):
        visualize_gradient_flow(norms, **limits)
