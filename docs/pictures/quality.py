"""Are the features any good? What they tell apart, and how evenly they lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drawing import HEALTHY, SICK, both, label, sheet, tell
from faults import COLLAPSED
from runs import digits, features, result
from sightline.diagnostics import clid
from sightline.figures import scales, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def alignment_uniformity() -> Figure:
    """Both numbers as a path: one run spreads its features, the other aligns them to nothing."""
    figure, (axes,) = sheet(
        ["uniformity of level 0"],
        COLLAPSED,
        columns=1,
        height_px=330,
        has_range=False,
        xlabel="alignment of level 0",
    )
    ends = (("healthy", HEALTHY, "right", -26), ("collapsed", SICK, "left", -4))
    for name, looks, side, above_pt in ends:
        run = result(name)
        steps, along = run["quality/alignment_level0"]
        _, evenly = run["quality/uniformity_level0"]
        axes.plot(along, evenly, linewidth=2, marker="o", markersize=5, **looks)
        axes.plot(along[-1], evenly[-1], marker="o", markersize=13, **looks)
        end = f"step {int(steps[-1])}: {along[-1]:.2g}, {evenly[-1]:.2f}"
        label(axes, along[-1], evenly[-1], end, colour=looks["color"], ha=side, above_pt=above_pt)
        tell("alignment", name, steps, along)
        tell("uniformity", name, steps, evenly)
    axes.plot(along[0], evenly[0], marker="s", markersize=10, color=style.INK)
    label(axes, along[0], evenly[0], "first reading")
    axes.set_xlim(-0.05, None)
    axes.set_ylim(axes.get_ylim()[0] - 0.2, 0.08)
    scales.linear(axes.yaxis)
    return figure


def lidar() -> Figure:
    """Directions that tell images apart, beside all directions."""
    titles = ["LiDAR of level 0", "effective rank of level 0"]
    figure, axes = sheet(titles, COLLAPSED, height_px=240)
    runs = result("healthy"), result("collapsed")
    both(axes[0], *runs, "quality/lidar_level0", low=0, high=33)
    both(axes[1], *runs, "hierarchy/level0_effective_rank", low=0, high=33)
    return figure


def clid_page() -> Figure:
    """Both parts of CLID on all digits, by four seeds each."""
    figure, (axes,) = sheet(
        ["intrinsic dimension"], "", columns=1, height_px=330, xlabel="cluster learnability"
    )
    shown = (
        ("pixels", digits().flatten(1).float(), style.MUTED, "s"),
        ("healthy", features("healthy"), style.BLUE, "o"),
        ("sick: 100 x the rate", features("fast"), style.SERIES[5], "^"),
        ("sick: collapsed", features("collapsed"), style.PURPLE, "v"),
    )
    for name, x_ND, colour, marker in shown:
        found = [clid(x_ND, num_clusters=38, seed=seed) for seed in range(4)]
        learnable = [one.cluster_learnability for one in found]
        dimension = found[0].intrinsic_dimension
        axes.plot(learnable, [dimension] * len(found), linestyle="none", marker=marker,
                  color=colour, markersize=9, alpha=0.8)  # fmt: skip
        is_left = marker == "v"
        end = min(learnable) if is_left else max(learnable)
        label(axes, end, dimension, name, colour=colour, ha="right" if is_left else "left")
        low, high = min(learnable), max(learnable)
        print(f"  {name}: dimension {dimension:.4g}, learnability {low:.4g} to {high:.4g}")
    axes.set(xlim=(0.5, 1), ylim=(0, 10))
    scales.linear(axes.yaxis)
    return figure


def sigreg() -> Figure:
    """A statistic that grows as the features shrink."""
    titles = ["SIGReg of level 0 (128 samples)", "deviation of the target features"]
    figure, axes = sheet(titles, COLLAPSED, height_px=240, has_range=False)
    runs = result("healthy"), result("collapsed")
    both(axes[0], *runs, "quality/sigreg_level0", low=0, high=160)
    both(axes[1], *runs, "train/target_std")
    return figure


def cka() -> Figure:
    """Levels that resemble each other, and levels that are the same."""
    pairs = (("0", "1"), ("0", "2"))
    titles = [f"CKA of levels {a} and {b}" for a, b in pairs]
    figure, axes = sheet(titles, "patches averaged before pooling", height_px=240)
    for panel, (a, b) in zip(axes, pairs, strict=True):
        runs = result("healthy"), result("blurred")
        both(panel, *runs, f"hierarchy/cka_{a}_{b}", low=0, high=1.05, until=130)
    return figure
