"""Does the training move as it should? Gradients, steps, averages, time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from drawing import Points, bar, both, shade, sheet
from faults import FAST
from runs import Result, digits, result
from sightline.diagnostics import LossPlane, filter_normalized_directions, loss_plane
from sightline.figures import panels, scales, style
from sightline.figures.heat import rising

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def gradients() -> Figure:
    """A gradient that is too long at every step."""
    titles = ["gradient norm before clipping", "clipped of the last 100 steps, %"]
    figure, axes = sheet(titles, "the loss times 1,024, never taken back", height_px=240)
    runs = result("healthy"), result("loud")
    both(axes[0], *runs, "gradient/global_norm_before_clip", until=130)
    both(axes[1], *runs, "gradient/clipping_percentage", low=-4, high=108, until=130)
    return figure


def updates() -> Figure:
    """Steps of a usual and of an outrageous size."""
    parts = ("heads", "context_encoder")
    titles = [f"update / weight: {part.replace('_', ' ')}" for part in parts]
    figure, axes = sheet(titles, FAST, height_px=240)
    for panel, part in zip(axes, parts, strict=True):
        tag = f"updates/{part}_update_to_weight"
        both(panel, result("healthy"), result("fast"), tag, low=5e-6, is_log=True)
    return figure


def moving_average() -> Figure:
    """A target that follows, and one that nobody moves."""
    titles = ["‖trained - target‖ / ‖target‖", "change of the target in 10 steps"]
    figure, axes = sheet(titles, "the call that updates it is lost", height_px=240, has_range=False)
    runs = result("healthy"), result("forgotten")
    both(axes[0], *runs, "ema/parameter_divergence", until=130)
    both(axes[1], *runs, "ema/update_magnitude", until=130)
    return figure


def stability() -> Figure:
    """A loss with bad batches now and then."""
    titles = ["loss", "largest over median of 50 steps"]
    figure, axes = sheet(titles, "the rate jumps each 80 steps", height_px=240)
    runs = result("healthy"), result("spiky")
    both(axes[0], *runs, "train/loss")
    both(axes[1], *runs, "stability/loss_max_spike")
    return figure


def landscape() -> Figure:
    """The loss around a trained and around a ruined model."""
    figure, axes = sheet(
        ["healthy", "sick: high rate"], "", height_px=330, xlabel="first direction"
    )
    planes = {name: around(result(name)) for name in ("healthy", "fast")}
    every = np.concatenate([plane.losses_NN for plane in planes.values()])
    low, high = float(every.min()), float(every.max())
    for panel, (name, plane) in zip(axes, planes.items(), strict=True):
        where = plane.betas_N, plane.alphas_N, plane.losses_NN
        levels = np.linspace(low, high, 25)
        panel.contourf(*where, levels=levels, cmap=rising())
        panel.contour(*where, levels=levels, colors="white", linewidths=0.8)
        panel.plot(0, 0, marker="x", color=style.PAPER, markersize=12, markeredgewidth=3)
        middle = plane.losses_NN[len(plane.alphas_N) // 2, len(plane.betas_N) // 2]
        edge = np.median([plane.losses_NN[i, j] for i in (0, -1) for j in (0, -1)])
        panels.name(panel, panel.get_title("left"), aside=f"{middle:.2f} to {edge:.2f}")
        print(f"  {name}: {middle:.4g} in the middle, {edge:.4g} in the corners (median)")
        scales.linear(panel.yaxis)
    axes[0].set_ylabel("second direction", fontsize=style.SMALL_TYPE_PT, color=style.INK)
    bar(axes, low, high, "loss")
    return figure


def around(run: Result) -> LossPlane:
    """The loss of the first 128 digits on a plane through a run's weights."""
    model, loss_fn = run.trainer.model.eval(), run.trainer.loss_fn
    images = digits()[:128]
    masks = run.trainer.masking_fn(len(images), torch.Generator().manual_seed(0))
    weights = {name: w.detach() for name, w in model.named_parameters() if w.requires_grad}

    def loss_of(moved: Any) -> float:
        outputs = torch.func.functional_call(model, moved, (images, masks))
        return float(loss_fn(outputs.predictions, outputs.targets, outputs.scored).total)

    directions = filter_normalized_directions(weights, generator=np.random.default_rng(0))
    return loss_plane(loss_of, weights, directions, num_points=13)


def throughput() -> Figure:
    """A device that waits for its data."""
    titles = ["waiting for data, % of the step", "samples per second"]
    figure, axes = sheet(titles, "each batch comes 150 ms late", height_px=240)
    runs = result("fed"), result("starved")
    both(axes[0], *({"waiting": waiting(run)} for run in runs), "waiting", low=-2, high=100)
    shade(axes[0], -2, 20)
    both(axes[1], *runs, "performance/samples_per_second")
    return figure


def waiting(run: Result) -> Points:
    """Steps, and the share of each that went by until its data came, in percent."""
    steps, waits_ms = run["performance/data_time_ms"]
    return steps, 100 * waits_ms / run["performance/step_time_ms"][1]
