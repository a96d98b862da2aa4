import numpy as np
import pytest

from sightline.figures import plot_schedule

STEPS = np.arange(100)
RATE = np.where(STEPS < 10, STEPS / 10, 1 - (STEPS - 10) / 100) * 1e-3


def test_every_plan_has_a_panel_that_says_first_extreme_and_last_value():
    plans = {"learning rate": (STEPS, RATE), "momentum": (STEPS, 0.9 + STEPS / 990)}
    rate, momentum = plot_schedule(plans).axes
    assert rate.get_title(loc="left") == "learning rate"
    assert rate.get_title(loc="right") == "0 → 0.001 → 1.1e-4"
    assert momentum.get_title(loc="right") == "0.9 → 1"
    assert rate.get_xlim() == momentum.get_xlim()


def test_the_warm_up_is_shaded_and_named_where_there_is_one():
    (axes,) = plot_schedule({"learning rate": (STEPS, RATE)}, warmup_steps=10).axes
    assert axes.patches[0].get_bbox().intervalx.tolist() == [0, 10]
    assert axes.get_xlabel() == "optimizer step (shaded: warm-up)"
    (plain,) = plot_schedule({"learning rate": (STEPS, RATE)}).axes
    assert not plain.patches
    assert plain.get_xlabel() == "optimizer step"


@pytest.mark.parametrize(("plans", "warmup"), [({}, 0), ({"lr": (STEPS, RATE)}, -1)])
def test_nothing_to_plan_is_refused(plans, warmup):
    with pytest.raises(ValueError, match="at least one schedule and a warm-up of 0 or more"):
        plot_schedule(plans, warmup_steps=warmup)
