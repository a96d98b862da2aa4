"""One picture a concept page."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from drawing import HEALTHY, SICK, both, label, note, shade, sheet
from runs import WIDTH, Result, digits, result

from sightline.diagnostics import (
    LossPlane,
    clid,
    covariance_eigenvalues,
    filter_normalized_directions,
    gram,
    loss_plane,
)
from sightline.figures import panels, plot_spectrum, scales, style
from sightline.figures.heat import as_heat, rising

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLLAPSED = "no average, raw targets, high rate"
FAST = "100 x the rate, no clipping"


def alignment_uniformity() -> Figure:
    """Both numbers as a path: one run falls along both, the other to a perfect alignment."""
    figure, (axes,) = sheet(
        ["uniformity of level 0"],
        COLLAPSED,
        columns=1,
        height_px=330,
        has_range=False,
        xlabel="alignment of level 0",
    )
    ends = ((result("healthy"), HEALTHY, "right"), (result("collapsed"), SICK, "left"))
    for run, looks, side in ends:
        steps, along = run["quality/alignment_level0"]
        _, evenly = run["quality/uniformity_level0"]
        axes.plot(along, evenly, linewidth=2, marker="o", markersize=5, **looks)
        axes.plot(along[-1], evenly[-1], marker="o", markersize=13, **looks)
        end = f"step {int(steps[-1])}: {along[-1]:.2g}, {evenly[-1]:.2f}"
        label(axes, along[-1], evenly[-1], end, colour=looks["color"], ha=side)
    axes.plot(along[0], evenly[0], marker="s", markersize=10, color=style.INK)
    label(axes, along[0], evenly[0], "first reading")
    axes.set_xlim(-0.05, None)
    axes.set_ylim(None, 0.08)
    scales.linear(axes.yaxis)
    return figure


def cka() -> Figure:
    """Levels that resemble each other, and levels that are the same."""
    pairs = (("0", "1"), ("0", "2"))
    titles = [f"CKA of levels {a} and {b}" for a, b in pairs]
    figure, axes = sheet(titles, "patches averaged before pooling", height_px=240)
    for panel, (a, b) in zip(axes, pairs, strict=True):
        runs = result("healthy"), result("blurred")
        both(panel, *runs, f"hierarchy/cka_{a}_{b}", low=0, high=1.05)
        panel.set_xlim(0, 130)
    return figure


def clid_page() -> Figure:
    """Both parts of CLID on all digits, by four seeds each."""
    figure, (axes,) = sheet(
        ["intrinsic dimension"], "", columns=1, height_px=330, xlabel="cluster learnability"
    )
    shown = (
        ("pixels", digits().flatten(1).float(), style.MUTED, "s"),
        ("healthy", features("healthy"), style.BLUE, "o"),
        (f"sick: {FAST}", features("fast"), style.SERIES[5], "^"),
        (f"sick: {COLLAPSED}", features("collapsed"), style.PURPLE, "v"),
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
    axes.set(xlim=(0.5, 1), ylim=(0, 10))
    scales.linear(axes.yaxis)
    return figure


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


def gradients() -> Figure:
    """A gradient that is too long at every step."""
    titles = ["gradient norm before clipping", "clipped of the last 100 steps, %"]
    figure, axes = sheet(titles, "the loss times 1,024, never taken back", height_px=240)
    runs = result("healthy"), result("loud")
    both(axes[0], *runs, "gradient/global_norm_before_clip")
    both(axes[1], *runs, "gradient/clipping_percentage", low=-4, high=108)
    for panel in axes:
        panel.set_xlim(0, 130)
    return figure


def gram_page() -> Figure:
    """The patches of two digits, as two models see them."""
    figure, axes = sheet([""] * 6, "", columns=3, height_px=180, xlabel="")
    chosen = digits()[[0, 7]]
    for row, image in enumerate(chosen):
        picture, *heats = axes[3 * row : 3 * row + 3]
        picture.imshow(image[0], cmap="gray", interpolation="nearest")
        panels.name(picture, "image, 4 x 4 patches" if row == 0 else "")
        for edge in (1.5, 3.5, 5.5):
            picture.axhline(edge, color=style.MUTED, linewidth=0.8)
            picture.axvline(edge, color=style.MUTED, linewidth=0.8)
        for panel, name in zip(heats, ("healthy", "collapsed"), strict=True):
            patches = result(name).trainer.model.encode_targets(image[None]).flatten(1, 2)[0]
            matrix = np.asarray(gram(patches))
            panel.imshow(as_heat(matrix, rising(), -1, 1), interpolation="nearest")
            mean = matrix[np.triu_indices(16, 1)].mean()
            head = "healthy" if name == "healthy" else "sick"
            panels.name(panel, head if row == 0 else "", aside=f"mean {mean:.2f}")
    for panel in axes:
        style.bare(panel)
        panel.grid(False)
    return figure


def landscape() -> Figure:
    """The loss around a trained and around a ruined model."""
    figure, axes = sheet(
        ["healthy", "sick: 100 x the rate"], "", height_px=330, xlabel="first direction"
    )
    for panel, name in zip(axes, ("healthy", "fast"), strict=True):
        plane = around(result(name))
        where = plane.betas_N, plane.alphas_N, plane.losses_NN
        panel.contourf(*where, levels=12, cmap=rising())
        lines = panel.contour(*where, levels=12, colors="white", linewidths=0.8)
        panel.clabel(lines, fontsize=11)
        panel.plot(0, 0, marker="x", color=style.PAPER, markersize=12, markeredgewidth=3)
        middle = plane.losses_NN[len(plane.alphas_N) // 2, len(plane.betas_N) // 2]
        edge = np.median([plane.losses_NN[i, j] for i in (0, -1) for j in (0, -1)])
        panels.name(panel, panel.get_title("left"), aside=f"{middle:.2f} to {edge:.2f}")
        scales.linear(panel.yaxis)
    return figure


def lidar() -> Figure:
    """Directions that tell images apart, beside all directions."""
    titles = ["LiDAR of level 0", "effective rank of level 0"]
    figure, axes = sheet(titles, COLLAPSED, height_px=240)
    runs = result("healthy"), result("collapsed")
    both(axes[0], *runs, "quality/lidar_level0", low=0, high=33)
    both(axes[1], *runs, "hierarchy/level0_effective_rank", low=0, high=33)
    return figure


def loss_shares() -> Figure:
    """Three levels that share a loss, and one that owns it."""
    titles = ["healthy: weights 1, 1, 1 (% of the loss)", "sick: weights 100, 1, 1"]
    figure, axes = sheet(titles, "", height_px=240)
    for panel, name in zip(axes, ("healthy", "weighted"), strict=True):
        steps = result(name)["loss/contribution_h0"][0]
        steps = steps[steps <= 130]
        shares = [
            result(name)[f"loss/contribution_h{level}"][1][: len(steps)] for level in range(3)
        ]
        floors = np.cumsum([np.zeros_like(shares[0]), *shares], axis=0)
        for level, colour in enumerate((style.BLUE, style.ORANGE, style.GREEN)):
            panel.fill_between(steps, floors[level], floors[level + 1], color=colour, lw=0)
            if shares[level][-1] > 5:
                middle = (floors[level][-1] + floors[level + 1][-1]) / 200
                text = f"level {level}: {shares[level][-1]:.0f} %"
                note(panel, 0.5, middle, text, color="white", ha="center", va="center",
                     fontweight="bold")  # fmt: skip
        panel.set(ylim=(0, 100), xlim=(steps[0], steps[-1]))
    return figure


def masks() -> Figure:
    """Masks that are always new, and always the same."""
    titles = ["masks seen before", "healthy: coverage", "sick: coverage"]
    figure, axes = sheet(titles, "the generator is seeded anew each step", columns=3,
                         height_px=190)  # fmt: skip
    runs = result("fine"), result("stuck")
    both(axes[0], *runs, "masking/repeated_frac", low=-0.04, high=1.04)
    for panel, run in zip(axes[1:], runs, strict=True):
        watcher = next(c for c in run.trainer.callbacks if hasattr(c, "coverage_HW"))
        counts = np.asarray(watcher.coverage_HW, float)
        panel.imshow(as_heat(counts / counts.mean(), rising(), 0, 1.5), interpolation="nearest")
        style.bare(panel)
        panel.grid(False)
        ratio = run.last("masking/coverage_min_max_ratio")
        panel.set_xlabel(f"least / most {ratio:.2f}", fontsize=style.SMALL_TYPE_PT)
    return figure


def moving_average() -> Figure:
    """A target that follows, and one that nobody moves."""
    titles = ["‖trained - target‖ / ‖target‖", "change of the target in 10 steps"]
    figure, axes = sheet(titles, "the call that updates it is lost", height_px=240, has_range=False)
    runs = result("healthy"), result("forgotten")
    both(axes[0], *runs, "ema/parameter_divergence")
    both(axes[1], *runs, "ema/update_magnitude")
    for panel in axes:
        panel.set_xlim(0, 130)
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


def sigreg() -> Figure:
    """A statistic that grows as the features shrink."""
    titles = ["SIGReg of level 0 (128 samples)", "deviation of the target features"]
    figure, axes = sheet(titles, COLLAPSED, height_px=240, has_range=False)
    runs = result("healthy"), result("collapsed")
    both(axes[0], *runs, "quality/sigreg_level0", low=0, high=160)
    both(axes[1], *runs, "train/target_std")
    return figure


def spectrum() -> Figure:
    """Eigenvalues of features on all digits."""
    return plot_spectrum({
        "healthy": covariance_eigenvalues(features("healthy")),
        "sick: 100 x rate": covariance_eigenvalues(features("fast")),
    })


def stability() -> Figure:
    """A loss with bad batches now and then."""
    titles = ["loss", "largest over median of 50 steps"]
    figure, axes = sheet(titles, "the rate jumps each 80 steps", height_px=240)
    runs = result("healthy"), result("spiky")
    both(axes[0], *runs, "train/loss")
    both(axes[1], *runs, "stability/loss_max_spike")
    return figure


def throughput() -> Figure:
    """A device that waits for its data."""
    titles = ["waiting for data, % of the step", "samples per second"]
    figure, axes = sheet(titles, "each batch comes 150 ms late", height_px=240)
    for run, looks in ((result("healthy"), HEALTHY), (result("starved"), SICK)):
        steps, waits = run["performance/data_time_ms"]
        shares = 100 * waits / run["performance/step_time_ms"][1]
        panels.curve(axes[0], (steps, shares), **looks)
    axes[0].set_ylim(-2, 100)
    shade(axes[0], -2, 20)
    scales.linear(axes[0].yaxis)
    both(axes[1], result("healthy"), result("starved"), "performance/samples_per_second")
    for panel in axes:
        panel.set_xlim(0, 55)
    return figure


def updates() -> Figure:
    """Steps of a usual and of an outrageous size."""
    parts = ("heads", "context_encoder")
    titles = [f"update / weight: {part.replace('_', ' ')}" for part in parts]
    figure, axes = sheet(titles, FAST, height_px=240)
    for panel, part in zip(axes, parts, strict=True):
        tag = f"updates/{part}_update_to_weight"
        both(panel, result("healthy"), result("fast"), tag, low=1e-4, is_log=True)
    return figure


@cache
def features(name: str) -> Any:
    """Features of all training digits, (N, D), of a run's target encoder."""
    with torch.no_grad():
        return result(name).trainer.model.extract_features(digits())


