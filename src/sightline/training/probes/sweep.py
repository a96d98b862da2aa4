"""A sweep of linear probes, all of them trained in one pass over the features.

Shape legend: B batch, H heads (learning rates), D width, C classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.training.probes.draws import class_shares_split
from sightline.training.probes.labelled import Array, check_labelled
from sightline.training.randomness import generator

LEARNING_RATES = (1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1)
LR_BATCH_SIZE = 256  # that the rates are meant for; others scale them
MOMENTUM = 0.9
SELECTION_SHARE = 0.1
_ROWS_AT_ONCE = 4096


@dataclass(frozen=True, slots=True)
class Head:
    """One linear probe of a sweep.

    Args:
        features: Name of the features that it reads.
        learning_rate: Its learning rate, for batches of 256.
        selection_accuracy: Accuracy on the training samples that were kept back, 0 to 1.
        selection_loss: Cross-entropy there, in nats; infinite where it diverged.
        accuracy: Accuracy on the test samples, 0 to 1.
    """

    features: str
    learning_rate: float
    selection_accuracy: float
    selection_loss: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep came to.

    Args:
        heads: All heads, features by features, learning rates ascending.
        num_fit: Training samples that they learned from.
        num_selection: Training samples that were kept back to choose by.
    """

    heads: tuple[Head, ...]
    num_fit: int
    num_selection: int

    def best(self, *features: str) -> Head:
        """The head that is best on the samples that were kept back; the test has no say.

        Args:
            *features: Names to choose among; none for all.

        Returns:
            The head of the highest accuracy there; of equals, the one with the lower loss.
        """
        heads = [head for head in self.heads if not features or head.features in features]
        return max(heads, key=lambda head: (head.selection_accuracy, -head.selection_loss))


