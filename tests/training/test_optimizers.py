import pytest
import torch
from torch import nn

from sightline.training.optimizers import create_optimizer, split_by_decay


class OwnNorm(nn.Module):
    """A norm of one's own, with a matrix."""

    def __init__(self):
        super().__init__()
        self.mixing = nn.Parameter(torch.ones(4, 4))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.pos_embed = nn.Parameter(torch.zeros(1, 16, 4))
        self.mask_token = nn.Parameter(torch.zeros(1, 1, 4))
        self.register_tokens = nn.Parameter(torch.zeros(1, 2, 4))
        self.position_embeddings = nn.Embedding(16, 4)
        self.word_embedding = nn.Embedding(8, 4)
        self.patch = nn.Conv2d(3, 4, 2)
        self.block = nn.TransformerEncoderLayer(4, 2, 8)
        self.norms = nn.ModuleList([nn.LayerNorm([4, 4]), nn.BatchNorm2d(4), nn.RMSNorm(4)])
        self.own = OwnNorm()
        self.gain = nn.Parameter(torch.ones(()))
        self.frozen = nn.Linear(4, 4).requires_grad_(False)
        self.head = nn.Linear(4, 8)
        self.head.weight = self.word_embedding.weight


DECAYED = {
    "word_embedding.weight",
    "patch.weight",
    "block.self_attn.in_proj_weight",
    "block.self_attn.out_proj.weight",
    "block.linear1.weight",
    "block.linear2.weight",
}


def test_matrices_are_decayed_and_nothing_else():
    decay, no_decay = split_by_decay(Model())
    assert set(decay) == DECAYED
    assert {"pos_embed", "mask_token", "position_embeddings.weight", "own.mixing"} < set(no_decay)
    assert {"norms.0.weight", "gain", "patch.bias", "register_tokens"} < set(no_decay)


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
def test_every_trainable_parameter_is_in_exactly_one_group(name):
    model = Model()
    optimizer = create_optimizer(model, name=name, lr=0.1, weight_decay=0.05)
    held = [id(p) for group in optimizer.param_groups for p in group["params"]]
    assert sorted(held) == sorted(id(p) for p in model.parameters() if p.requires_grad)
    decays = {group["name"]: group["weight_decay"] for group in optimizer.param_groups}
    assert decays == {"decay": 0.05, "no_decay": 0.0}


def test_a_weight_shared_with_a_spared_one_is_spared():
    model = nn.ModuleDict({"a": nn.Linear(4, 4), "pos_embed": nn.Linear(4, 4)})
    model["pos_embed"].weight = model["a"].weight
    assert split_by_decay(model)[0] == {}


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
def test_a_step_agrees_with_the_plain_loop_of_the_same_optimizer(name):
    models = []
    for _ in range(2):
        torch.manual_seed(0)
        models.append(nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2)).double())
    ours = create_optimizer(models[0], name=name, lr=0.1, weight_decay=0.3, betas=(0.8, 0.9))
    groups = [
        {"params": list(part.values()), "weight_decay": rate}
        for part, rate in zip(split_by_decay(models[1]), (0.3, 0.0), strict=True)
    ]
    kinds = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam, "sgd": torch.optim.SGD}
    options = {"momentum": 0.8} if name == "sgd" else {"betas": (0.8, 0.9)}
    plain = kinds[name](groups, lr=0.1, foreach=False, fused=False, **options)
    inputs = torch.linspace(-1, 1, 12, dtype=torch.float64).reshape(4, 3)
    for _ in range(5):
        for model, optimizer in zip(models, (ours, plain), strict=True):
            optimizer.zero_grad()
            model(inputs).square().sum().backward()
            optimizer.step()
    for mine, theirs in zip(*(model.parameters() for model in models), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-12)


def test_with_no_gradient_only_the_decayed_weights_shrink():
    model = nn.Linear(3, 3)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = create_optimizer(model, lr=0.1, weight_decay=0.5)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    torch.testing.assert_close(model.weight.detach(), before["weight"] * 0.95)
    assert torch.equal(model.bias, before["bias"])


def test_what_cannot_be_optimised_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="one of adamw, adam, sgd, got 'adamv'"):
        create_optimizer(nn.Linear(2, 2), name="adamv", lr=0.1, weight_decay=0.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="trainable parameters, got none"):
        create_optimizer(nn.Linear(2, 2).requires_grad_(False), lr=0.1, weight_decay=0.0)
