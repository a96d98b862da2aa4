"""The eigenvalues of features: how many directions they use, and how fast these fade."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sightline.figures import panels, scales, style
from sightline.figures.points import Floats, floats

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANEL_PX = 330
ZERO = 1e-12  # of the largest eigenvalue: below is rounding


def plot_spectrum(eigenvalues_by_name: Mapping[str, Any]) -> Figure:
    """Plot the eigenvalues of the covariance of features over their rank, both logarithmic.

        lambda_i ~ i^(-alpha),   effective rank = exp(-sum_i p_i log p_i),  p = sqrt(lambda) / sum

    How to read it: the dashed line is the fit whose slope is alpha, the dot the effective rank.
    Good is a long straight fall with alpha near 1. A cliff is dimensional collapse: the directions
    behind it are not used. Alpha far above 1 means that few directions carry everything, near 0
    that the features are as spread as noise. Blind spots: alpha weighs every rank alike, so that
    the many last ones decide; where the curve is not a line, alpha says little. And no spectrum
    tells whether the directions are of use.

    Cost: 65 ms on one core for three spectra, drawn and encoded.

    Args:
        eigenvalues_by_name: eigenvalues of the covariance by name, e.g. of a level, each (D,), in
            any order; those below 1e-12 of the largest count as zero and are not drawn.

    Returns:
        Figure for `hierarchy/level{l}_spectrum`, 660 pixels wide; each curve is divided by its
        largest eigenvalue.

    Raises:
        ValueError: if there is no spectrum, or one is not a vector of eigenvalues.

    Source: K. Agrawal et al., "alpha-ReQ: assessing representation quality in self-supervised
    learning by measuring eigenspectrum decay", NeurIPS 2022 (alpha); O. Roy and M. Vetterli, "The
    effective rank: a measure of effective dimensionality", EUSIPCO 2007.
    """
    if not eigenvalues_by_name:
        raise ValueError("expected at least one spectrum, got none; pass {'level 0': eigenvalues}")
    spectra = {name: _falling(name, values) for name, values in eigenvalues_by_name.items()}
    names = [f"{panels.shorten(name, 20)}: {_summary(values)}" for name, values in spectra.items()]
    figure, (axes,) = panels.stack(
        ["eigenvalue / largest"], [PANEL_PX], legend=names, xlabel="rank of the direction"
    )
    panels.name(axes, "eigenvalue / largest", aside="dashed: alpha, dot: effective rank")
    longest = max(max(map(len, spectra.values())), 2)
    scales.logarithmic(axes.xaxis, 0.9, longest * 1.1, num_ticks=6)
    lowest = min([values[-1] for values in spectra.values() if len(values)], default=0.1)
    scales.logarithmic(axes.yaxis, min(lowest, 0.1) / 2, 2.0, num_ticks=5)
    for index, (label, values) in enumerate(zip(names, spectra.values(), strict=True)):
        ranks = np.arange(1.0, len(values) + 1)
        panels.curve(axes, (ranks, values), index=index, label=label)
        if len(values) < 2:
            continue
        slope, offset = _power_law(ranks, values)
        looks: dict[str, Any] = {"color": style.SERIES[index % len(style.SERIES)], "label": "_"}
        ends = ranks[[0, -1]]
        axes.plot(ends, np.exp(offset) * ends**slope, linestyle=(0, (3, 2)), linewidth=1.5, **looks)
        effective = _effective_rank(values)
        height = np.exp(np.interp(np.log(effective), np.log(ranks), np.log(values)))
        axes.plot(
            effective, height, marker="o", markersize=12, markeredgecolor=style.PAPER,
            markeredgewidth=2, zorder=4, **looks,
        )  # fmt: skip
    panels.show_legend(axes, names)
    return figure


def _falling(name: str, eigenvalues: Any) -> Floats:
    """The eigenvalues above zero, over the largest, largest first; none if one is not finite."""
    values = floats(eigenvalues)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(
            f"expected eigenvalues of shape (D,) for {name}, got {values.shape}; "
            "pass those of the covariance, e.g. numpy.linalg.eigvalsh(numpy.cov(x.T))"
        )
    largest = values.max()
    if not np.isfinite(values).all() or largest <= 0:
        return np.empty(0)
    values = np.sort(values / largest)[::-1]
    return values[values > ZERO]


def _power_law(ranks: Floats, values: Floats) -> tuple[float, float]:
    """Slope and offset of log value over log rank, by least squares over all of them."""
    slope, offset = np.polyfit(np.log(ranks), np.log(values), 1)
    return float(slope), float(offset)


def _effective_rank(values: Floats) -> float:
    p = np.sqrt(values) / np.sqrt(values).sum()
    return float(np.exp(-(p * np.log(p)).sum()))


def _summary(values: Floats) -> str:
    if len(values) == 0:
        return "no spread"
    if len(values) == 1:
        return "rank 1"
    slope, _ = _power_law(np.arange(1.0, len(values) + 1), values)
    return f"alpha {-slope:.2f}, effective rank {_effective_rank(values):.3g}"
