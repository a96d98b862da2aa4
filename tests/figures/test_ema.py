import pytest

from sightline.figures import plot_ema_momentum

STEPS = [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("last", "says"),
    [(0.996, "averages 250 steps at the end"), (1.0, "the target stands still at the end")],
)
def test_the_number_of_steps_it_averages_is_said(last, says):
    (axes,) = plot_ema_momentum(STEPS, [0.9, 0.95, 0.99, last]).axes
    assert axes.get_title(loc="right") == says


def test_a_constant_momentum_is_shown_against_one():
    (axes,) = plot_ema_momentum(STEPS, [0.99] * 4).axes
    assert axes.get_ylim() == pytest.approx((0.98, 1.0))


@pytest.mark.parametrize(
    ("divergence", "says"),
    [
        ([0.0, 0.1, 0.2, 0.1], ""),
        ([0.0, 0.0, 0.2, 0.1], "exactly 0 in 2 readings"),
        ([0.0] * 4, "exactly 0 in 4 readings"),
    ],
)
def test_a_target_that_is_no_average_is_told_from_one_that_was_just_copied(divergence, says):
    _, lower = plot_ema_momentum(STEPS, [0.99] * 4, divergence).axes
    assert lower.get_title(loc="right") == says


def test_the_divergence_may_be_measured_less_often():
    _, lower = plot_ema_momentum(STEPS, [0.99] * 4, ([0, 2], [0.0, 0.1])).axes
    assert lower.lines[0].get_xdata().tolist() == [0, 2]


def test_a_divergence_of_another_length_is_refused():
    with pytest.raises(ValueError, match="for divergence"):
        plot_ema_momentum(STEPS, [0.99] * 4, [0.1])
