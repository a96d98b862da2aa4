"""How good are frozen features? Arrays in, accuracies out."""

from sightline.training.probes.accuracy import standard_error
from sightline.training.probes.attentive import attentive_probe_accuracy
from sightline.training.probes.draws import bounded_draw, class_balanced_draw, class_shares_split
from sightline.training.probes.few_labels import few_label_accuracies, few_label_accuracy
from sightline.training.probes.linear import linear_probe_accuracy, linear_probe_predictions
from sightline.training.probes.neighbours import knn_accuracies, knn_accuracy
from sightline.training.probes.sweep import Head, Sweep, linear_sweep
from sightline.training.probes.yardstick import ProbeResult, probe

__all__ = [
    "Head",
    "ProbeResult",
    "Sweep",
    "attentive_probe_accuracy",
    "bounded_draw",
    "class_balanced_draw",
    "class_shares_split",
    "few_label_accuracies",
    "few_label_accuracy",
    "knn_accuracies",
    "knn_accuracy",
    "linear_probe_accuracy",
    "linear_probe_predictions",
    "linear_sweep",
    "probe",
    "standard_error",
]
