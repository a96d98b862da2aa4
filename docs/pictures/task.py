"""Is the task right? What is hidden, how well it is predicted, which level counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drawing import bar, both, note, sheet, tell
from faults import COLLAPSED
from runs import result
from sightline.figures import style
from sightline.figures.heat import as_heat, rising

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 2.0  # times the mean coverage: the highest colour


def masks() -> Figure:
    """Masks that are always new, and always the same."""
    titles = ["masks seen before", "healthy: coverage", "sick: coverage"]
    figure, axes = sheet(titles, "masks seeded anew each step", columns=3,
                         height_px=190)  # fmt: skip
    runs = result("fine"), result("stuck")
    both(axes[0], *runs, "masking/repeated_frac", low=-0.04, high=1.04)
    for panel, run in zip(axes[1:], runs, strict=True):
        watcher = next(c for c in run.trainer.callbacks if hasattr(c, "coverage_HW"))
        counts = np.asarray(watcher.coverage_HW, float)
        panel.imshow(as_heat(counts / counts.mean(), rising(), 0, MOST), interpolation="nearest")
        style.bare(panel)
        panel.grid(False)
        ratio = run.last("masking/coverage_min_max_ratio")
        panel.set_xlabel(f"least / most {ratio:.2f}", fontsize=style.SMALL_TYPE_PT)
    bar(axes[1:], 0, MOST, "times the mean")
    return figure


def prediction() -> Figure:
    """The cosine praises collapse, the normalised error does not."""
    titles = ["mean cosine, level 0", "normalised error, level 0"]
    figure, axes = sheet(titles, COLLAPSED, height_px=240)
    runs = result("healthy"), result("collapsed")
    both(axes[0], *runs, "prediction/level0_cosine_sim_mean", low=0, high=1.05)
    both(axes[1], *runs, "prediction/level0_normalized_mse")
    axes[1].axhline(1, color=style.MUTED, linewidth=1.2)
    return figure


def loss_shares() -> Figure:
    """Three levels that share a loss, and one that owns it."""
    titles = ["healthy: weights 1, 1, 1", "sick: weights 100, 1, 1"]
    figure, axes = sheet(titles, "", height_px=240)
    for panel, name in zip(axes, ("healthy", "weighted"), strict=True):
        steps = result(name)["loss/contribution_h0"][0]
        steps = steps[steps <= 130]
        shares = [
            result(name)[f"loss/contribution_h{level}"][1][: len(steps)] for level in range(3)
        ]
        for level, of_level in enumerate(shares):
            tell(f"share of level {level}", name, steps, of_level)
        floors = np.cumsum([np.zeros_like(shares[0]), *shares], axis=0)
        for level, colour in enumerate((style.BLUE, style.ORANGE, style.GREEN)):
            panel.fill_between(steps, floors[level], floors[level + 1], color=colour, lw=0)
            if shares[level][-1] > 5:
                middle = (floors[level][-1] + floors[level + 1][-1]) / 200
                text = f"level {level}: {shares[level][-1]:.0f} %"
                note(panel, 0.5, middle, text, color="white", ha="center", va="center",
                     fontweight="bold")  # fmt: skip
        panel.set(ylim=(0, 100), xlim=(steps[0], steps[-1]))
    axes[0].set_ylabel("% of the loss", fontsize=style.SMALL_TYPE_PT, color=style.INK)
    return figure
