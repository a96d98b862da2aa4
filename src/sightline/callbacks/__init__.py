"""When things are measured and logged: one callback a file, one small base."""

from sightline.callbacks.base import Callback, CallbackList, Need, Trainer
from sightline.callbacks.cadence import Cadence, EverySeconds, EverySteps, LogSpaced
from sightline.callbacks.collapse import CollapseMonitor
from sightline.callbacks.dashboards import Dashboards
from sightline.callbacks.defaults import default_monitors
from sightline.callbacks.early_stopping import EarlyStopping
from sightline.callbacks.ema import EMAMonitor
from sightline.callbacks.embedding import EmbeddingMonitor, Samples
from sightline.callbacks.gradients import GradientMonitor
from sightline.callbacks.health import HealthMonitor
from sightline.callbacks.hierarchy import HierarchyMonitor
from sightline.callbacks.histograms import HistogramMonitor
from sightline.callbacks.inputs import InputMonitor
from sightline.callbacks.learning_rate import LearningRateMonitor
from sightline.callbacks.loss import LossMonitor
from sightline.callbacks.masking import MaskingMonitor
from sightline.callbacks.monitor import Monitor
from sightline.callbacks.prediction import PredictionMonitor
from sightline.callbacks.presets import PRESETS, Cadences, Preset
from sightline.callbacks.probe import ProbeMonitor
from sightline.callbacks.progress_bar import ProgressBarCallback
from sightline.callbacks.quality import QualityMonitor
from sightline.callbacks.run_facts import RunFacts
from sightline.callbacks.stability import StabilityMonitor
from sightline.callbacks.system import SystemMonitor
from sightline.callbacks.throughput import ThroughputMonitor
from sightline.callbacks.watching import Watch, watch
from sightline.callbacks.webhook import Webhook

__all__ = [
    "PRESETS",
    "Cadence",
    "Cadences",
    "Callback",
    "CallbackList",
    "CollapseMonitor",
    "Dashboards",
    "EMAMonitor",
    "EarlyStopping",
    "EmbeddingMonitor",
    "EverySeconds",
    "EverySteps",
    "GradientMonitor",
    "HealthMonitor",
    "HierarchyMonitor",
    "HistogramMonitor",
    "InputMonitor",
    "LearningRateMonitor",
    "LogSpaced",
    "LossMonitor",
    "MaskingMonitor",
    "Monitor",
    "Need",
    "PredictionMonitor",
    "Preset",
    "ProbeMonitor",
    "ProgressBarCallback",
    "QualityMonitor",
    "RunFacts",
    "Samples",
    "StabilityMonitor",
    "SystemMonitor",
    "ThroughputMonitor",
    "Trainer",
    "Watch",
    "Webhook",
    "default_monitors",
    "watch",
]
