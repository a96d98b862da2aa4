"""Extras of Sightline that are not installed, and what cannot be done without them."""

from __future__ import annotations

from packaging.utils import canonicalize_name

from sightline.health.doctor.complaint import Checkup, Complaint
from sightline.health.doctor.distributions import Environment
from sightline.health.finding import Level

SUBJECT = "extras"
VIEWER = "board"
WITHOUT = {
    "torch": "no training of H-JEPA, and no probes",
    "jax": "no arrays of JAX",
    "figures": "no figures of matplotlib",
    "board": "no `sightline board`, which opens TensorBoard",
    "wandb": "no logging to Weights & Biases",
    "mlflow": "no logging to MLflow",
    "system": "no metrics of processor, memory and GPU",
    "umap": "no UMAP of embeddings; PCA and t-SNE work",
    "lightning": "no callback and no logger for Lightning",
    "transformers": "no callback for the Trainer of transformers",
    "remote": "no logs on S3, GCS and other URLs",
    "hub": "no data sets of Hugging Face and no Parquet files to train on",
    "onnx": "no export of encoders to ONNX; torch.export and safetensors work",
    "frames": "no tables of pandas, Polars and Arrow, and no export but JSON lines",
}
BUNDLES = {"all", "dev"}


def check_extras(environment: Environment, package: str = "sightline") -> Checkup:
    """Find extras of which something is not installed.

    Args:
        environment: What is installed.
        package: The package that has the extras.

    Returns:
        A complaint for each: for information, except for TensorBoard, without which nothing is
        seen.
    """
    own = environment.get(package)
    extras = [] if own is None else [extra for extra in own.extras if extra not in BUNDLES]
    complaints = []
    for extra in extras:
        assert own is not None
        absent = sorted({
            need.name
            for need in own.needs(extra)
            if (name := canonicalize_name(need.name)) not in environment and name != package
        })
        if absent:
            verb = "is" if len(absent) == 1 else "are"
            what = f"{', '.join(absent)} {verb} not installed: {WITHOUT.get(extra, 'less to use')}."
            remedy = f'Run `pip install "{package}[{extra}]"` if you want it.'
            level = Level.WARN if extra == VIEWER else Level.INFO
            complaints.append(Complaint(level, SUBJECT, what, remedy))
    found = f"{len(extras) - len(complaints)} of {len(extras)} installed"
    return Checkup(SUBJECT, found, tuple(complaints))
