import pytest

from sightline.figures import plot_training_curves

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
