import numpy as np
import pytest

from sightline.figures import plot_hierarchical_losses

STEPS = np.arange(4)
LOSSES = {level: np.array([4.0, 2.0, 1.0, 0.5]) + level for level in range(3)}


def shares(last):
    return {level: [30.0, 30.0, 30.0, share] for level, share in enumerate(last)}


def test_every_level_is_a_curve_and_every_share_an_area_of_the_same_colour():
    upper, lower = plot_hierarchical_losses(STEPS, LOSSES, shares([40, 30, 30])).axes
    assert [text.get_text() for text in upper.get_legend().get_texts()] == [
        "level 0", "level 1", "level 2",
    ]  # fmt: skip
    for line, area in zip(upper.lines, lower.collections, strict=True):
        from matplotlib.colors import same_color

        assert same_color(area.get_facecolor()[0, :3], line.get_color())
    assert lower.get_ylim() == (0, 100)
    assert lower.get_title(loc="right") == ""


def test_a_level_that_drowns_the_others_is_said():
    _, lower = plot_hierarchical_losses(STEPS, LOSSES, shares([3, 95, 2])).axes
    assert lower.get_title(loc="right") == "level 1 has 95%"
    (alone,) = plot_hierarchical_losses(STEPS, {0: LOSSES[0]}).axes
    assert alone.get_title(loc="right") == ""


def test_shares_may_be_measured_less_often_than_losses():
    rare = {level: ([0, 3], [50.0, 25.0]) for level in range(3)}
    _, lower = plot_hierarchical_losses(STEPS, LOSSES, rare).axes
    assert lower.collections[0].get_paths()[0].vertices[:, 0].max() == 3


@pytest.mark.parametrize(
    ("losses", "share", "hint"),
    [
        ({}, None, "at least one level"),
        ({0: [1.0]}, None, "for level 0"),
        (LOSSES, {0: [1.0] * 4}, "give each level both"),
        ({0: [1.0] * 4}, {0: [1.0]}, "for the share of level 0"),
        (
            {0: [1.0] * 4, 1: [1.0] * 4},
            {0: ([0, 1], [1, 2]), 1: ([0, 2], [1, 2])},
            "take those of one reading",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_a_proposal(losses, share, hint):
    with pytest.raises(ValueError, match=hint):
        plot_hierarchical_losses(STEPS, losses, share)
