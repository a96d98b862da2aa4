from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import torch
from flax import nnx
from torch import nn

from sightline.events import GraphNode
from sightline.writers.module_tree import module_nodes


def by_name(model: Any) -> dict[str, GraphNode]:
    nodes = module_nodes(model)
    found = {node.name: node for node in nodes}
    assert len(found) == len(nodes)
    return found


class Attention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width, dtype=torch.bfloat16)


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.blocks = nn.ModuleList(Attention(4) for _ in range(2))
        self.head = nn.Linear(4, 10, bias=False)
        self.head.weight = self.embed.weight
        self.nothing = None


def test_every_module_is_a_node_and_the_leaves_are_chained_as_registered() -> None:
    nodes = by_name(Model())
    assert {name: node.inputs for name, node in nodes.items()} == {
        "(Model)": (),
        "embed": (),
        "blocks/(ModuleList)": (),
        "blocks/0/(Attention)": (),
        "blocks/0/qkv": ("embed",),
        "blocks/0/proj": ("blocks/0/qkv",),
        "blocks/1/(Attention)": (),
        "blocks/1/qkv": ("blocks/0/proj",),
        "blocks/1/proj": ("blocks/1/qkv",),
        "head": ("blocks/1/proj",),
    }
    assert nodes["blocks/0/qkv"].operation == "Linear"


def test_a_node_tells_class_parameters_shapes_and_types() -> None:
    nodes = by_name(Model())
    assert nodes["blocks/0/proj"].attributes == {
        "class": "torch.nn.modules.linear.Linear",
        "weight": "4 x 4 bfloat16",
        "bias": "4 bfloat16",
        "parameters": "20",
    }
    scope = nodes["blocks/1/(Attention)"].attributes
    assert (scope["scale"], scope["parameters"]) == ("scalar float32", str(1 + 48 + 20))


def test_totals_count_a_shared_parameter_once() -> None:
    model = Model()
    nodes = by_name(model)
    assert nodes["(Model)"].attributes["parameters"] == str(
        sum(parameter.numel() for parameter in model.parameters())
    )
    assert nodes["head"].attributes["weight"] == "10 x 4 float32, shared with embed/weight"


def test_a_shared_module_appears_where_it_was_registered_first() -> None:
    shared = nn.Linear(3, 3)
    nodes = by_name(nn.Sequential(shared, nn.ReLU(), shared))
    assert list(nodes) == ["(Sequential)", "0", "1"]
    assert nodes["(Sequential)"].attributes["2"] == "shared with 0"
    assert nodes["(Sequential)"].attributes["parameters"] == "12"


def test_a_large_total_is_grouped_by_thousands() -> None:
    with torch.device("meta"):
        nodes = by_name(nn.Sequential(nn.Linear(100_000, 100_000, bias=False)))
    assert nodes["(Sequential)"].attributes["parameters"] == "10,000,000,000"


def test_a_model_that_is_one_module_is_one_node() -> None:
    (node,) = module_nodes(nn.Linear(2, 3))
    assert node.name == "Linear"


def test_lazy_parameters_have_no_shape_yet() -> None:
    (node,) = module_nodes(nn.LazyLinear(3))
    assert node.attributes["weight"] == "no shape yet float32"
    assert node.attributes["parameters"] == "0"


def test_odd_names_make_no_scopes_and_no_duplicates() -> None:
    model = nn.Module()
    for name in ("a/b", "a\u2215b", "^c", "d:0", "class", "(Module)"):
        model.add_module(name, nn.ReLU())
    names = list(by_name(model))
    assert len(names) == 7
    assert not any(set("/:^") & set(name) for name in names)


def test_nothing_of_the_model_is_kept() -> None:
    model = Model()
    nodes = module_nodes(model)
    gone = weakref.ref(model.embed.weight)
    del model
    gc.collect()
    assert gone() is None
    assert nodes


class FlaxBlock(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.second = nnx.Linear(3, 4, rngs=rngs)
        self.first = nnx.BatchNorm(4, rngs=rngs)
        self.drop = nnx.Dropout(0.1, rngs=rngs)
        self.scale = nnx.Param(torch.ones(4).numpy())
        self.activation = nnx.relu


class FlaxModel(nnx.Module):
    def __init__(self, rngs: nnx.Rngs) -> None:
        self.blocks = nnx.List([FlaxBlock(rngs) for _ in range(2)])
        self.heads = nnx.Dict({"a": nnx.Linear(4, 2, rngs=rngs)})
        self.again = self.heads["a"]


def test_a_flax_model_is_read_in_the_order_of_its_attributes() -> None:
    nodes = by_name(FlaxModel(nnx.Rngs(0)))
    assert {name: node.inputs for name, node in nodes.items()} == {
        "(FlaxModel)": (),
        "blocks/(List)": (),
        "blocks/0/(FlaxBlock)": (),
        "blocks/0/second": (),
        "blocks/0/first": ("blocks/0/second",),
        "blocks/0/drop": ("blocks/0/first",),
        "blocks/1/(FlaxBlock)": (),
        "blocks/1/second": ("blocks/0/drop",),
        "blocks/1/first": ("blocks/1/second",),
        "blocks/1/drop": ("blocks/1/first",),
        "heads/(Dict)": (),
        "heads/a": ("blocks/1/drop",),
    }
    assert nodes["blocks/0/second"].attributes["kernel"] == "3 x 4 float32"
    block = 3 * 4 + 4 + 4 + 4 + 4
    assert nodes["blocks/0/(FlaxBlock)"].attributes["parameters"] == str(block)
    assert nodes["(FlaxModel)"].attributes["parameters"] == str(2 * block + 10)
    assert nodes["(FlaxModel)"].attributes["again"] == "shared with heads/a"


def test_a_flax_module_that_knows_its_parent_is_read_once() -> None:
    model = FlaxModel(nnx.Rngs(0))
    model.blocks[0].drop.parent = model
    nodes = by_name(model)
    assert nodes[
        "blocks/0/(Dropout)" if "blocks/0/(Dropout)" in nodes else "blocks/0/drop/(Dropout)"
    ]


@pytest.mark.parametrize("model", [{"w": 1}, torch.ones(2), None])
def test_what_is_no_model_is_refused(model: Any) -> None:
    with pytest.raises(TypeError, match="expected a torch module or a Flax NNX module, got"):
        module_nodes(model)
