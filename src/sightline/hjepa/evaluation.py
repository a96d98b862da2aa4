"""What the frozen encoder is worth on images that it was not trained on."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from sightline.callbacks import Samples
from sightline.diagnostics import effective_rank
from sightline.hjepa.config import OnlineProbe
from sightline.hjepa.data import Batch, images_of
from sightline.hjepa.features import evaluating
from sightline.hjepa.model import HJEPAModel
from sightline.hjepa.pixels import unit_range
from sightline.training.probes import few_label_accuracy, knn_accuracy, linear_probe_accuracy

MAX_PROJECTED = 1000  # images in the Projector
RANK = "effective_rank"
SCORES: dict[OnlineProbe, str] = {
    "knn": "knn_accuracy",
    "linear": "linear_probe_accuracy",
    "few-label": "few_label_accuracy",
}
Features = tuple[NDArray[np.float32], NDArray[np.int64]]


def features_of(model: HJEPAModel, loader: DataLoader[Batch], device: torch.device) -> Features:
    """Frozen features of every image that a loader serves, from the target encoder.

    Args:
        model: The model; it is put into evaluation mode and back.
        loader: Serves (images, labels).
        device: Where the model is.

    Returns:
        Features of shape (images, D), float32, and labels of shape (images,).
    """
    features, labels = [], []
    with evaluating(model):
        for images, classes in loader:
            features.append(model.extract_features(images.to(device)).float().cpu())
            labels.append(classes.cpu())
    return torch.cat(features).numpy(), torch.cat(labels).numpy()


def held_out_samples(model: HJEPAModel, loader: DataLoader[Batch], device: torch.device) -> Samples:
    """Features of the first images that a loader serves, with what is known of them.

    Args:
        model: The model; it is put into evaluation mode and back.
        loader: Serves (images, labels), always in the same order.
        device: Where the model is.

    Returns:
        At most `MAX_PROJECTED` features, class names and pictures.
    """
    features, labels, pictures = [], [], []
    with evaluating(model):
        for images, classes in loader:
            features.append(model.extract_features(images.to(device)).float().cpu())
            labels.append(classes.cpu())
            pictures.append(unit_range(images).cpu())
            if sum(map(len, labels)) >= MAX_PROJECTED:
                break
    names = images_of(loader).class_names
    return Samples(
        torch.cat(features)[:MAX_PROJECTED],
        [names[label] for label in torch.cat(labels)[:MAX_PROJECTED].tolist()],
        torch.cat(pictures)[:MAX_PROJECTED],
    )


def evaluate_encoder(
    model: HJEPAModel,
    train_loader: DataLoader[Batch],
    val_loader: DataLoader[Batch],
    device: torch.device,
    *,
    probes: Collection[OnlineProbe] = tuple(SCORES),
    seed: int = 0,
) -> dict[str, float]:
    """Probe the frozen target encoder.

    Args:
        model: The model.
        train_loader: Serves every training image once, without augmentation.
        val_loader: Serves every held-out image once.
        device: Where the model is.
        probes: Which.
        seed: For the draw of the few labels.

    Returns:
        Of the probes `knn_accuracy`, `linear_probe_accuracy` and `few_label_accuracy` on the
        held-out images, in 0 .. 1; and the `effective_rank` of their features, in dimensions. All
        are NaN where a feature is not finite.
    """
    train_x, train_y = features_of(model, train_loader, device)
    val_x, val_y = features_of(model, val_loader, device)
    if not (np.isfinite(train_x).all() and np.isfinite(val_x).all()):
        names = [score for name, score in SCORES.items() if name in probes]
        return dict.fromkeys([*names, RANK], float("nan"))
    data = (train_x, train_y, val_x, val_y)
    scores = {}
    if "knn" in probes:
        scores[SCORES["knn"]] = knn_accuracy(*data)
    if "linear" in probes:
        scores[SCORES["linear"]] = linear_probe_accuracy(*data)
    if "few-label" in probes:
        scores[SCORES["few-label"]] = few_label_accuracy(*data, seed=seed)
    return {**scores, RANK: float(effective_rank(val_x))}
