"""Does the training move as it should? Gradients, steps, averages, time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from drawing import HEALTHY, SICK, both, shade, sheet
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
    both(axes[0], *runs, "gradient/global_norm_before_clip")
    both(axes[1], *runs, "gradient/clipping_percentage", low=-4, high=108)
    for panel in axes:
        panel.set_xlim(0, 130)
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
