import numpy as np
import pytest

from sightline.figures import plot_collapse_metrics

STEPS = np.arange(3)


def draw(**changes):
    arguments = {"std": [0.1, 0.1, 0.125], "rank": [5, 9, 20], "similarity": [0.9, 0.2, -0.1]}
    shape = {"width": 64, "num_samples": 33}
    return plot_collapse_metrics(STEPS, **(arguments | shape | changes))


def test_the_spread_is_drawn_over_its_ideal_and_the_rank_under_what_is_reachable():
    spread, rank, likeness = draw().axes
    assert spread.lines[0].get_ydata()[-1] == pytest.approx(0.125 * 8)
    assert rank.lines[1].get_ydata()[0] == 32
    assert rank.get_title(loc="left") == "effective rank (of 32 directions)"
    assert likeness.get_ylim()[0] < -0.1


def test_each_band_covers_what_the_catalogue_warns_of():
    bands = [axes.patches[0].get_bbox().intervaly for axes in draw().axes]
    assert bands[0].tolist() == [0, 0.3]
    assert bands[1] == pytest.approx([0, 3.2])
    assert bands[2].tolist() == [0.5, 1.05]


def test_a_curve_measured_at_steps_of_its_own_is_drawn_there():
    _, rank, _ = draw(rank=([0, 50], [3.0, 4.0])).axes
    assert rank.lines[0].get_xdata().tolist() == [0, 50]


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"width": 0}, "shape of the features"),
        ({"num_samples": 1}, "shape of the features"),
        ({"std": [1.0]}, "for std"),
        ({"similarity": np.ones((3, 1))}, "for similarity"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_proposal(changes, hint):
    with pytest.raises(ValueError, match=hint):
        draw(**changes)
