"""Predictions and their targets as points of a plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from sightline.figures import panels, style
from sightline.figures.losses import level_name
from sightline.figures.pixels import on_host
from sightline.figures.points import Floats, floats
from sightline.figures.projection import Method, project

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


# P. Tol, "Colour schemes", 2021, "muted", and ink: ten classes told apart with every colour vision.
CLASSES = (
    "#332288", "#88CCEE", "#44AA99", "#117733", "#999933",
    "#DDCC77", "#CC6677", "#882255", "#AA4499", "#222222",
)  # fmt: skip
NAMES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
EDGE_PX = 12
ADVICE = """Each link is an error.
Good: short links, and dots
that are spread out.
All links to one point: the
predictor gives the mean."""


class _Level(NamedTuple):
    name: str
    pred_ND: Floats
    target_ND: Floats
    labels_N: NDArray[Any] | None


def plot_embedding(
    pred_ND: Any,
    target_ND: Any,
    *,
    level: int | str | Sequence[int | str] = 0,
    method: Method = "pca",
    labels: Any = None,
    max_points: int = 250,
    seed: int = 0,
) -> Figure:
    """Show predictions (rings) and their targets (dots) in two dimensions, each pair linked.

    How to read it: good are short links, with the dots spread out and, with labels, in groups of a
    colour. Long links that all point to one place mean that the predictor gives the mean of the
    targets; a single heap of dots is collapse. Blind spot: PCA shows the two widest directions and
    no other (their share of the variance stands above the panel); t-SNE and UMAP keep neighbours
    only, so neither distances between groups nor their sizes mean anything.

    Cost: on one core for 250 pairs of 64 dimensions, drawn and encoded: 50 ms with PCA (40
    more a further level), 0.6 s with UMAP, whose first call takes several seconds more, and 1.6 s
    with t-SNE.

    Args:
        pred_ND: predicted features, (N, D); or a sequence of them, one a level.
        target_ND: the targets of the same rows, (N, D); or a sequence of them.
        level: the level, or those of the sequence, for the titles.
        method: "pca", "tsne" or "umap" (which needs umap-learn); fitted on both sets together.
        labels: class of each row, (N,), which colours the points; for several levels one for each.
        max_points: pairs in a panel; of more rows, this many are drawn by chance.
        seed: of that choice, and of t-SNE and UMAP.

    Returns:
        Figure for `embeddings/tsne_pred_vs_target`, 660 pixels wide, up to two levels in a row.

    Raises:
        ValueError: if shapes do not fit, or the method is unknown.

    Source: L. van der Maaten and G. Hinton, "Visualizing data using t-SNE", JMLR 2008; L. McInnes
    et al., "UMAP: uniform manifold approximation and projection", JOSS 2018.
    """
    if method not in get_args(Method):
        raise ValueError(f"expected pca, tsne or umap, got {method!r}; choose one of them")
    levels = _levels(pred_ND, target_ND, level, labels)
    kept = [_chosen(one, max_points, seed) for one in levels]
    known = [one.labels_N for one in kept if one.labels_N is not None]
    classes = np.unique(np.concatenate(known)).tolist() if known else []
    figure, axes = _grid(len(kept), classes)
    for panel, one in zip(axes, kept, strict=True):
        both = np.concatenate([one.pred_ND, one.target_ND])
        plane, note = project(both, method, seed)
        _draw(panel, plane[: len(one.pred_ND)], plane[len(one.pred_ND) :], one.labels_N, classes)
        panels.name(panel, f"{panels.shorten(one.name, 8)}, {NAMES[method]}", aside=note)
        _frame(panel)
    return figure


def _levels(pred: Any, target: Any, level: Any, labels: Any) -> list[_Level]:
    """Bring one level, or several, to the same form."""
    if not isinstance(pred, list | tuple):
        pred, target, level = [pred], [target], [level]
        labels = None if labels is None else [labels]
    elif isinstance(level, int | str):
        level = range(len(pred))
    if labels is None or np.ndim(labels[0]) == 0:  # none, or the same rows at each level
        labels = [labels] * len(pred)
    if not pred or not len(pred) == len(target) == len(level) == len(labels):
        raise ValueError(
            f"expected predictions, targets, levels and labels of the same levels, got "
            f"{len(pred)}, {len(target)}, {len(level)} and {len(labels)}; pass one of each a level"
        )
    found = []
    for one_pred, one_target, one_level, one_labels in zip(
        pred, target, level, labels, strict=True
    ):
        x, y = (floats(one) for one in (one_pred, one_target))
        classes = None if one_labels is None else on_host(one_labels)
        if x.ndim != 2 or x.shape != y.shape or 0 in x.shape:
            raise ValueError(
                f"expected predictions and targets of one shape (N, D), got {x.shape} and "
                f"{y.shape}; flatten tokens first, e.g. tokens_BND.reshape(-1, D)"
            )
        if classes is not None and classes.shape != x.shape[:1]:
            raise ValueError(
                f"expected one label a row, ({len(x)},), got {classes.shape}; "
                "repeat an image's label for each of its tokens"
            )
        found.append(_Level(level_name(one_level), x, y, classes))
    return found


def _chosen(level: _Level, max_points: int, seed: int) -> _Level:
    """The rows that are drawn: finite ones, and no more than asked for."""
    both = np.concatenate([level.pred_ND, level.target_ND], axis=1)
    rows = np.flatnonzero(np.isfinite(both).all(1))
    if len(rows) > max_points:
        rows = np.sort(np.random.default_rng(seed).choice(rows, max_points, replace=False))
    labels = None if level.labels_N is None else level.labels_N[rows]
    return _Level(level.name, level.pred_ND[rows], level.target_ND[rows], labels)


def _grid(num_panels: int, classes: list[Any]) -> tuple[Figure, list[Axes]]:
    """Square panels, two in a row, under the lines that explain the marks."""
    columns = min(num_panels, 2)
    rows = -(-num_panels // columns)
    width = style.CARD_WIDTH_PX
    side = (width - EDGE_PX) / columns - EDGE_PX
    high = side if columns == 2 else 0.72 * side
    key = _legend_columns(classes)
    lines = 1 + (-(-len(classes) // key) if classes else 0)
    top = EDGE_PX + panels.LEGEND_ROW_PX * lines
    height = top + rows * (panels.TITLE_PX + high + EDGE_PX)
    figure = style.new_figure(height)
    axes = []
    for place in range(num_panels):
        row, column = divmod(place, columns)
        left = EDGE_PX + column * (side + EDGE_PX)
        bottom = height - top - (row + 1) * (panels.TITLE_PX + high) - row * EDGE_PX
        box = (left / width, bottom / height, side / width, high / height)
        axes.append(figure.add_axes(box))
    if num_panels < rows * columns:  # the last place is free
        x, y = (side + 3 * EDGE_PX) / width, (high + EDGE_PX) / height
        advice = figure.text(x, y, ADVICE, va="top", color=style.MUTED, linespacing=1.5)
        advice.set_fontsize(style.SMALL_TYPE_PT)
    plain = classes and style.MUTED
    marks = {"prediction": (plain or style.ORANGE, "none"), "its target": (plain or style.BLUE, "")}
    _explain(figure, marks, 2, EDGE_PX)
    if classes:
        names = {
            panels.shorten(str(name), 20): (_colour(index), "")
            for index, name in enumerate(classes)
        }
        _explain(figure, names, key, EDGE_PX + panels.LEGEND_ROW_PX)
    return figure, axes


def _legend_columns(classes: list[Any]) -> int:
    widest = 52 + 11 * max((len(panels.shorten(str(name), 20)) for name in classes), default=1)
    return max(1, (style.CARD_WIDTH_PX - 2 * EDGE_PX) // widest)


def _explain(figure: Figure, marks: dict[str, tuple[str, str]], columns: int, down: int) -> None:
    """Write what the marks mean, this far below the top."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="none", marker="o", markersize=9, color=colour, label=name,
               markerfacecolor=face or colour, markeredgewidth=2)
        for name, (colour, face) in marks.items()
    ]  # fmt: skip
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(EDGE_PX / style.CARD_WIDTH_PX, 1 - down / figure.bbox.height),
        ncols=columns,
        fontsize=style.SMALL_TYPE_PT,
        labelcolor=style.INK,
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        labelspacing=0.45,
        handlelength=0.8,
        handletextpad=0.4,
        columnspacing=1.2,
    )


