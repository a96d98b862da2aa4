"""What is logged is what it was at the call: arrays of every framework and type."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PilImage
from torch.utils._python_dispatch import TorchDispatchMode

from sightline.writers import Background, Histogram, Image, Memory, Scalar, Value, to_host
from sightline.writers.snapshot import Slot, num_bytes, snapshot


def numbers(values: dict[str, Any]) -> dict[str, float]:
    host, faults = to_host(snapshot({tag: Scalar(number) for tag, number in values.items()}))
    assert faults == []
    assert all(type(value) is Scalar and type(value.value) is float for value in host.values())
    return {tag: value.value for tag, value in host.items() if isinstance(value, Scalar)}


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


def test_a_later_change_in_place_alters_nothing_that_was_logged() -> None:
    tensor, array, pixels = torch.ones(()), np.ones(()), np.zeros((4, 4), np.uint8)
    many, bytes_ = torch.ones(10), np.ones(10)
    picture = PilImage.new("L", (4, 4), 7)
    frozen = snapshot({
        "tensor": Scalar(tensor),
        "array": Scalar(array),
        "image": Image(pixels),
        "picture": Image((picture,)),
        "torch histogram": Histogram(many),
        "numpy histogram": Histogram(bytes_),
    })
    for changed in (tensor, array, pixels, many, bytes_):
        changed += 41
    picture.putpixel((0, 0), 200)
    host, faults = to_host(frozen)
    assert faults == []
    shown = {tag: getattr(value, type(value).__slots__[0]) for tag, value in host.items()}
    assert (shown["tensor"], shown["array"]) == (1.0, 1.0)
    assert shown["image"].max() == 0
    assert shown["picture"].max() == 7
    assert shown["torch histogram"].max() == shown["numpy histogram"].max() == 1


def test_freezing_twice_copies_once() -> None:
    once = snapshot({"a": Scalar(torch.ones(())), "b": Histogram(torch.ones(3))})
    twice = snapshot(once)
    assert twice["a"] is once["a"]
    assert twice["b"] == once["b"]


def test_the_torch_scalars_of_a_call_travel_in_one_copy_for_each_type() -> None:
    losses = {f"loss{i}": Scalar(torch.tensor(float(i))) for i in range(10)}
    halves = {f"half{i}": Scalar(torch.tensor(float(i), dtype=torch.float16)) for i in range(5)}
    with CountedOperations() as at_the_caller:
        frozen = snapshot({**losses, **halves})
    assert [name for name in at_the_caller.names if name != "detach"] == ["stack", "stack"]
    stacks = {
        id(value.value.stack)
        for value in frozen.values()
        if isinstance(value, Scalar) and isinstance(value.value, Slot)
    }
    assert len(stacks) == 2
    with CountedOperations() as in_the_worker:
        host, _ = to_host(frozen)
    copies = [name for name in in_the_worker.names if name == "_to_copy"]
    assert len(copies) == 2  # to double precision, one for each stack; to the host: none on CPU
    assert host["half4"] == Scalar(4.0)


def test_the_jax_scalars_of_a_call_travel_in_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    num_calls = 0
    device_get = jax.device_get

    def counted(values: Any) -> Any:
        nonlocal num_calls
        num_calls += 1
        return device_get(values)

    monkeypatch.setattr(jax, "device_get", counted)
    assert numbers({f"a{i}": jnp.float32(i) for i in range(10)})["a9"] == 9.0
    assert num_calls == 1


def test_logging_jax_values_transfers_nothing_at_the_caller() -> None:
    values: dict[str, Value] = {"loss": Scalar(jnp.float32(0.5)), "h": Histogram(jnp.ones(10))}
    snapshot(values)  # compiles
    with jax.transfer_guard("disallow"):
        snapshot(values)


def test_a_donated_jax_scalar_is_named_and_costs_no_other() -> None:
    donating = jax.jit(lambda x: x + 1, donate_argnums=0)
    count, loss = jnp.float32(1), jnp.float32(0.5)
    frozen = snapshot({"count": Scalar(count), "loss": Scalar(loss)})
    donating(count)
    host, (fault,) = to_host(frozen)
    assert host == {"loss": Scalar(0.5)}
    assert "was donated before it was read; log a copy" in str(fault)
    assert fault.__notes__ == ["in the value logged as 'count'"]


def test_a_donated_jax_array_keeps_its_histogram() -> None:
    donating = jax.jit(lambda x: x + 1, donate_argnums=0)
    weights = jnp.ones(4)
    frozen = snapshot({"weights": Histogram(weights)})
    donating(weights)
    host, faults = to_host(frozen)
    assert faults == []
    value = host["weights"]
    assert isinstance(value, Histogram)
    assert value.values.tolist() == [1.0] * 4


@pytest.mark.parametrize(
    "values",
    [
        torch.arange(6, dtype=torch.bfloat16).reshape(2, 3),
        torch.arange(6.0, requires_grad=True),
        jnp.arange(6, dtype=jnp.bfloat16),
        np.arange(6, dtype=np.float16),
        [0, 1, 2, 3, 4, 5],
        torch.arange(6, dtype=torch.int8),
    ],
)
def test_a_histogram_takes_arrays_of_any_kind(values: Any) -> None:
    host, faults = to_host(snapshot({"h": Histogram(values)}))
    assert faults == []
    value = host["h"]
    assert isinstance(value, Histogram)
    assert value.values.ravel().tolist() == [0, 1, 2, 3, 4, 5]


def test_the_memory_of_what_waits_is_known() -> None:
    frozen = snapshot({
        "a": Histogram(torch.zeros(10)),
        "b": Image((np.zeros((2, 3), np.uint8), PilImage.new("RGB", (2, 2)))),
        "c": Scalar(1.0),
        "d": Histogram(jnp.zeros(5)),
    })
    assert num_bytes(frozen) == 40 + 6 + 12 + 20


def test_a_tensor_inside_a_graph_is_let_go_of() -> None:
    weight = torch.ones(3, requires_grad=True)
    memory = Memory()
    writer = Background(memory)
    writer.write({"loss": Scalar((weight * 2).sum())}, step=0, wall_time=0.0)
    writer.close()
    assert memory.scalars() == {"loss": [(0, 6.0)]}
