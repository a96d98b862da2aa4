"""The loss around a trained model, over a plane through its parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from sightline.figures import panels, scales, style
from sightline.figures.points import Floats, floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

Kind: TypeAlias = Literal["contour", "surface"]
NUM_LEVELS = 14
SIDE_PX = 600
SURFACE_LINES = 25


def visualize_loss_landscape(
    losses_NN: Any, alphas: Any, betas: Any, kind: Kind = "contour"
) -> Figure:
    """Show the loss over a plane through the trained parameters.

    How to read it: the cross is the trained model. Good is a wide, round basin with the cross at
    its lowest point. A narrow valley or a rugged plane means that small changes of the parameters
    cost much (a lower learning rate or more regularisation may help), a cross on a slope that the
    training is not finished. Blind spot: two directions out of millions; walls in other directions
    are not seen.

    Cost: 85 ms on one core for 25 x 25 points, as contours or as a surface, drawn and encoded.
    The losses cost one pass over the data a point.

    Args:
        losses_NN: loss at `alphas[i]`, `betas[j]`, as `sightline.diagnostics.loss_plane` gives it,
            (A, B), each at least 2; points that are not finite are left out and hatched.
        alphas: offsets along the first direction, (A,), rising, in units of the filters' norms.
        betas: offsets along the second direction, (B,), rising.
        kind: "contour" for a map, "surface" for a view from the side.

    Returns:
        Figure of 660 pixels' width; colours are logarithmic if all losses are positive and span a
        factor of 5 or more.

    Raises:
        ValueError: if the shapes do not fit, no loss is finite, or the kind is unknown.
    """
    losses = floats(losses_NN)
    along = [floats(offsets) for offsets in (alphas, betas)]
    if losses.shape != (*along[0].shape, *along[1].shape) or min((*losses.shape, 2)) < 2:
        raise ValueError(
            f"expected losses of shape (A, B) with A alphas and B betas, 2 or more of each, got "
            f"{losses.shape} with {along[0].shape} and {along[1].shape}; pass all that "
            "loss_plane returns"
        )
    if losses.ndim != 2 or not np.isfinite(losses).any():
        raise ValueError(
            "expected a plane of losses with at least one that is finite, got none; "
            "choose a smaller extent"
        )
    if kind not in {"contour", "surface"}:
        raise ValueError(f"expected contour or surface, got {kind!r}; choose one of the two")
    masked = np.ma.masked_invalid(losses)
    draw = _contour if kind == "contour" else _surface
    return draw(masked, along[0], along[1], *_colours(masked))


def _colours(losses: Any) -> tuple[Normalize, Floats]:
    """The scale of the colours, and the losses at which one ends and the next begins."""
    from matplotlib.colors import LogNorm, Normalize

    low, high = float(losses.min()), float(losses.max())
    if low > 0 and high >= scales.LOG_FROM_RATIO * low:
        return LogNorm(low, high), np.geomspace(low, high, NUM_LEVELS)
    if high - low <= 1e-9 * max(abs(high), abs(low)):  # a constant: one colour, not its rounding
        room = max(abs(high), 1e-12) * 0.01
        low, high = low - room, high + room
    return Normalize(low, high), np.linspace(low, high, NUM_LEVELS)


def _contour(losses: Any, alphas: Floats, betas: Floats, norm: Normalize, at: Floats) -> Figure:
    figure = style.new_figure(SIDE_PX)
    axes = figure.add_axes((0.145, 0.13, 0.63, 0.80))
    axes.set_facecolor("#EDEDED")
    axes.patch.set(hatch="////", edgecolor="#BDBDBD", linewidth=0)
    filled = axes.contourf(alphas, betas, losses.T, levels=at, norm=norm, cmap="cividis")
    axes.contour(alphas, betas, losses.T, levels=at, colors=style.PAPER, linewidths=0.6, alpha=0.6)
    marks = "+ trained model"
    if losses.min() < losses.max():
        lowest = np.unravel_index(losses.argmin(), losses.shape)
        _mark(axes, (float(alphas[lowest[0]]), float(betas[lowest[1]])), "o")
        marks += "    \N{WHITE CIRCLE} lowest loss"
    _mark(axes, (0.0, 0.0), "+")
    panels.name(axes, marks)
    axes.grid(False)
    axes.tick_params(pad=8)
    _name(axes)
    bar = figure.colorbar(filled, cax=figure.add_axes((0.80, 0.13, 0.035, 0.80)))
    bar.outline.set_visible(False)
    ticks = at[:: NUM_LEVELS // 4]
    bar.set_ticks(
        ticks.tolist(), labels=[scales.compact(float(f"{tick:.3g}")) for tick in ticks.tolist()]
    )
    bar.minorticks_off()
    bar.ax.tick_params(labelsize=style.SMALL_TYPE_PT, colors=style.MUTED, length=0)
    bar.ax.set_title("loss", loc="left", fontsize=style.SMALL_TYPE_PT, color=style.INK, pad=8)
    return figure


def _surface(losses: Any, alphas: Floats, betas: Floats, norm: Normalize, at: Floats) -> Figure:
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm

    is_log = isinstance(norm, LogNorm)
    height = (np.ma.log10(losses) if is_log else losses).filled(np.nan)
    figure = style.new_figure(SIDE_PX)
    axes: Any = figure.add_axes((0.02, 0.03, 0.90, 0.95), projection="3d")
    axes.plot_surface(
        *np.meshgrid(alphas, betas, indexing="ij"),
        height,
        facecolors=colormaps["cividis"](norm(losses)),
        rcount=SURFACE_LINES,
        ccount=SURFACE_LINES,
        linewidth=0,
        shade=False,
    )
    for axis, text in ((axes.xaxis, "first"), (axes.yaxis, "second"), (axes.zaxis, "")):
        scales.linear(axis, num_ticks=3)
        axis.set_label_text(text, fontsize=style.SMALL_TYPE_PT, color=style.INK)
        axis.labelpad = 12
        axis.set_pane_color((1, 1, 1, 0))
        axis.line.set_color(style.FAINT)
    axes.tick_params(labelsize=style.SMALL_TYPE_PT, colors=style.MUTED)
    low, high = (float(np.log10(end) if is_log else end) for end in (at[0], at[-1]))
    axes.set_zlim(low, high)
    ticks = np.linspace(low, high, 4)
    axes.set_zticks(
        ticks, [scales.compact(float(f"{10**t if is_log else t:.2g}")) for t in ticks.tolist()]
    )
    axes.view_init(elev=32, azim=-55)
    axes.set_box_aspect((1, 1, 0.75))
    figure.text(
        0.03,
        0.95,
        "loss over two directions (filter norms)",
        fontsize=style.SMALL_TYPE_PT,
        color=style.MUTED,
    )
    return figure


def _mark(axes: Axes, at: tuple[float, float], marker: str) -> None:
    looks: dict[str, Any] = {"markersize": 15, "markeredgewidth": 3, "markerfacecolor": "none"}
    axes.plot(*at, marker=marker, color=style.PAPER, linestyle="none", clip_on=False, **looks)


def _name(axes: Axes) -> None:
    for axis, which in ((axes.xaxis, "first"), (axes.yaxis, "second")):
        scales.linear(axis)
        axis.set_label_text(
            f"{which} direction (filter norms)", fontsize=style.SMALL_TYPE_PT, color=style.INK
        )
