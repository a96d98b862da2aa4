import numpy as np
import pytest
from matplotlib.colors import LogNorm

from sightline.diagnostics import loss_plane
from sightline.figures import visualize_loss_landscape

ALPHAS, BETAS = np.linspace(-1, 1, 5), np.linspace(-2, 2, 9)
BOWL = np.add.outer((ALPHAS - 0.5) ** 2, (BETAS + 1) ** 2)


def test_the_first_direction_runs_to_the_right_and_the_lowest_loss_is_ringed():
    axes, _ = visualize_loss_landscape(BOWL, ALPHAS, BETAS).axes
    lowest, trained = axes.lines
    assert (lowest.get_xdata()[0], lowest.get_ydata()[0]) == (0.5, -1.0)
    assert (trained.get_xdata()[0], trained.get_ydata()[0]) == (0.0, 0.0)
    assert axes.get_xlim() == (-1, 1)
    assert axes.get_xlabel().startswith("first direction")


def test_what_loss_plane_returns_can_be_drawn():
    axes = {"w": np.array([1.0, 0.0])}, {"w": np.array([0.0, 1.0])}
    plane = loss_plane(lambda p: float(p["w"] @ p["w"]), {"w": np.zeros(2)}, axes, num_points=5)
    drawn, _ = visualize_loss_landscape(*plane).axes
    assert drawn.lines[0].get_xdata()[0] == 0.0


@pytest.mark.parametrize(("lift", "is_log"), [(0.1, True), (10.0, False), (0.0, False)])
def test_colours_are_logarithmic_where_losses_are_positive_and_far_apart(lift, is_log):
    axes, _ = visualize_loss_landscape(BOWL + lift, ALPHAS, BETAS).axes
    assert isinstance(axes.collections[0].norm, LogNorm) == is_log


def test_from_the_side_the_losses_are_the_height():
    (axes,) = visualize_loss_landscape(BOWL - 1, ALPHAS, BETAS, "surface").axes
    assert axes.name == "3d"
    assert axes.get_zlim() == pytest.approx((-1, BOWL.max() - 1))


@pytest.mark.parametrize(
    ("losses", "kind", "hint"),
    [
        (BOWL.T, "contour", "pass all that"),
        (BOWL[:, :1], "contour", "pass all that"),
        (BOWL * np.nan, "contour", "choose a smaller extent"),
        (BOWL, "map", "expected contour or surface, got 'map'"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_proposal(losses, kind, hint):
    with pytest.raises(ValueError, match=hint):
        visualize_loss_landscape(losses, ALPHAS, BETAS, kind)
