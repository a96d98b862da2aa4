"""Arrays are what they were at the call, whoever changes them later."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from PIL import Image as PilImage

from sightline.writers.arrays import fetch, freeze, num_bytes


def test_a_later_change_in_place_alters_nothing_that_was_kept() -> None:
    picture = PilImage.new("L", (4, 4), 7)
    arrays = [torch.ones(10), np.ones(10)]
    frozen = freeze([*arrays, picture])
    for array in arrays:
        array += 41
    picture.putpixel((0, 0), 200)
    tensor, array, kept = fetch(frozen)
    assert tensor.max() == array.max() == 1
    assert kept.getpixel((0, 0)) == 7


def test_a_donated_jax_array_is_kept() -> None:
    donating = jax.jit(lambda x: x + 1, donate_argnums=0)
    weights = jnp.ones(4)
    frozen = freeze(weights)
    donating(weights)
    assert fetch(frozen).tolist() == [1.0] * 4


def test_keeping_transfers_nothing() -> None:
    weights = jnp.ones(10)
    with jax.transfer_guard("disallow"):
        freeze(weights)


def test_freezing_twice_copies_once() -> None:
    once = freeze(torch.ones(3))
    assert freeze(once) is once


@pytest.mark.parametrize(
    "values",
    [
        torch.arange(6, dtype=torch.bfloat16).reshape(2, 3),
        torch.arange(6.0, requires_grad=True),
        jnp.arange(6, dtype=jnp.bfloat16),
        np.arange(6, dtype=np.float16),
        torch.arange(6, dtype=torch.int8),
    ],
)
def test_arrays_of_any_kind_come_to_the_host(values: Any) -> None:
    assert fetch(freeze(values)).ravel().tolist() == [0, 1, 2, 3, 4, 5]


def test_the_memory_of_what_waits_is_known() -> None:
    assert num_bytes(freeze(torch.zeros(10))) == 40
    assert num_bytes(freeze((np.zeros((2, 3), np.uint8), PilImage.new("RGB", (2, 2))))) == 6 + 12
    assert num_bytes(freeze(jnp.zeros(5))) == 20
