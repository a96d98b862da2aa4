"""What a run needs beside the model, for every trainer."""

from sightline.training.averaging import ema_update, parameter_divergence
from sightline.training.checkpoints import CheckpointManager
from sightline.training.config import (
    Config,
    ConfigError,
    flatten,
    json_schema,
    load_config,
    to_yaml,
)
from sightline.training.loop import StepLoop
from sightline.training.optimizers import create_optimizer
from sightline.training.plan import LoopSettings
from sightline.training.probes import (
    ProbeResult,
    few_label_accuracy,
    knn_accuracy,
    linear_probe_accuracy,
    probe,
    standard_error,
)
from sightline.training.progress import ProgressTracker, setup_logging
from sightline.training.randomness import generator
from sightline.training.schedule_creation import (
    create_ema_scheduler,
    create_hierarchical_scheduler,
    create_lr_scheduler,
    create_weight_decay_scheduler,
)
from sightline.training.schedules import (
    CosineScheduler,
    EMAScheduler,
    HierarchicalScheduler,
    LinearScheduler,
)
from sightline.training.weights import load_weights

__all__ = [
    "CheckpointManager",
    "Config",
    "ConfigError",
    "CosineScheduler",
    "EMAScheduler",
    "HierarchicalScheduler",
    "LinearScheduler",
    "LoopSettings",
    "ProbeResult",
    "ProgressTracker",
    "StepLoop",
    "create_ema_scheduler",
    "create_hierarchical_scheduler",
    "create_lr_scheduler",
    "create_optimizer",
    "create_weight_decay_scheduler",
    "ema_update",
    "few_label_accuracy",
    "flatten",
    "generator",
    "json_schema",
    "knn_accuracy",
    "linear_probe_accuracy",
    "load_config",
    "load_weights",
    "parameter_divergence",
    "probe",
    "setup_logging",
    "standard_error",
    "to_yaml",
]
