"""Counting on a device gives what counting on the host gives, and waits for nothing."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sightline.events import bucketize
from sightline.writers import Histogram, binning
from sightline.writers.binning import DeviceBuckets, count_on_device

FLOATS = hnp.arrays(
    np.float32,
    st.sampled_from([(1,), (7,), (40, 3)]),
    elements=st.floats(-(2.0**100), 2.0**100, width=32)
    | st.sampled_from([np.nan, np.inf, -np.inf, 0.0]),
)


@settings(deadline=None)  # JAX compiles for each shape
@given(FLOATS)
def test_torch_and_jax_count_every_finite_value_once(values: np.ndarray) -> None:
    expected = bucketize(values)
    for array in (torch.from_numpy(values), jnp.asarray(values)):
        counted = count_on_device(array).on_host()
        assert (counted.num_nan, counted.num_inf) == (expected.num_nan, expected.num_inf)
        assert counted.rows[:, 2].sum() == expected.rows[:, 2].sum()
        np.testing.assert_allclose(counted.rows[:, :2], expected.rows[:, :2], rtol=1e-4, atol=1e25)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "int32", "bool"])
def test_the_buckets_are_those_of_the_host(dtype: str) -> None:
    values = np.random.default_rng(0).integers(-64, 64, 1000)  # edges no value lies on
    tensor = torch.from_numpy(values).to(getattr(torch, dtype))
    array = jnp.asarray(values).astype(dtype)
    expected = bucketize(np.asarray(values).astype(bool) if dtype == "bool" else values)
    for counted in (count_on_device(tensor).on_host(), count_on_device(array).on_host()):
        np.testing.assert_allclose(counted.rows[:, :2], expected.rows[:, :2], rtol=1e-5, atol=1e-5)
        difference = np.abs(np.cumsum(counted.rows[:, 2] - expected.rows[:, 2]))
        assert difference.max() <= 16, "but for values that lie on an edge, to rounding"


@pytest.mark.parametrize("values", [[3.0] * 5, [np.nan, np.inf], [0.0]])
def test_degenerate_values_are_counted_as_on_the_host(values: list[float]) -> None:
    expected = bucketize(values)
    for array in (torch.tensor(values), jnp.asarray(values)):
        counted = count_on_device(array).on_host()
        np.testing.assert_array_equal(counted.rows, expected.rows)
        assert (counted.num_nan, counted.num_inf) == (expected.num_nan, expected.num_inf)


def test_more_values_than_a_32_bit_float_can_count_are_counted() -> None:
    counts = count_on_device(torch.zeros(2)).counts.fetch()
    assert counts.dtype == torch.int64


def test_torch_never_has_to_know_a_value() -> None:
    """A meta tensor has none: an operation that waits for one raises."""
    values = torch.empty(1000, device="meta")
    with pytest.raises(RuntimeError, match="meta"):
        values.sum().item()
    edges, counts = binning._count_with_torch(values)
    assert (edges.shape, counts.shape) == ((65,), (67,))


def test_jax_transfers_nothing_while_it_counts() -> None:
    values = jnp.ones(10)
    count_on_device(values)  # compiles
    with jax.transfer_guard("disallow"):
        count_on_device(values)


@pytest.mark.parametrize("make", [torch.ones, jnp.ones])
def test_a_histogram_of_an_accelerators_array_travels_as_counts(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binning, "HOSTS", frozenset())  # this machine has no accelerator
    frozen = Histogram(make(10)).frozen()
    assert isinstance(frozen.values, DeviceBuckets)
    assert frozen.nbytes == 0
    np.testing.assert_array_equal(frozen.on_host().values.rows, bucketize(np.ones(10)).rows)
    assert Histogram(make(0)).frozen().on_host().values.rows[:, 2].sum() == 0
