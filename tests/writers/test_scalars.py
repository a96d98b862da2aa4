"""What is logged is what it was at the call: numbers of every framework, type and device."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from sightline.writers import Background, Memory, Scalar, scalars
from sightline.writers.scalars import Slot, fetch_scalars, freeze_scalars


def numbers(values: dict[str, Any]) -> dict[str, float]:
    host, faults = fetch_scalars(freeze_scalars(values))
    assert faults == []
    assert all(type(value) is float for value in host.values())
    return host


@pytest.fixture
def on_accelerator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensors take the way of those on an accelerator, of which this machine has none."""
    monkeypatch.setattr(scalars, "HOSTS", frozenset())


@pytest.fixture(params=["host", "accelerator"])
def each_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "accelerator":
        monkeypatch.setattr(scalars, "HOSTS", frozenset())


class CountedOperations(TorchDispatchMode):
    """Counts what torch is asked to do in this thread."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "number",
    [
        0.5,
        True,
        -3,
        np.float16(0.5),
        np.float64(1e-300),
        np.int64(2**53),
        np.array(0.25, np.float32),
        np.bool_(False),
        torch.tensor(1.5, dtype=torch.bfloat16),
        torch.tensor(-0.5, dtype=torch.float16),
        torch.tensor(1e-300, dtype=torch.float64),
        torch.tensor(2**53, dtype=torch.int64),
        torch.tensor(True),
        torch.tensor(2.5, requires_grad=True) * 2,
        jnp.bfloat16(1.5),
        jnp.float32(0.1),
        jnp.int32(7),
    ],
)
@pytest.mark.usefixtures("each_way")
def test_a_number_of_any_kind_keeps_its_value(number: Any) -> None:
    expected = float(number.detach() if isinstance(number, torch.Tensor) else number)
    assert numbers({"a": number}) == {"a": expected}


@given(st.lists(st.sampled_from(["torch32", "torchbf16", "jax", "numpy", "python"]), max_size=12))
def test_a_mixture_of_frameworks_stays_in_order(kinds: list[str]) -> None:
    make = {
        "torch32": lambda i: torch.tensor(float(i)),
        "torchbf16": lambda i: torch.tensor(float(i), dtype=torch.bfloat16),
        "jax": jnp.float32,
        "numpy": np.float64,
        "python": int,
    }
    values = {f"{kind}{index}": make[kind](index) for index, kind in enumerate(kinds)}
    assert list(numbers(values).items()) == [
        (f"{kind}{index}", float(index)) for index, kind in enumerate(kinds)
    ]


@pytest.mark.usefixtures("each_way")
def test_a_later_change_in_place_alters_nothing_that_was_logged() -> None:
    tensor, array = torch.ones(()), np.ones(())
    frozen = freeze_scalars({"tensor": tensor, "array": array})
    tensor += 41
    array += 41
    assert fetch_scalars(frozen) == ({"tensor": 1.0, "array": 1.0}, [])


@pytest.mark.usefixtures("on_accelerator")
def test_freezing_twice_copies_once() -> None:
    once = freeze_scalars({"a": torch.ones(())})
    assert freeze_scalars(once) == once


@pytest.mark.usefixtures("on_accelerator")
def test_all_torch_scalars_of_a_call_travel_in_one_copy() -> None:
    losses = {f"loss{i}": torch.tensor(float(i)) for i in range(10)}
    halves = {f"half{i}": torch.tensor(i + 0.5, dtype=torch.float16) for i in range(5)}
    brains = {f"brain{i}": torch.tensor(i + 0.5, dtype=torch.bfloat16) for i in range(5)}
    counts = {"count": torch.tensor(2**53 - 1)}
    with CountedOperations() as at_the_caller:
        frozen = freeze_scalars({**losses, **halves, **brains, **counts})
    assert at_the_caller.names.count("stack") == 1
    assert not {"item", "_local_scalar_dense"} & set(at_the_caller.names), "nobody waits"
    assert len({id(slot.stack) for slot in frozen.values() if isinstance(slot, Slot)}) == 1
    with CountedOperations() as in_the_worker:
        host, _ = fetch_scalars(frozen)
    assert in_the_worker.names.count("_to_copy") <= 1  # to double precision
    assert host["half4"] == host["brain4"] == 4.5
    assert host["count"] == 2**53 - 1


def test_a_tensor_on_the_host_costs_one_read() -> None:
    losses = {f"loss{i}": torch.tensor(float(i)) for i in range(10)}
    with CountedOperations() as operations:
        freeze_scalars(losses)
    assert set(operations.names) == {"detach", "_local_scalar_dense"}


def test_the_jax_scalars_of_a_call_travel_in_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    num_calls = 0
    device_get = jax.device_get

    def counted(values: Any) -> Any:
        nonlocal num_calls
        num_calls += 1
        return device_get(values)

    monkeypatch.setattr(jax, "device_get", counted)
    mixed = {f"a{i}": jnp.float32(i) for i in range(10)} | {
        "half": jnp.bfloat16(0.5),
        "count": jnp.int32(2**31 - 1),
    }
    host = numbers(mixed)
    assert (host["a9"], host["half"], host["count"]) == (9.0, 0.5, 2.0**31 - 1)
    assert num_calls == 1


def test_logging_jax_scalars_transfers_nothing_at_the_caller() -> None:
    values = {"loss": jnp.float32(0.5), "accuracy": jnp.float32(0.25)}
    freeze_scalars(values)  # compiles
    with jax.transfer_guard("disallow"):
        freeze_scalars(values)


def test_a_jax_scalar_that_is_donated_later_keeps_its_value() -> None:
    donating = jax.jit(lambda x: x + 1, donate_argnums=0)
    count = jnp.float32(1)
    frozen = freeze_scalars({"count": count, "loss": jnp.float32(0.5)})
    donating(count)
    assert count.is_deleted()
    assert fetch_scalars(frozen) == ({"count": 1.0, "loss": 0.5}, [])


def test_a_jax_scalar_that_was_donated_before_is_named_and_costs_no_other() -> None:
    count = jnp.float32(1)
    count.delete()
    host, (fault,) = fetch_scalars(freeze_scalars({"count": count, "loss": 0.5}))
    assert host == {"loss": 0.5}
    assert "was donated before it was logged; log an output" in str(fault)
    assert fault.__notes__ == ["in the value logged as 'count'"]


def test_a_tensor_inside_a_graph_is_let_go_of() -> None:
    weight = torch.ones(3, requires_grad=True)
    memory = Memory()
    writer = Background(memory)
    writer.write({"loss": Scalar((weight * 2).sum())}, step=0, wall_time=0.0)
    writer.close()
    assert memory.scalars() == {"loss": [(0, 6.0)]}
