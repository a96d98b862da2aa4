"""What the frozen encoder is worth on images that it was not trained on."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from sightline.callbacks import Samples
from sightline.diagnostics import effective_rank
from sightline.hjepa.data import Batch, images_of
from sightline.hjepa.model import HJEPAModel
from sightline.hjepa.pixels import unit_range
from sightline.training.probes import probe

MAX_PROJECTED = 1000  # images in the Projector
SCORES = ("knn_accuracy", "linear_probe_accuracy", "few_label_accuracy", "effective_rank")
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
    was_training = model.training
    model.eval()
    features, labels = [], []
    for images, classes in loader:
        features.append(model.extract_features(images.to(device)).float().cpu())
        labels.append(classes.cpu())
    model.train(was_training)
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
    was_training = model.training
    model.eval()
    features, labels, pictures = [], [], []
    for images, classes in loader:
        features.append(model.extract_features(images.to(device)).float().cpu())
        labels.append(classes.cpu())
        pictures.append(unit_range(images).cpu())
        if sum(map(len, labels)) >= MAX_PROJECTED:
            break
    model.train(was_training)
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
    seed: int = 0,
) -> dict[str, float]:
    """Probe the frozen target encoder.

    Args:
        model: The model.
        train_loader: Serves every training image once, without augmentation.
        val_loader: Serves every held-out image once.
        device: Where the model is.
        seed: For the draw of the few labels.

    Returns:
        `knn_accuracy`, `linear_probe_accuracy` and `few_label_accuracy` on the held-out images, in
        0 .. 1, and the `effective_rank` of their features, in dimensions. All are NaN where a
        feature is not finite.
    """
    train_x, train_y = features_of(model, train_loader, device)
    val_x, val_y = features_of(model, val_loader, device)
    if not (np.isfinite(train_x).all() and np.isfinite(val_x).all()):
        return dict.fromkeys(SCORES, float("nan"))
    scores = probe(train_x, train_y, val_x, val_y, seed=seed)
    values = (scores.knn, scores.linear, scores.few_label, float(effective_rank(val_x)))
    return dict(zip(SCORES, values, strict=True))
