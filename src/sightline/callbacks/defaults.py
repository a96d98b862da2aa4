"""What is watched of a model that nothing is known of."""

from __future__ import annotations

from importlib.util import find_spec

from sightline.callbacks.base import Callback
from sightline.callbacks.collapse import CollapseMonitor
from sightline.callbacks.dashboards import Dashboards
from sightline.callbacks.gradients import GradientMonitor
from sightline.callbacks.histograms import HistogramMonitor
from sightline.callbacks.learning_rate import LearningRateMonitor
from sightline.callbacks.stability import StabilityMonitor
from sightline.callbacks.system import SystemMonitor
from sightline.callbacks.throughput import ThroughputMonitor


def default_monitors(
    *,
    every: int = 100,
    log_every: int = 10,
    histograms_every: int | None = None,
    figures_every: int | None = None,
    times_data: bool = True,
) -> list[Callback]:
    """The monitors that make sense for any model, in the order in which they are called.

    Args:
        every: Steps between readings of gradients, updates and features.
        log_every: Steps between readings that cost next to nothing: learning rates, the loss so
            far, and times.
        histograms_every: Steps between histograms of weights and gradients; None for ten times
            `every`.
        figures_every: Steps between figures, which need matplotlib; None for none.
        times_data: Whether the loop says when a batch is there.

    Returns:
        The monitors; that of the machine is among them where psutil is installed.
    """
    return [
        Dashboards(),
        CollapseMonitor(every=every),
        GradientMonitor(every=every, figures_every=figures_every),
        LearningRateMonitor(warmup_steps=None, every=log_every),
        HistogramMonitor(every=10 * every if histograms_every is None else histograms_every),
        StabilityMonitor(every=log_every),
        *([SystemMonitor()] if find_spec("psutil") else []),
        ThroughputMonitor(every=log_every, times_data=times_data),
    ]
