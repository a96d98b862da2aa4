import numpy as np
import pytest
import torch

from sightline.figures import plot_training_curves
from sightline.reading.series import Series

STEPS = [0, 10, 20]


def test_every_loss_is_a_curve_named_by_its_tag():
    losses = {f"loss/h{level}": (STEPS, [1.0, 0.5, 0.1 + level]) for level in range(3)}
    (axes,) = plot_training_curves(losses).axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(losses)
    assert axes.lines[2].get_ydata()[-1] == 2.1


def test_the_learning_rate_has_a_panel_of_its_own_on_the_same_steps():
    series = {"loss/total": (STEPS, [1.0, 0.5, 0.1]), "train/lr": (STEPS, [0.0, 1e-3, 0.0])}
    upper, lower = plot_training_curves(series).axes
    assert len(upper.lines) == len(lower.lines) == 1
    assert upper.get_xlim() == lower.get_xlim()


@pytest.mark.parametrize(("last", "scale"), [(0.1, "log"), (0.0, "linear"), (-1.0, "linear")])
def test_the_axis_is_logarithmic_only_where_all_losses_are_positive(last, scale):
    (axes,) = plot_training_curves({"loss": (STEPS, [1.0, 0.5, last])}).axes
    assert axes.get_yscale() == scale


def test_a_nan_leaves_a_gap_and_stops_nothing():
    plot_training_curves({"loss": (STEPS, [1.0, float("nan"), 0.5])}).canvas.draw()


def test_nothing_to_plot_is_refused():
    with pytest.raises(ValueError, match="at least one loss"):
        plot_training_curves({"train/lr": (STEPS, [0, 1, 2])})


def test_a_validation_curve_has_the_colour_of_its_training_curve_and_its_lowest_point_a_ring():
    series = {"loss": (STEPS, [1.0, 0.5, 0.4]), "other": (STEPS, [1.0, 1.0, 1.0])}
    (axes,) = plot_training_curves(series, validation={"loss": (STEPS, [1.0, 0.6, 0.7])}).axes
    train, _, val, ring = axes.lines
    assert val.get_color() == train.get_color()
    assert val.get_linestyle() != train.get_linestyle()
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (10, 0.6)
    assert axes.get_legend().get_texts()[-1].get_text() == "loss (validation)"


def test_a_series_that_was_read_and_a_tensor_draw_what_a_pair_draws():
    steps, values = np.arange(3), np.array([1.0, 0.5, 0.25])
    pair = plot_training_curves({"loss": (steps, values)})
    read = plot_training_curves({"loss": Series(steps, steps.astype(float), values)})
    tensor = torch.tensor(values, dtype=torch.bfloat16, requires_grad=True)
    tensors = plot_training_curves({"loss": (torch.tensor(steps), tensor)})
    for figure in (read, tensors):
        assert figure.axes[0].lines[0].get_xydata().tolist() == (
            pair.axes[0].lines[0].get_xydata().tolist()
        )


def test_what_is_not_finite_is_crossed_where_it_happened():
    values = [1.0, float("nan"), 0.5, float("inf"), 0.4]
    (axes,) = plot_training_curves({"loss": (range(5), values)}).axes
    assert np.isnan(axes.lines[0].get_ydata()[[1, 3]]).all()
    assert axes.lines[1].get_xdata().tolist() == [1, 3]
    assert axes.lines[1].get_marker() == "x"


def test_of_a_long_curve_no_extreme_and_no_end_is_lost():
    values = np.full(1_000_003, 0.5)
    values[123_456], values[654_321], values[777_777] = 9.0, -9.0, np.nan
    (axes,) = plot_training_curves({"loss": (np.arange(len(values)), values)}).axes
    drawn = axes.lines[0].get_xydata()
    assert len(drawn) < 5_000
    assert [123_456, 9.0] in drawn.tolist()
    assert [654_321, -9.0] in drawn.tolist()
    assert drawn[-1, 0] == len(values) - 1
    assert axes.lines[1].get_xdata().tolist() == [777_777]


def test_a_curve_over_less_than_a_factor_of_five_is_linear():
    (axes,) = plot_training_curves({"loss": (STEPS, [1.0, 0.5, 0.25])}).axes
    assert axes.get_yscale() == "linear"


def test_steps_and_values_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"for loss, got \(3,\) and \(2,\); give each value"):
        plot_training_curves({"loss": (STEPS, [1.0, 2.0])})
