import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load, save

from sightline.training.states import pack_state, unpack_state

DTYPES = [
    torch.bool,
    torch.uint8,
    torch.int64,
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
    torch.complex64,
    torch.float8_e4m3fn,
]
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
arrays = st.builds(
    lambda dtype, shape, seed: torch.randint(
        0, 2, shape, generator=torch.Generator().manual_seed(seed)
    ).to(dtype),
    st.sampled_from(DTYPES),
    st.lists(st.integers(0, 3), max_size=3),
    st.integers(0, 99),
)
# Not "$": keys that look like our own marks must survive as well.
keys = st.integers() | st.sampled_from(["a", "b", "$tensor", "$items", "0", "a/b", ""])
states = st.recursive(
    scalars | arrays,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(keys, inner, max_size=3)
    ),
)


def same(one, other):
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        return (one.dtype, one.shape) == (
            other.dtype,
            other.shape,
        ) and one.contiguous().flatten().view(torch.uint8).tolist() == other.flatten().view(
            torch.uint8
        ).tolist()
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def through_bytes(state):
    tree, tensors = pack_state(state)
    return unpack_state(tree, load(save(tensors)))


@given(states)
def test_a_state_comes_back_with_every_type_and_bit(state):
    assert same(state, through_bytes(state))


@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinities_come_back(value):
    assert through_bytes({"loss": value}) == {"loss": value}


def test_nan_comes_back_in_scalars_and_with_its_bits_in_tensors():
    odd = torch.tensor([0x7FC00001, 0x7F800001], dtype=torch.int32).view(torch.float32)
    state = through_bytes({"loss": math.nan, "odd": odd})
    assert math.isnan(state["loss"])
    assert torch.equal(state["odd"].view(torch.int32), odd.view(torch.int32))


def test_integer_and_text_keys_of_one_spelling_stay_apart():
    state = {0: torch.zeros(1), "0": torch.ones(1)}
    assert same(state, through_bytes(state))


def test_a_tied_weight_is_stored_once_and_comes_back_tied():
    weight = torch.randn(4, 4)
    tree, tensors = pack_state({"embed": weight, "head": torch.nn.Parameter(weight)})
    assert list(tensors) == ["embed"]
    state = unpack_state(tree, tensors)
    assert state["embed"] is state["head"]


@pytest.mark.parametrize(
    "view",
    [
        lambda base: base[:2],
        lambda base: base[1:],
        lambda base: base.T,
        lambda base: base.view(torch.int32),
        lambda base: base[0, 0].expand(4),
    ],
)
def test_views_of_one_memory_keep_their_own_values(view):
    base = torch.randn(3, 3)
    state = {"base": base, "view": view(base), "again": base.flatten()}
    assert same(state, through_bytes(state))


def test_a_small_view_does_not_carry_its_whole_memory():
    _, tensors = pack_state({"row": torch.zeros(1000, 1000)[3]})
    assert len(save(tensors)) < 8192


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (object(), "object at 'a/1'"),
        ({1.5: 0}, "dict at 'a/1'"),
        ({True: 0}, "dict at 'a/1'"),
        ({3}, "set at 'a/1'"),
        (torch.zeros(2, 2).to_sparse(), "sparse_coo .* at 'a/1'"),
        (torch.zeros(2, dtype=torch.complex128), "complex128 at 'a/1'"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_place(value, message):
    with pytest.raises(TypeError, match=message):
        pack_state({"a": [0, value]})


@pytest.mark.parametrize("tree", [{"$tensor": "gone"}, {"$exec": "os"}])
def test_a_tree_that_nobody_packed_is_refused(tree):
    with pytest.raises(ValueError, match="Expected a packed state"):
        unpack_state(tree, {})
