"""The attentive probe sees what lies in single patches, and is the same each time."""

import numpy as np
import pytest
import torch

from sightline.training.probes import attentive_probe_accuracy, linear_probe_accuracy
from sightline.training.probes.attentive import AttentivePooling


def marked_patches(num, seed, *, num_tokens=8, width=8):
    """One patch of each image holds a sign of its class; the others hold signs that cancel it."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.arange(num) % 2
    tokens = torch.randn(num, num_tokens, width, generator=random)
    place = torch.randint(num_tokens, (num,), generator=random)
    sign = 2.0 * labels - 1
    tokens[torch.arange(num), place, 0] = 8.0
    tokens[torch.arange(num), place, 1] = sign * 3
    # The mean over the patches says nothing of the second feature.
    tokens[:, :, 1] -= tokens[:, :, 1].mean(dim=1, keepdim=True)
    return tokens, labels.numpy()


TRAIN, TEST = marked_patches(800, 1), marked_patches(200, 2)


def accuracy(**options):
    return attentive_probe_accuracy(
        TRAIN[0].__getitem__, TRAIN[1], TEST[0].__getitem__, TEST[1], **options
    )


def test_it_finds_in_single_patches_what_their_mean_does_not_hold():
    means = [tokens.mean(dim=1).numpy() for tokens in (TRAIN[0], TEST[0])]
    assert linear_probe_accuracy(means[0], TRAIN[1], means[1], TEST[1]) < 0.65
    assert accuracy(num_epochs=40) > 0.85


def test_it_is_a_function_of_its_seed_and_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first = accuracy(num_epochs=2, seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(6)
    assert accuracy(num_epochs=2, seed=1) == first
    assert {accuracy(num_epochs=2, seed=seed) for seed in range(2, 6)} != {first}


@pytest.mark.parametrize(("width", "heads"), [(16, 1), (64, 1), (192, 3), (384, 6), (67, 67)])
def test_any_width_has_heads_of_at_most_64_dimensions(width, heads):
    pooling = AttentivePooling(width, 3)
    assert pooling.attend.num_heads == heads
    assert pooling(torch.zeros(2, 5, width)).shape == (2, 3)


def test_an_unseen_class_is_an_error_of_the_probe():
    tokens, labels = TEST
    found = attentive_probe_accuracy(
        TRAIN[0].__getitem__,
        TRAIN[1] + 4,
        tokens.__getitem__,
        np.full_like(labels, 9),
        num_epochs=1,
    )
    assert found == 0.0


def test_what_cannot_be_probed_is_refused_in_a_sentence():
    for options, message in (
        ({"num_epochs": 0}, "num_epochs must be at least 1, got 0"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            accuracy(**options)
    of_nan = torch.full_like(TRAIN[0], torch.nan).__getitem__
    with pytest.raises(ValueError, match="finite tokens, got a loss of nan in epoch 0"):
        attentive_probe_accuracy(of_nan, TRAIN[1], of_nan, TRAIN[1])
    with pytest.raises(ValueError, match="two classes, got one"):
        attentive_probe_accuracy(TRAIN[0].__getitem__, TRAIN[1] * 0, of_nan, TRAIN[1])
