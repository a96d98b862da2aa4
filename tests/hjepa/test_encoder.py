import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from sightline.hjepa.block import Block
from sightline.hjepa.encoder import VisionTransformer
from sightline.hjepa.masks import Selection
from sightline.hjepa.pixels import Standardize
from sightline.hjepa.positions import sincos_positions
from sightline.hjepa.ragged import Ragged
from tests.references import hjepa as reference

WIDTH, PATCH, SIDE = 16, 2, 4


def create_encoder(*, depth=2, channels=1, **changes):
    torch.manual_seed(0)
    statistics = Standardize(torch.full((channels,), 0.4), torch.full((channels,), 0.3))
    settings = {
        "image_size": PATCH * SIDE,
        "patch_size": PATCH,
        "width": WIDTH,
        "depth": depth,
        "num_heads": 4,
    }
    return VisionTransformer(standardize=statistics, **settings | changes)


def create_images(num, channels=1):
    shape = (num, channels, PATCH * SIDE, PATCH * SIDE)
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


def keep(*rows):
    """The selection of the given patch numbers, image by image."""
    mask_BN = torch.zeros(len(rows), SIDE**2, dtype=torch.bool)
    for image, row in enumerate(rows):
        mask_BN[image, list(row)] = True
    return Selection.of(mask_BN)


# Dropped patches.


def flops(encoder, images, kept):
    # The counter sees into attention only where it is spelled out.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        encoder(images, kept)
    return counter.get_total_flops()


def test_dropped_patches_cost_nothing_in_the_blocks():
    encoder, images = create_encoder(depth=3), create_images(1)
    embedding = 2 * SIDE**2 * WIDTH * PATCH**2

    def in_blocks(num_tokens):
        return flops(encoder, images, keep(range(num_tokens))) - embedding

    # Three linear maps of 3, 1 and 2 x 4 times D x D, and attention's two products.
    for num_tokens in (1, 4, 8, 16):
        linear = 24 * WIDTH**2 * num_tokens
        attention = 4 * WIDTH * num_tokens**2
        assert in_blocks(num_tokens) == 3 * (linear + attention)


def test_a_dropped_patch_has_no_influence_at_all():
    encoder, images = create_encoder(), create_images(2).requires_grad_()
    kept = keep([5, 6, 9], [0, 15])
    features_BMD = encoder(images, kept)
    weights = torch.randn(features_BMD.shape, generator=torch.Generator().manual_seed(2))
    (features_BMD * weights)[kept.valid_BM].sum().backward()
    influence_BN = images.grad.abs().view(2, SIDE, PATCH, SIDE, PATCH).sum(dim=(2, 4)).flatten(1)
    assert influence_BN[0].nonzero().flatten().tolist() == [5, 6, 9]
    assert influence_BN[1].nonzero().flatten().tolist() == [0, 15]


def test_a_dropped_patch_may_even_be_nan():
    encoder, images = create_encoder(), create_images(1)
    clean = encoder(images, keep([5, 6, 9]))
    images[..., :PATCH, :PATCH] = torch.nan
    assert torch.equal(encoder(images, keep([5, 6, 9])), clean)


def test_padding_does_not_change_the_features_of_an_image():
    encoder, images = create_encoder(depth=4), create_images(2)
    alone = encoder(images[:1], keep([3, 7, 8]))
    together = encoder(images, keep([3, 7, 8], range(16)))
    assert together.shape == (2, 16, WIDTH)
    assert torch.allclose(together[:1, :3], alone, atol=1e-6)


def test_features_come_in_the_order_of_the_selection():
    encoder, images = create_encoder(), create_images(1)
    order = torch.tensor([[9, 2, 14]])
    valid = torch.ones(1, 3, dtype=torch.bool)
    shuffled = encoder(images, Selection(order, Ragged.of(valid)))
    in_order = encoder(images, Selection(order.sort().values, Ragged.of(valid)))
    assert torch.allclose(shuffled[:, [1, 0, 2]], in_order, atol=1e-6)


def test_keeping_all_patches_is_as_good_as_no_selection():
    encoder, images = create_encoder(), create_images(2)
    everything = encoder(images, keep(range(16), range(16)))
    assert torch.allclose(everything, encoder(images), atol=1e-6)


def test_images_do_not_see_each_other():
    encoder, images = create_encoder(), create_images(3)
    together = encoder(images)
    assert torch.allclose(together[1:2], encoder(images[1:2]), atol=1e-6)


def test_every_patch_sees_every_other():
    encoder, images = create_encoder(), create_images(1).requires_grad_()
    gradient = torch.autograd.grad(encoder(images)[0, 0, 3], images)[0]
    assert (gradient != 0).all()


# Positions and patches.


@pytest.mark.parametrize(("grid", "width"), [((4, 4), 16), ((2, 7), 4), ((14, 14), 48)])
def test_positions_are_the_closed_form(grid, width):
    positions = sincos_positions(grid, width)
    assert positions.dtype == torch.float32
    assert positions.numpy() == pytest.approx(reference.sincos(*grid, width), abs=1e-7)


def test_no_two_places_share_a_position():
    positions = sincos_positions((14, 14), 16)
    assert torch.cdist(positions, positions).fill_diagonal_(1.0).min() > 0.1


def test_a_width_that_cannot_hold_positions_is_refused():
    with pytest.raises(ValueError, match="got 18: use 20"):
        sincos_positions((4, 4), 18)


def test_patches_are_numbered_in_raster_order_and_know_their_place():
    encoder, images = create_encoder(depth=0, channels=3), create_images(2, channels=3)
    tokens = reference.embed_patches(
        (images.double().numpy() - 0.4) / 0.3,
        encoder.patch_embed.weight.detach().double().numpy(),
        encoder.patch_embed.bias.detach().double().numpy(),
    ) + reference.sincos(SIDE, SIDE, WIDTH)
    expected = np.array([[reference.layer_norm(token) for token in image] for image in tokens])
    assert encoder(images).detach().numpy() == pytest.approx(expected, abs=1e-5)


# Blocks.


def create_block(num_heads):
    torch.manual_seed(3)
    block = Block(WIDTH, num_heads)
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


# Construction.


def test_norms_start_as_identities():
    norms = [part for part in create_encoder().modules() if isinstance(part, nn.LayerNorm)]
    assert len(norms) == 2 * 2 + 1
    for norm in norms:
        assert (norm.weight == 1).all()
        assert (norm.bias == 0).all()


def test_no_weight_starts_at_zero():
    for name, parameter in create_encoder().named_parameters():
        assert name.endswith("bias") or parameter.any(), name


def test_positions_are_fixed_and_pixel_statistics_are_saved():
    encoder = create_encoder()
    saved, trained = encoder.state_dict(), dict(encoder.named_parameters())
    assert not any("pos_embed" in name for name in [*saved, *trained])
    assert {"standardize.mean_C11", "standardize.std_C11"} <= set(saved)


def test_8_bit_images_are_taken_as_they_are():
    encoder = create_encoder()
    images = (create_images(2) * 255).to(torch.uint8)
    assert torch.equal(encoder(images), encoder(images.float() / 255))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_size": 9}, "got 9 and 2: use 8"),
        ({"image_size": 8, "patch_size": 16}, "got 8 and 16: use 16"),
        ({"num_heads": 3}, "got 3 heads and width 16"),
        ({"width": 18, "num_heads": 2}, "got 18: use 20"),
    ],
)
def test_sizes_that_do_not_fit_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        create_encoder(**changes)
