"""One picture a concept page, in the order of their names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from alive import collapse, gram_page, spectrum
from quality import alignment_uniformity, cka, clid_page, lidar, sigreg
from task import loss_shares, masks, prediction
from training import gradients, landscape, moving_average, stability, throughput, updates

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