def linear_sweep(
    train: Mapping[str, Array],
    train_y: Array,
    test: Mapping[str, Array],
    test_y: Array,
    *,
    learning_rates: Sequence[float] = LEARNING_RATES,
    num_epochs: int = 100,
    batch_size: int = 128,
    seed: int = 0,
    device: str | torch.device = "cpu",
    track: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> Sweep:
    """Train a linear probe for each learning rate on each kind of features, all at once.

    Features are standardised with the mean and deviation of the samples that are learned from. The
    heads start at zero and are trained by stochastic gradient descent with momentum 0.9 and a
    cosine to zero, without weight decay, on the same batches. They share nothing, so a head of the
    sweep is the one that is had alone. A tenth of the training samples of each class is kept back
    for the choice between them.

    Cost: a step is one product forward and one backward for each kind, over all heads together.

    Args:
        train: Training features by name, ``(samples, width)`` each, finite.
        train_y: Training labels, ``(samples,)``, integers of at least two classes.
        test: Test features by the same names.
        test_y: Test labels, ``(samples,)``, integers. One unseen in training counts as an error.
        learning_rates: For batches of 256; other batches scale them.
        num_epochs: Passes over the training samples, 1 or more.
        batch_size: Samples in a batch, 1 or more.
        seed: Chooses what is kept back, and the batches.
        device: Where to compute.
        track: Handed the epochs to iterate over, for a progress bar.

    Returns:
        The accuracies of all heads.

    Raises:
        ValueError: If shapes do not fit, a feature is not finite, there is only one class, or a
            number is out of range.

    Example:
        >>> labels = np.repeat(np.arange(2), 20)
        >>> features = {"one": np.eye(2)[labels]}
        >>> linear_sweep(features, labels, features, labels, num_epochs=5).best().accuracy
        1.0

    Source: the protocol of Oquab et al. (2023), DINOv2: Learning Robust Visual Features without
    Supervision; there the best head is chosen on the test set.
    """
    for name, features in train.items():
        check_labelled(features, train_y, test[name], test_y)
    for what, number in (("num_epochs", num_epochs), ("batch_size", batch_size)):
        if number < 1:
            raise ValueError(f"{what} must be at least 1, got {number}; set it to a count.")
    classes, train_class = np.unique(train_y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            "Expected training labels of at least two classes, got one; "
            "probe on a set with more classes."
        )
    fit, selection = class_shares_split(train_y, share=SELECTION_SHARE, seed=seed)
    rates_H = [rate * batch_size / LR_BATCH_SIZE for rate in learning_rates]
    probes = {
        name: _Heads(features, fit, len(classes), rates_H, device)
        for name, features in train.items()
    }
    class_N = torch.from_numpy(train_class)
    fit_rows = torch.from_numpy(fit)
    num_steps = num_epochs * math.ceil(len(fit) / batch_size)
    step = 0
    for epoch in track(range(num_epochs)):
        order = torch.randperm(len(fit), generator=generator(seed, "linear sweep", epoch))
        for rows in fit_rows[order].split(batch_size):
            decay = 0.5 * (1.0 + math.cos(math.pi * step / num_steps))
            for probe in probes.values():
                probe.step(rows, class_N[rows], decay)
            step += 1
    # A class that was not seen in training has the number -1, which nobody predicts.
    known = {label: number for number, label in enumerate(classes.tolist())}
    test_class = np.array([known.get(label, -1) for label in test_y.tolist()])
    heads: list[Head] = []
    for name, probe in probes.items():
        chosen_by = probe.score(train[name][selection], train_class[selection])
        tested = probe.score(test[name], test_class)
        heads += [
            Head(name, rate, accuracy, loss, tested_accuracy)
            for rate, (accuracy, loss), (tested_accuracy, _) in zip(
                learning_rates, chosen_by, tested, strict=True
            )
        ]
    return Sweep(tuple(heads), len(fit), len(selection))


class _Heads:
    """Heads of all learning rates over one kind of features."""

    def __init__(
        self,
        features: Array,
        fit: Array,
        num_classes: int,
        rates_H: Sequence[float],
        device: str | torch.device,
    ) -> None:
        self.x_ND = torch.from_numpy(np.asarray(features, np.float32))
        std_D, self.mean_D = torch.std_mean(self.x_ND[torch.from_numpy(fit)], 0, correction=0)
        # A feature that never changes says nothing.
        self.scale_D = torch.where(std_D > 0, 1 / std_D, 0.0)
        self.rates_H11 = torch.tensor(rates_H, device=device)[:, None, None]
        # The bias is the weight of a last feature that is always 1.
        shape = (len(rates_H), self.x_ND.shape[1] + 1, num_classes)
        self.weight_HDC = torch.zeros(shape, device=device)
        self.velocity_HDC = torch.zeros(shape, device=device)

    def step(self, rows_B: Tensor, class_B: Tensor, decay: float) -> None:
        x_BD = self._standardised(self.x_ND[rows_B])
        error_HBC = torch.matmul(x_BD, self.weight_HDC).softmax(dim=-1)
        error_HBC -= F.one_hot(class_B, error_HBC.shape[-1]).to(error_HBC)
        gradient_HDC = torch.matmul(x_BD.T, error_HBC / len(rows_B))
        self.velocity_HDC.mul_(MOMENTUM).add_(gradient_HDC)
        self.weight_HDC.sub_(decay * self.rates_H11 * self.velocity_HDC)

    def score(self, features: Array, classes: Array) -> list[tuple[float, float]]:
        """Accuracy and loss of each head; a class of -1 is always an error, and has no loss."""
        num_correct_H = torch.zeros(len(self.weight_HDC), dtype=torch.float64)
        loss_H = torch.zeros_like(num_correct_H)
        for start in range(0, len(features), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            x_BD = self._standardised(torch.from_numpy(np.asarray(features[part], np.float32)))
            logits_HBC = torch.matmul(x_BD, self.weight_HDC).double().cpu()
            class_B = torch.from_numpy(classes[part])
            num_correct_H += (logits_HBC.argmax(dim=-1) == class_B).sum(dim=1)
            loss_H += torch.stack([
                F.cross_entropy(logits_BC, class_B, ignore_index=-1, reduction="sum")
                for logits_BC in logits_HBC
            ])
        loss_H = torch.nan_to_num(loss_H / max(int(np.sum(classes >= 0)), 1), nan=math.inf)
        return list(zip((num_correct_H / len(features)).tolist(), loss_H.tolist(), strict=True))

    def _standardised(self, x_BD: Tensor) -> Tensor:
        padded_BD = F.pad((x_BD - self.mean_D) * self.scale_D, (0, 1), value=1.0)
        return padded_BD.to(self.weight_HDC.device)