def around(run: Result) -> LossPlane:
    """The loss of the first 128 digits on a plane through a run's weights."""
    model, loss_fn = run.trainer.model, run.trainer.loss_fn
    images = digits()[:128]
    masks = run.trainer.masking_fn(len(images), torch.Generator().manual_seed(0))
    weights = {name: w.detach() for name, w in model.named_parameters() if w.requires_grad}

    def loss_of(moved: Any) -> float:
        outputs = torch.func.functional_call(model, moved, (images, masks))
        return float(loss_fn(outputs.predictions, outputs.targets, outputs.scored).total)

    directions = filter_normalized_directions(weights, generator=np.random.default_rng(0))
    return loss_plane(loss_of, weights, directions, num_points=13)


PAGES: dict[str, Callable[[], Figure]] = {
    "alignment-uniformity": alignment_uniformity,
    "cka": cka,
    "clid": clid_page,
    "collapse": collapse,
    "gradients": gradients,
    "gram": gram_page,
    "landscape": landscape,
    "lidar": lidar,
    "loss-shares": loss_shares,
    "masks": masks,
    "moving-average": moving_average,
    "prediction": prediction,
    "sigreg": sigreg,
    "spectrum": spectrum,
    "stability": stability,
    "throughput": throughput,
    "updates": updates,
}
