import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from sightline.training.averaging import ema_update, parameter_divergence


class Flagged(nn.Module):
    """Parameters of several shapes and buffers of several types."""

    def __init__(self, seed, dtype=torch.float32):
        super().__init__()
        torch.manual_seed(seed)
        self.linear = nn.Linear(5, 3, dtype=dtype)
        self.scale = nn.Parameter(torch.randn((), dtype=dtype))
        self.norm = nn.BatchNorm1d(3, dtype=dtype)
        self.norm.running_mean += torch.randn(3, dtype=dtype)
        self.norm.num_batches_tracked += 1000 + seed
        self.register_buffer("seen", torch.tensor([bool(seed), True]))
        self.register_buffer("table", torch.randn(4), persistent=False)


def tensors(model):
    return dict(model.named_parameters()) | dict(model.named_buffers())


@pytest.mark.parametrize("momentum", [0.0, 0.3, 0.996, 0.9999, 1.0])
def test_the_update_agrees_with_a_float64_twin(momentum):
    target, source = Flagged(0), Flagged(1)
    expected = {
        name: momentum * mine.double() + (1 - momentum) * tensors(source)[name].double()
        for name, mine in copy.deepcopy(tensors(target)).items()
        if mine.is_floating_point()
    }
    ema_update(target, source, momentum)
    for name, value in expected.items():
        torch.testing.assert_close(tensors(target)[name].double(), value, rtol=1e-6, atol=1e-7)


def test_counts_and_flags_are_copied():
    target, source = Flagged(0), Flagged(1)
    ema_update(target, source, momentum=0.9)
    assert target.norm.num_batches_tracked == 1001
    assert target.seen.tolist() == [True, True]


@given(st.integers(0, 100))
def test_a_momentum_of_one_keeps_and_of_zero_copies_every_bit(seed):
    target, source = Flagged(seed), Flagged(seed + 1)
    before = copy.deepcopy(tensors(target))
    ema_update(target, source, momentum=1.0)
    assert all(
        torch.equal(mine, before[name])
        for name, mine in tensors(target).items()
        if mine.is_floating_point()
    )
    ema_update(target, source, momentum=0.0)
    assert all(torch.equal(mine, tensors(source)[name]) for name, mine in tensors(target).items())


def test_many_updates_approach_a_source_at_rest_geometrically():
    target, source = Flagged(0, torch.float64), Flagged(1, torch.float64)
    start = (source.linear.weight - target.linear.weight).detach()
    for _ in range(50):
        ema_update(target, source, momentum=0.9)
    rest = (source.linear.weight - target.linear.weight).detach()
    torch.testing.assert_close(rest, start * 0.9**50, rtol=1e-9, atol=0.0)


def test_the_update_neither_touches_the_source_nor_records_gradients():
    target, source = Flagged(0), Flagged(1)
    before = copy.deepcopy(source.state_dict())
    ema_update(target, source, momentum=0.5)
    assert all(torch.equal(before[name], value) for name, value in source.state_dict().items())
    assert all(p.grad_fn is None and p.is_leaf for p in target.parameters())


def test_an_update_sees_parameters_that_were_replaced_since_the_last():
    target, source = Flagged(0), Flagged(1)
    ema_update(target, source, momentum=0.5)
    source.scale = nn.Parameter(torch.tensor(7.0))
    ema_update(target, source, momentum=0.0)
    assert target.scale == 7.0


@pytest.mark.parametrize("function", [lambda t, s: ema_update(t, s, 0.9), parameter_divergence])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: nn.ModuleDict({"module": s}), "'linear.bias' in the target only"),
        (lambda s: s.register_parameter("a_extra", nn.Parameter(torch.ones(1))), "in the source"),
        (lambda s: setattr(s, "linear", nn.Linear(6, 3)), r"\(3, 5\).* got .*\(3, 6\)"),
        (lambda s: s.double(), "float32.* got .*float64"),
    ],
)
def test_structures_that_differ_are_refused(function, change, message):
    source = Flagged(1)
    with pytest.raises(ValueError, match=message):
        function(Flagged(0), change(source) or source)


@pytest.mark.parametrize("momentum", [-0.1, 1.1, float("nan")])
def test_a_momentum_out_of_range_is_refused(momentum):
    with pytest.raises(ValueError, match="between 0 and 1"):
        ema_update(Flagged(0), Flagged(1), momentum)


def test_the_divergence_agrees_with_a_float64_twin():
    target, source = Flagged(0), Flagged(1)
    mine, theirs = (
        torch.cat([p.detach().double().flatten() for p in model.parameters()])
        for model in (target, source)
    )
    got = parameter_divergence(target, source)
    assert got.shape == ()
    assert not got.requires_grad
    torch.testing.assert_close(
        got.double(), (theirs - mine).norm() / mine.norm(), rtol=1e-6, atol=0.0
    )


def test_the_divergence_of_a_copy_is_zero_and_of_a_doubled_source_one():
    target = Flagged(0)
    source = copy.deepcopy(target)
    assert parameter_divergence(target, source) == 0.0
    with torch.no_grad():
        for parameter in source.parameters():
            parameter.mul_(2.0)
    assert parameter_divergence(target, source) == pytest.approx(1.0, abs=1e-6)


def test_the_divergence_from_a_target_of_zeros_is_infinite():
    target, source = nn.Linear(2, 2), nn.Linear(2, 2)
    for parameter in target.parameters():
        nn.init.zeros_(parameter)
    assert torch.isinf(parameter_divergence(target, source))
    with pytest.raises(ValueError, match="got none"):
        parameter_divergence(nn.Identity(), nn.Identity())
