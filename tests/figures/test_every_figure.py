"""What every figure of curves, spectra, embeddings, landscapes and costs owes its reader."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib.text import Text

from sightline import figures
from sightline.figures.style import SMALL_TYPE_PT

STEPS = np.arange(0, 400, 10)
FALLING = np.exp(-STEPS / 100)
SPOILED = np.where(STEPS % 70 == 0, np.nan, FALLING)
NOTHING = np.full(STEPS.shape, np.nan)
RNG = np.random.default_rng(0)
POINTS = RNG.standard_normal((40, 6))
PLANE = np.add.outer(np.linspace(-1, 1, 5) ** 2, np.linspace(-1, 1, 7) ** 2) + 0.01
SIDES = np.linspace(-1, 1, 5), np.linspace(-1, 1, 7)
LONG = "encoder.blocks.10.attention.projection_of_the_values.weight"


def of_values(name, draw):
    """The cases that every figure of curves has to take."""
    shapes = {
        "falling": (STEPS, FALLING),
        "constant": (STEPS, np.full(STEPS.shape, 0.4)),
        "zero": (STEPS, np.zeros(STEPS.shape)),
        "with NaN": (STEPS, SPOILED),
        "all NaN": (STEPS, NOTHING),
        "infinite": (STEPS, np.where(STEPS == 50, np.inf, FALLING)),
        "a single point": (STEPS[:1], FALLING[:1]),
        "empty": (STEPS[:0], FALLING[:0]),
        "tiny": (STEPS * 10**7, FALLING * 1e-12),
        "huge": (STEPS, -FALLING * 1e12),
    }
    return {f"{name}, {what}": lambda p=points: draw(*p) for what, points in shapes.items()}


CASES = {
    **of_values("curves", lambda x, y: figures.plot_training_curves({"loss": (x, y)})),
    **of_values(
        "curves with validation and rate",
        lambda x, y: figures.plot_training_curves(
            {LONG: (x, y), **{f"loss/h{i}": (x, i + y) for i in range(7)}, "train/lr": (x, y)},
            validation={LONG: (x, y), "val/other": (x, y)},
        ),
    ),
    **of_values(
        "losses",
        lambda x, y: figures.plot_hierarchical_losses(
            x, {0: y, 1: 2 * y, LONG: y}, {0: 99 * y, 1: np.full(y.shape, 0.5), LONG: y}
        ),
    ),
    **of_values(
        "collapse",
        lambda x, y: figures.plot_collapse_metrics(x, y / 8, y * 300, y, width=64, num_samples=512),
    ),
    **of_values("EMA", lambda x, y: figures.plot_ema_momentum(x, 1 - y / 100, y)),
    **of_values("momentum", lambda x, y: figures.plot_ema_momentum(x, y)),
    **of_values(
        "schedule",
        lambda x, y: figures.plot_schedule(
            {"learning rate": (x, y), "weight decay": (x, y), LONG: (x, y)}, warmup_steps=30
        ),
    ),
    "gradients": lambda: figures.visualize_gradient_flow({
        "patch_embed": 0.1,
        f"{LONG}.of.one.more": [0.1, 1, 5],
        "head": 0.0,
        "bad": np.nan,
    }),
    "gradients of 100 modules": lambda: figures.visualize_gradient_flow({
        f"{LONG}.{i}": 10.0**-i for i in range(100)
    }),
    "gradients of one": lambda: figures.visualize_gradient_flow({"w": np.inf}),
    "landscape": lambda: figures.visualize_loss_landscape(PLANE, *SIDES),
    "landscape from the side": lambda: figures.visualize_loss_landscape(PLANE, *SIDES, "surface"),
    "landscape with NaN": lambda: figures.visualize_loss_landscape(
        np.where(PLANE > 1, np.nan, PLANE), *SIDES
    ),
    "landscape with infinity from the side": lambda: figures.visualize_loss_landscape(
        np.where(PLANE > 1, np.inf, PLANE), *SIDES, "surface"
    ),
    "flat landscape": lambda: figures.visualize_loss_landscape(0 * PLANE, *SIDES),
    "flat landscape from the side": lambda: figures.visualize_loss_landscape(
        0 * PLANE + 3, *SIDES, "surface"
    ),
    "huge landscape": lambda: figures.visualize_loss_landscape(-1e9 * PLANE, *SIDES),
    "spectrum": lambda: figures.plot_spectrum({"level 0": 1 / np.arange(1, 50), LONG: np.ones(5)}),
    "degenerate spectra": lambda: figures.plot_spectrum({
        "zeros": np.zeros(4),
        "one": np.eye(4)[0],
        "bad": [1, np.nan],
        "single": [2.0],
    }),
    "embedding": lambda: figures.plot_embedding(POINTS, POINTS + 0.1),
    "embedding with many labels": lambda: figures.plot_embedding(
        POINTS, POINTS, labels=np.array([f"a class of its own {i % 13}" for i in range(40)])
    ),
    "embedding of three levels": lambda: figures.plot_embedding(
        [POINTS, POINTS[:9], POINTS[:, :1]], [POINTS, POINTS[:9], POINTS[:, :1]], level=[0, 1, LONG]
    ),
    "collapsed embedding": lambda: figures.plot_embedding(np.ones((8, 4)), np.ones((8, 4))),
    "embedding of one pair": lambda: figures.plot_embedding([[[0.0, 1.0]]], [[[1.0, 0.0]]]),
    "embedding with NaN": lambda: figures.plot_embedding(np.full((4, 2), np.nan), np.ones((4, 2))),
    "costs": lambda: figures.plot_hierarchy_resolution([
        (0, 196, 1.14e12, 3.4e9),
        (1, 49, 999.9e6, 123456),
        (LONG, 0, 0, 0),
    ]),
}


@pytest.fixture(params=CASES)
def figure(request):
    drawn = CASES[request.param]()
    drawn.canvas.draw()
    return drawn


def texts(figure):
    """Every text that is seen, with where it stands; tick labels outside the axis are not seen."""
    # Axes in three dimensions place tick labels where no extent tells; those are left out.
    renderer = figure.canvas.get_renderer()
    found = []
    for text in figure.findobj(Text):
        if not text.get_visible() or not text.get_text().strip():
            continue
        axis = next(
            (
                axis
                for axes in figure.axes
                for axis in (axes.xaxis, axes.yaxis)
                if text in axis.get_ticklabels()
            ),
            None,
        )
        if axis is not None and (axis.axes.name == "3d" or text not in shown_tick_labels(axis)):
            continue
        found.append((text, text.get_window_extent(renderer)))
    return found


def shown_tick_labels(axis):
    low, high = sorted(axis.get_view_interval())
    room = 1e-9 * (high - low)
    ticks = axis.get_major_ticks()
    return [
        tick.label1 for tick in ticks
        if tick.label1.get_visible() and low - room <= tick.get_loc() <= high + room
    ]  # fmt: skip


def test_no_text_is_cut_off_at_the_edge(figure):
    width, height = figure.bbox.size
    for text, box in texts(figure):
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= width, text
        assert box.y1 <= height, text


def test_no_text_covers_another(figure):
    found = texts(figure)
    for index, (one, box) in enumerate(found):
        for other, its_box in found[index + 1 :]:
            apart = (
                box.x1 <= its_box.x0 + 1 or its_box.x1 <= box.x0 + 1
                or box.y1 <= its_box.y0 + 2 or its_box.y1 <= box.y0 + 2
            )  # fmt: skip
            assert apart, (one, other)


def test_type_is_legible_when_a_card_halves_it(figure):
    assert figure.bbox.width == 660
    assert all(text.get_fontsize() >= SMALL_TYPE_PT for text, _ in texts(figure))


def test_drawing_every_figure_loads_no_pyplot():
    code = """
import sys, numpy as np
from sightline import figures
assert "matplotlib" not in sys.modules and "sklearn" not in sys.modules
steps = [0, 1]
figures.plot_training_curves({"loss": (steps, [2.0, 1.0])})
figures.plot_hierarchical_losses(steps, {0: [2.0, 1.0]})
figures.visualize_gradient_flow({"w": 1.0})
figures.visualize_loss_landscape(np.eye(2), steps, steps)
figures.visualize_loss_landscape(np.eye(2), steps, steps, "surface").canvas.draw()
figures.plot_spectrum({"a": [2.0, 1.0]})
figures.plot_embedding(np.eye(2), np.eye(2))
assert "matplotlib" in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