def _colour(index: int) -> str:
    return CLASSES[index % len(CLASSES)]


def _draw(
    axes: Axes, pred_N2: Floats, target_N2: Floats, labels: NDArray[Any] | None, classes: list[Any]
) -> None:
    from matplotlib.collections import LineCollection

    links = LineCollection(
        list(np.stack([pred_N2, target_N2], axis=1)), colors=style.MUTED, linewidths=1, alpha=0.3
    )
    axes.add_collection(links, autolim=False)
    rings: Any = style.ORANGE
    dots: Any = style.BLUE
    if labels is not None:
        rings = dots = [_colour(int(index)) for index in np.searchsorted(classes, labels)]
    few = min(1.0, (60 / max(len(pred_N2), 1)) ** 0.5)  # smaller where there are many,
    few *= axes.get_position().width  # and where the panel is small
    axes.scatter(
        target_N2[:, 0], target_N2[:, 1], s=20 + 50 * few, c=dots, linewidths=0, alpha=0.85
    )
    axes.scatter(
        pred_N2[:, 0],
        pred_N2[:, 1],
        s=24 + 50 * few,
        facecolors="none",
        edgecolors=rings,
        linewidths=1.5,
    )
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.06)


def _frame(axes: Axes) -> None:
    """Leave a thin frame: coordinates of a projection have no unit."""
    style.bare(axes)
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set(visible=True, color=style.FAINT)
