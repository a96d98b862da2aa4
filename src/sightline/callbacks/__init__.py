"""When things are measured and logged: one callback a file, one small base."""

from sightline.callbacks.base import Callback, CallbackList, Need, Trainer
from sightline.callbacks.cadence import Cadence, EverySeconds, EverySteps, LogSpaced
from sightline.callbacks.collapse import CollapseMonitor
from sightline.callbacks.ema import EMAMonitor
from sightline.callbacks.health import HealthMonitor
from sightline.callbacks.hierarchy import HierarchyMonitor
from sightline.callbacks.masking import MaskingMonitor
from sightline.callbacks.monitor import Monitor
from sightline.callbacks.prediction import PredictionMonitor
from sightline.callbacks.probe import ProbeMonitor
from sightline.callbacks.progress_bar import ProgressBarCallback
from sightline.callbacks.run_facts import RunFacts
from sightline.callbacks.throughput import ThroughputMonitor

__all__ = [
    "Cadence",
    "Callback",
    "CallbackList",
    "CollapseMonitor",
    "EMAMonitor",
    "EverySeconds",
    "EverySteps",
    "HealthMonitor",
    "HierarchyMonitor",
    "LogSpaced",
    "MaskingMonitor",
    "Monitor",
    "Need",
    "PredictionMonitor",
    "ProbeMonitor",
    "ProgressBarCallback",
    "RunFacts",
    "ThroughputMonitor",
    "Trainer",
]
