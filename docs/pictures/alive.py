"""Are the features alive? Their spread, their spectrum, their patches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drawing import HEALTHY, SICK, bar, both, label, sheet
from faults import COLLAPSED, FAST, WIDTH
from runs import digits, features, result
from sightline.diagnostics import alpha_req, covariance_eigenvalues, effective_rank, gram
from sightline.figures import panels, scales, style
from sightline.figures.heat import as_heat, rising

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ZERO = 1e-12  # of the largest eigenvalue: below is rounding


def collapse() -> Figure:
    """Four numbers, of which the last does not notice."""
    titles = [
        "spread: mean_std times √D (ideal 1)", "mean cosine of different images",
        "share of dead dimensions", "effective rank (of 32)",
    ]  # fmt: skip
    figure, axes = sheet(titles, COLLAPSED, height_px=190)
    runs = result("healthy"), result("collapsed")
    both(axes[0], *runs, "collapse/mean_std_per_dim", times=WIDTH**0.5)
    both(axes[1], *runs, "collapse/mean_similarity", low=0, high=1.04)
    both(axes[2], *runs, "collapse/dead_dimensions", low=-0.04, high=1.04)
    both(axes[3], *runs, "collapse/effective_rank", low=0, high=33)
    return figure


def spectrum() -> Figure:
    """Eigenvalues of features on all digits, with a dot at the effective rank."""
    figure, (axes,) = sheet(
        ["eigenvalue / largest"], FAST, columns=1, height_px=300, xlabel="rank of the direction",
        has_range=False,
    )  # fmt: skip
    lowest = 1.0
    for name, looks in (("healthy", HEALTHY), ("fast", SICK)):
        falling = np.sort(np.asarray(covariance_eigenvalues(features(name))))[::-1]
        falling = falling[falling > ZERO * falling[0]] / falling[0]
        ranks = np.arange(1.0, len(falling) + 1)
        lowest = min(lowest, falling[-1])
        panels.curve(axes, (ranks, falling), **looks)
        rank, alpha = (float(of(features(name))) for of in (effective_rank, alpha_req))
        height = np.exp(np.interp(np.log(rank), np.log(ranks), np.log(falling)))
        axes.plot(rank, height, marker="o", markersize=12, color=looks["color"])
        side, above_pt = ("left", 8) if name == "healthy" else ("right", -16)
        words = f"effective rank {rank:.1f}"
        label(axes, rank, height, words, colour=looks["color"], ha=side, above_pt=above_pt)
        print(f"  {name}: effective rank {rank:.4g}, alpha {alpha:.4g}, {len(ranks)} directions")
    scales.logarithmic(axes.xaxis, 0.9, WIDTH * 1.1, num_ticks=6)
    scales.logarithmic(axes.yaxis, lowest / 2, 2, num_ticks=5)
    return figure


def gram_page() -> Figure:
    """The patches of two digits, as two models see them."""
    figure, axes = sheet([""] * 6, "", columns=3, height_px=180, xlabel="")
    chosen = digits()[[0, 7]]
    for row, image in enumerate(chosen):
        picture, *heats = axes[3 * row : 3 * row + 3]
        picture.imshow(image[0].numpy(), cmap="gray", interpolation="nearest")
        panels.name(picture, "image, 4 x 4 patches" if row == 0 else "")
        for edge in (1.5, 3.5, 5.5):
            picture.axhline(edge, color=style.MUTED, linewidth=0.8)
            picture.axvline(edge, color=style.MUTED, linewidth=0.8)
        for panel, name in zip(heats, ("healthy", "collapsed"), strict=True):
            patches = result(name).trainer.model.encode_targets(image[None])[0].flatten(1, 2)[0]
            matrix = np.asarray(gram(patches))
            panel.imshow(as_heat(matrix, rising(), -1, 1), interpolation="nearest")
            mean = matrix[np.triu_indices(16, 1)].mean()
            head = "healthy" if name == "healthy" else "sick"
            panels.name(panel, head if row == 0 else "", aside=f"mean {mean:.2f}")
            print(f"  mean cosine of the patches of digit {row}, {head}: {mean:.4f}")
    for panel in axes:
        style.bare(panel)
        panel.grid(False)
    bar(axes, -1, 1, "cosine")
    return figure
