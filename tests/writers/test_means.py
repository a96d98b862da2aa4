from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import torch

from sightline.writers.means import RunningMeans


@pytest.mark.parametrize(
    "make",
    [
        float,
        np.float16,
        lambda x: np.array(x),
        torch.tensor,
        lambda x: torch.tensor(x, dtype=torch.bfloat16),
        jnp.float32,
        jnp.bfloat16,
    ],
)
def test_the_mean_is_that_of_the_numbers(make: Any) -> None:
    means = RunningMeans()
    numbers = np.random.default_rng(0).normal(size=200) + 1
    rounded = [make(number) for number in numbers]
    for number in rounded:
        means.add({"loss": number})
    mean = means.take()["loss"]
    assert float(mean) == pytest.approx(np.mean([float(x) for x in rounded]), rel=1e-5)
    assert means.take() == {}


def test_a_change_in_place_alters_nothing_that_was_added() -> None:
    means, number, array = RunningMeans(), torch.ones((), dtype=torch.float64), np.ones(())
    for _ in range(2):
        means.add({"tensor": number, "array": array})
        number += 1
        array += 1
    taken = means.take()
    assert (float(taken["tensor"]), taken["array"]) == (1.5, 1.5)


def test_a_tensor_inside_a_graph_is_let_go_of() -> None:
    means = RunningMeans()
    means.add({"loss": torch.ones((), requires_grad=True) * 2})
    assert not means.take()["loss"].requires_grad
