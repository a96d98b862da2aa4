"""Everything that can be told of a frozen encoder: probes, levels, and what needs no labels."""

from __future__ import annotations

import statistics
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sightline.hjepa.data import in_order
from sightline.hjepa.features import (
    FloatArray,
    FrozenFeatures,
    Images,
    Track,
    bounded,
    evaluating,
    frozen_features,
    masked_views,
    silently,
)
from sightline.hjepa.label_free import label_free_measures
from sightline.hjepa.masks import MultiBlockMasking
from sightline.hjepa.model import HJEPAModel
from sightline.hjepa.scores import Assessment, Score, chance_of
from sightline.training.probes import (
    Head,
    Sweep,
    attentive_probe_accuracy,
    bounded_draw,
    few_label_accuracies,
    knn_accuracies,
    linear_probe_accuracy,
    linear_sweep,
)
from sightline.training.probes.attentive import TokensOf
from sightline.training.probes.few_labels import LABELS_PER_CLASS
from sightline.training.probes.labelled import check_labelled
from sightline.training.probes.neighbours import KNN_NEIGHBOURS

ProbeName = Literal["knn", "linear", "attentive", "few-label"]
PROBES: tuple[ProbeName, ...] = get_args(ProbeName)
OTHER_NEIGHBOURS = (1, 5, 10, 100, 200)  # that are tried beside, for the table of them
FEW_LABELS = (1, 5, 10)  # a class
NUM_VIEWS = 4  # masks of an image, as while training
MAX_VIEWED = 1000  # images that are seen under several masks
MOST_CACHED_BYTES = 2**29  # tokens kept between the epochs of the attentive probe
Labels: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Assessor:
    """Assesses encoders on the same images in the same way.

    Args:
        train: Images that probes learn from.
        val: Held-out images.
        masking: Draws masks for these images.
        device: Where to compute.
        batch_size: Images at a time.
        probes: What is probed; all of `PROBES` by default.
        num_neighbours: Of the kNN accuracy.
        sweep_epochs: Passes of the sweep over the features.
        attentive_epochs: Passes of the attentive probe over the images; None for the usual number.
        max_logistic: The most images that a logistic regression is fit to; the sweep takes more.
        seed: Chooses draws, batches, masks and first weights.
        track: Shows how far it has come.
    """

    train: Images
    val: Images
    masking: MultiBlockMasking
    device: torch.device
    batch_size: int
    probes: Collection[ProbeName] = PROBES
    num_neighbours: int = KNN_NEIGHBOURS
    sweep_epochs: int = 100
    attentive_epochs: int | None = None
    max_logistic: int = 10_000
    seed: int = 0
    track: Track = silently

    def features(self, model: HJEPAModel) -> tuple[FrozenFeatures, FrozenFeatures]:
        """Frozen features of the training and of the held-out images.

        Args:
            model: The model; it is moved to the device.

        Returns:
            Both.
        """
        model.to(self.device)
        train, val = (
            frozen_features(
                model,
                in_order(images, self.batch_size),
                self.device,
                track=self.track,
                what=f"features of {len(images):,} {which} images",
            )
            for which, images in (("training", self.train), ("held-out", self.val))
        )
        return train, val

    def assess(self, model: HJEPAModel, train: FrozenFeatures, val: FrozenFeatures) -> Assessment:
        """Probe and measure.

        Args:
            model: The model, on the device.
            train: Its features of the training images.
            val: Its features of the held-out images.

        Returns:
            What they are worth.

        Raises:
            ValueError: If a feature is not finite, there is only one class, or there are fewer
                training images than neighbours.
        """  # noqa: DOC502  the probes raise it
        train_y, val_y = labels = train.labels_N, val.labels_N
        check_labelled(train.mean_ND, train_y, val.mean_ND, val_y)
        scores: dict[str, Score] = {}
        knn: dict[int, float] = {}
        heads: tuple[Head, ...] = ()
        if "knn" in self.probes:
            others = {k for k in OTHER_NEIGHBOURS if k <= len(train_y)}
            knn = self._knn(train.mean_ND, val.mean_ND, labels, {self.num_neighbours, *others})
            scores["knn_accuracy"] = Score.of(knn[self.num_neighbours], val_y)
        if "linear" in self.probes:
            rows = bounded_draw(train_y, self.max_logistic, seed=self.seed)
            accuracy = linear_probe_accuracy(train.mean_ND[rows], train_y[rows], val.mean_ND, val_y)
            scores["linear_probe_accuracy"] = Score.of(accuracy, val_y)
            sweep = self._sweep(train.by_kind, val.by_kind, labels, "linear sweep")
            heads, best = sweep.heads, sweep.best()
            scores["linear_sweep_accuracy"] = Score.of(best.accuracy, val_y, head=best)
        if "attentive" in self.probes:
            scores["attentive_probe_accuracy"] = self._attentive(model, labels)
        if "few-label" in self.probes:
            for count in FEW_LABELS:
                scores |= self._few_labels(train.mean_ND, val.mean_ND, labels, count)
        return Assessment(
            scores=scores,
            levels=[
                self._level(number, one_ND, other_ND, labels)
                for number, (one_ND, other_ND) in enumerate(
                    zip(train.levels, val.levels, strict=True)
                )
            ],
            knn=knn,
            heads=heads,
            label_free=self._without_labels(model, train, val),
            num_train=len(train_y),
            num_val=len(val_y),
            chance=chance_of(train_y, val_y),
        )

    def _level(
        self, number: int, train_ND: FloatArray, val_ND: FloatArray, labels: Labels
    ) -> dict[str, Score]:
        scores: dict[str, Score] = {}
        if "knn" in self.probes:
            k = self.num_neighbours
            scores["knn_accuracy"] = Score.of(
                self._knn(train_ND, val_ND, labels, {k})[k], labels[1]
            )
        if "linear" in self.probes:
            name = f"level {number}"
            sweep = self._sweep({name: train_ND}, {name: val_ND}, labels, f"linear sweep, {name}")
            best = sweep.best()
            scores["linear_sweep_accuracy"] = Score.of(best.accuracy, labels[1], head=best)
        if "few-label" in self.probes:
            scores |= self._few_labels(train_ND, val_ND, labels, LABELS_PER_CLASS)
        return scores

    def _knn(
        self, train_ND: FloatArray, val_ND: FloatArray, labels: Labels, ks: set[int]
    ) -> dict[int, float]:
        return knn_accuracies(train_ND, labels[0], val_ND, labels[1], ks=sorted(ks))

    def _sweep(
        self,
        train: dict[str, FloatArray],
        val: dict[str, FloatArray],
        labels: Labels,
        what: str,
    ) -> Sweep:
        return linear_sweep(
            train,
            labels[0],
            val,
            labels[1],
            num_epochs=self.sweep_epochs,
            seed=self.seed,
            device=self.device,
            track=lambda epochs: self.track(epochs, what),
        )

    def _few_labels(
        self, train_ND: FloatArray, val_ND: FloatArray, labels: Labels, count: int
    ) -> dict[str, Score]:
        train_y, val_y = labels
        if np.unique(train_y, return_counts=True)[1].min() < count:
            return {}
        draws = few_label_accuracies(
            train_ND, train_y, val_ND, val_y, labels_per_class=count, seed=self.seed
        )
        score = Score.of(statistics.fmean(draws), val_y, deviation=statistics.stdev(draws))
        return {f"few_label_accuracy_{count}": score}

    def _attentive(self, model: HJEPAModel, labels: Labels) -> Score:
        with evaluating(model):
            accuracy = attentive_probe_accuracy(
                self._tokens_of(model, self.train),
                labels[0],
                self._tokens_of(model, self.val),
                labels[1],
                num_epochs=self.attentive_epochs,
                seed=self.seed,
                device=self.device,
                track=lambda epochs: self.track(epochs, "attentive probe"),
            )
        return Score.of(accuracy, labels[1])

    def _tokens_of(self, model: HJEPAModel, images: Images) -> TokensOf:
        """Patches of images by their numbers: encoded anew each time, unless there is room."""

        @torch.no_grad()
        def encode(rows_B: Tensor) -> Tensor:
            images_BCHW, _ = images[rows_B.tolist()]
            tokens_BTD: Tensor = model.target_encoder(images_BCHW.to(self.device))
            return tokens_BTD

        size = len(images) * encode(torch.arange(1)).nbytes
        if size > MOST_CACHED_BYTES:
            return encode
        parts = torch.arange(len(images)).split(self.batch_size)
        return torch.cat([encode(rows_B) for rows_B in parts]).__getitem__

    def _without_labels(
        self, model: HJEPAModel, train: FrozenFeatures, val: FrozenFeatures
    ) -> dict[str, float]:
        views_NVD = masked_views(
            model,
            bounded(self.val, MAX_VIEWED, seed=self.seed),
            self.masking,
            self.device,
            batch_size=self.batch_size,
            num_views=NUM_VIEWS,
            seed=self.seed,
            track=self.track,
        )
        features_ND = np.concatenate([train.mean_ND, val.mean_ND])
        return label_free_measures(features_ND, views_NVD, seed=self.seed)
