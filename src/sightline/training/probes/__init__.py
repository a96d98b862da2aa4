"""How good are frozen features? Arrays in, accuracies out."""

from sightline.training.probes.accuracy import standard_error
from sightline.training.probes.draws import class_balanced_draw
from sightline.training.probes.few_labels import few_label_accuracy
from sightline.training.probes.linear import linear_probe_accuracy, linear_probe_predictions
from sightline.training.probes.neighbours import knn_accuracy
from sightline.training.probes.yardstick import ProbeResult, probe

__all__ = [
    "ProbeResult",
    "class_balanced_draw",
    "few_label_accuracy",
    "knn_accuracy",
    "linear_probe_accuracy",
    "linear_probe_predictions",
    "probe",
    "standard_error",
]
