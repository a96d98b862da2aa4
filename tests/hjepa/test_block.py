"""The transformer block, and the branches that are left out."""

import pytest
import torch
from torch import nn

from sightline.hjepa.block import Block, run_blocks, stochastic_depth
from sightline.hjepa.ragged import Ragged
from tests.references import hjepa as reference

WIDTH = 16


def create_block(num_heads, **changes):
    torch.manual_seed(3)
    block = Block(WIDTH, num_heads, **changes)
    for parameter in block.parameters():
        nn.init.normal_(parameter, std=0.3)
    return block


@pytest.mark.parametrize("num_heads", [1, 4])
def test_a_block_agrees_with_the_slow_twin(num_heads):
    block, tokens = create_block(num_heads), torch.randn(2, 5, WIDTH)
    for image in range(2):
        expected = reference.block(tokens[image].double().numpy(), block.state_dict(), num_heads)
        out = block(tokens, None)[image].detach().numpy()
        assert out == pytest.approx(expected, rel=1e-4, abs=1e-4)


def test_packed_tokens_see_the_tokens_of_their_own_image_alone():
    block, tokens = create_block(4), torch.randn(2, 6, WIDTH)
    valid_BN = torch.tensor([[True, False, True, True, False, True], [True] + 5 * [False]])
    ragged = Ragged.of(valid_BN)
    out = ragged.pad(block(ragged.pack(tokens), ragged))
    for image in range(2):
        alone = block(tokens[image, valid_BN[image]][None])[0]
        assert torch.allclose(out[image, valid_BN[image]], alone, atol=1e-5)


def test_scaled_branches_start_small_and_their_factors_are_learned():
    torch.manual_seed(0)
    block, x = Block(WIDTH, 4, layer_scale=1e-5), torch.randn(2, 5, WIDTH)
    assert torch.allclose(block(x), x, atol=1e-3)
    block(x).sin().sum().backward()
    assert all(scale.factor.grad.all() for scale in (block.scale1, block.scale2))


def test_a_factor_scales_its_own_branch():
    block, x = create_block(4, layer_scale=0.1), torch.randn(2, 5, WIDTH)
    with torch.no_grad():
        block.scale1.factor.zero_()
        block.scale2.factor.fill_(2.0)
    assert torch.allclose(block(x), x + 2 * block.mlp(block.norm2(x)), atol=1e-6)


# Stochastic depth.


def test_branches_are_left_out_as_often_as_asked():
    gates = stochastic_depth(5, 0.4, 20_000, torch.Generator().manual_seed(0))
    dropped = (gates == 0).float().mean(dim=2)
    for block, rate in enumerate((0.0, 0.1, 0.2, 0.3, 0.4)):
        assert dropped[block].numpy() == pytest.approx([rate, rate], abs=0.012)
    assert gates.mean(dim=(1, 2)).numpy() == pytest.approx([1.0] * 5, abs=0.02)


def test_a_rate_of_zero_draws_nothing():
    random = torch.Generator().manual_seed(0)
    before = random.get_state()
    assert stochastic_depth(3, 0.0, 8, random) is None
    assert torch.equal(random.get_state(), before)


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(ValueError, match=f"got {rate}"):
        stochastic_depth(3, rate, 8, torch.Generator())


def test_packed_and_padded_tokens_have_the_same_gates():
    blocks, x = [create_block(4), create_block(2)], torch.randn(3, 5, WIDTH)
    gates = stochastic_depth(2, 0.9, 3, torch.Generator().manual_seed(1))
    assert 0 < int((gates == 0).sum()) < gates.numel()
    ragged = Ragged.of(torch.ones(3, 5, dtype=torch.bool))
    packed = run_blocks(blocks, ragged.pack(x), ragged, gates_L2B=gates)
    assert torch.allclose(ragged.pad(packed), run_blocks(blocks, x, gates_L2B=gates), atol=1e-5)
