"""The attentive probe: what a learned question gets out of the patches of frozen features.

Shape legend: B batch, T tokens, D width, C classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.training.probes.labelled import Array
from sightline.training.randomness import generator

LEARNING_RATE = 1e-3
WEIGHT_DECAY = 0.01
WARMUP_SHARE = 0.1
MAX_HEAD_WIDTH = 64
TokensOf = Callable[[Tensor], Tensor]
"""Row numbers to tokens, (B,) -> (B, T, D)."""


class AttentivePooling(nn.Module):
    """One learned query that looks at all tokens of an image, and a linear layer on what it saw.

    A cross-attention and a perceptron, as in a block of a transformer.

    Args:
        width: Width D of the tokens.
        num_classes: Classes C.
    """

    def __init__(self, width: int, num_classes: int) -> None:
        super().__init__()
        # The fewest heads of at most 64 dimensions that divide the width.
        num_heads = next(
            n for n in range(math.ceil(width / MAX_HEAD_WIDTH), width + 1) if width % n == 0
        )
        self.query_11D = nn.Parameter(nn.init.trunc_normal_(torch.empty(1, 1, width), std=0.02))
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attend = nn.MultiheadAttention(width, num_heads, batch_first=True)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.norm3 = nn.LayerNorm(width, eps=1e-6)
        self.classify = nn.Linear(width, num_classes)

    def forward(self, tokens_BTD: Tensor) -> Tensor:
        """Classify images by their tokens.

        Args:
            tokens_BTD: Frozen features of the patches.

        Returns:
            Logits of shape (B, C).
        """
        keys_BTD = self.norm1(tokens_BTD)
        query_B1D = self.query_11D.expand(len(tokens_BTD), -1, -1)
        seen_B1D, _ = self.attend(query_B1D, keys_BTD, keys_BTD, need_weights=False)
        x_BD = (query_B1D + seen_B1D).squeeze(1)
        x_BD = x_BD + self.mlp(self.norm2(x_BD))
        return self.classify(self.norm3(x_BD))


def attentive_probe_accuracy(
    train_tokens: TokensOf,
    train_y: Array,
    test_tokens: TokensOf,
    test_y: Array,
    *,
    num_epochs: int = 20,
    batch_size: int = 128,
    seed: int = 0,
    device: str | torch.device = "cpu",
    track: Callable[[Iterable[int]], Iterable[int]] = iter,
) -> float:
    """Train an `AttentivePooling` on frozen tokens and measure its accuracy.

    AdamW at 1e-3 with weight decay 0.01, a warm-up of a tenth of the steps and a cosine to zero;
    the tokens are not augmented. The settings are constants and nothing is chosen, so the test has
    no say in what is tested.

    How to read it: above the linear probe of the mean, the patches hold what their mean blurs.
    Blind spot: it has parameters enough to learn by heart; with few labels it can be the worse one.

    Args:
        train_tokens: Gives the tokens of training images by their row numbers, on `device`.
        train_y: Training labels, ``(samples,)``, integers of at least two classes.
        test_tokens: The same of the test images.
        test_y: Test labels, ``(samples,)``, integers. One unseen in training counts as an error.
        num_epochs: Passes over the training images, 1 or more.
        batch_size: Images in a batch, 1 or more.
        seed: Chooses the first weights and the batches.
        device: Where to compute.
        track: Handed the epochs to iterate over, for a progress bar.

    Returns:
        The share of correct predictions, 0 to 1.

    Raises:
        ValueError: If there is only one class, the loss is not finite, or a count is below 1.

    Source: the attentive pooling of Bardes et al. (2024), Revisiting Feature Prediction for
    Learning Visual Representations from Video.
    """
    classes, train_class = np.unique(train_y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            "Expected training labels of at least two classes, got one; "
            "probe on a set with more classes."
        )
    for what, number in (("num_epochs", num_epochs), ("batch_size", batch_size)):
        if number < 1:
            raise ValueError(f"{what} must be at least 1, got {number}; set it to a count.")
    class_N = torch.from_numpy(train_class).to(device)
    width = train_tokens(torch.arange(1)).shape[-1]
    with torch.random.fork_rng(devices=[]):  # the caller's numbers stay as they were
        torch.manual_seed(generator(seed, "attentive probe").initial_seed())
        probe = AttentivePooling(width, len(classes)).to(device)
    num_steps = num_epochs * math.ceil(len(train_y) / batch_size)
    optimizer = torch.optim.AdamW(probe.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    num_warmup = max(round(WARMUP_SHARE * num_steps), 1)

    def share_of_rate(step: int) -> float:
        if step < num_warmup:
            return (step + 1) / num_warmup
        return 0.5 * (1 + math.cos(math.pi * (step - num_warmup) / max(num_steps - num_warmup, 1)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share_of_rate)
    for epoch in track(range(num_epochs)):
        order = torch.randperm(len(train_y), generator=generator(seed, "attentive batches", epoch))
        for rows in order.split(batch_size):
            loss = F.cross_entropy(probe(train_tokens(rows)), class_N[rows.to(device)])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        if not torch.isfinite(loss):
            raise ValueError(
                f"Expected finite tokens, got a loss of {loss.item()} in epoch {epoch} of the "
                "attentive probe; look for the step at which training diverged."
            )
    probe.eval()
    num_correct = 0
    with torch.no_grad():
        for rows in torch.arange(len(test_y)).split(batch_size):
            predicted = classes[probe(test_tokens(rows)).argmax(dim=1).cpu().numpy()]
            num_correct += int(np.sum(predicted == test_y[rows.numpy()]))
    return num_correct / len(test_y)
