import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from sightline.hjepa.block import stochastic_depth
from sightline.hjepa.encoder import SIZES, VisionTransformer
from sightline.hjepa.pixels import Standardize
from sightline.hjepa.ragged import Ragged
from sightline.hjepa.selection import Selection
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
    order = torch.tensor([9, 2, 14])
    ragged = Ragged.of_lengths(torch.tensor([3]))
    shuffled = encoder(images, Selection(order, ragged, 16))
    in_order = encoder(images, Selection(order.sort().values, ragged, 16))
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


# Patches.


def test_patches_are_numbered_in_raster_order_and_know_their_place():
    encoder, images = create_encoder(depth=0, channels=3), create_images(2, channels=3)
    tokens = reference.embed_patches(
        (images.double().numpy() - 0.4) / 0.3,
        encoder.patch_embed.weight.detach().double().numpy(),
        encoder.patch_embed.bias.detach().double().numpy(),
    ) + reference.sincos(SIDE, SIDE, WIDTH)
    expected = np.array([[reference.layer_norm(token) for token in image] for image in tokens])
    assert encoder(images).detach().numpy() == pytest.approx(expected, abs=1e-5)


# Images of other sizes.


@pytest.mark.parametrize("positions", ["sincos", "rope"])
@pytest.mark.parametrize("size", [(8, 8), (16, 16), (4, 12)])
def test_images_of_every_size_that_patches_tile_are_encoded(positions, size):
    encoder = create_encoder(positions=positions)
    features = encoder(torch.rand(2, 1, *size))
    assert features.shape == (2, size[0] // PATCH * size[1] // PATCH, WIDTH)


@pytest.mark.parametrize("positions", ["sincos", "rope"])
def test_a_patch_of_a_larger_image_is_told_where_in_the_image_it_lies(positions):
    """Three patches where there was one, the same in colour: the middle one has its features."""
    encoder = create_encoder(depth=0, positions=positions)
    image = torch.rand(1, 1, 4, 4).repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    larger = image.repeat_interleave(3, dim=2).repeat_interleave(3, dim=3)
    middle = encoder(larger).view(1, 12, 12, WIDTH)[:, 1::3, 1::3].flatten(1, 2)
    assert torch.allclose(middle, encoder(image), atol=1e-5)


def test_an_image_need_not_be_square():
    encoder = create_encoder(image_size=(4, 12))
    assert encoder.grid_size == (2, 6)
    assert encoder(torch.rand(1, 1, 4, 12)).shape == (1, 12, WIDTH)


def test_an_image_that_patches_do_not_tile_is_refused():
    with pytest.raises(ValueError, match="got 9 and 2: use 8"):
        create_encoder()(torch.rand(1, 1, 8, 9))


# Rotated positions.


def test_a_rotated_model_tells_places_apart_by_attention_alone():
    """Tokens that are moved as a whole have the same features; their distances are what counts."""
    encoder = create_encoder(positions="rope")
    images = torch.zeros(1, 1, 8, 8)
    images[..., :2, :2], images[..., 2:4, 4:6] = 0.9, 0.2
    moved = torch.roll(images, (2, 2), dims=(2, 3))
    here, there = encoder(images, keep([0, 6])), encoder(moved, keep([5, 11]))
    assert torch.allclose(here, there, atol=1e-5)
    apart = torch.zeros(1, 1, 8, 8)
    apart[..., :2, :2], apart[..., 6:, 6:] = 0.9, 0.2
    assert not torch.allclose(here, encoder(apart, keep([0, 15])), atol=1e-3)


def test_rotated_features_come_in_the_order_of_the_selection():
    encoder, images = create_encoder(positions="rope"), create_images(2)
    together = encoder(images, keep([3, 7, 8], range(16)))
    assert torch.allclose(together[:1, :3], encoder(images[:1], keep([3, 7, 8])), atol=1e-6)
    assert torch.allclose(together[1:], encoder(images[1:]), atol=1e-6)


# Memory and depth.


@pytest.mark.parametrize("kept", [None, keep([3, 7, 8], range(16))])
def test_checkpointing_changes_memory_and_no_number(kept):
    plain, images = create_encoder(depth=3, layer_scale=0.5), create_images(2)
    frugal = create_encoder(depth=3, layer_scale=0.5, is_checkpointed=True)
    gates = stochastic_depth(3, 0.5, 2, torch.Generator().manual_seed(4))
    saved = []
    for encoder in (plain, frugal):
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda x, sizes=sizes: sizes.append(x.nbytes) or x, lambda x: x
        ):
            encoder(images, kept, gates).square().sum().backward()
        saved.append(sum(sizes))
    for ours, theirs in zip(frugal.parameters(), plain.parameters(), strict=True):
        assert torch.equal(ours.grad, theirs.grad)
    assert saved[1] < saved[0] / 2


def test_a_gate_of_zero_leaves_a_block_out_for_that_image_alone():
    whole, images, kept = create_encoder(depth=2), create_images(2), keep([3, 7], range(5))
    first = create_encoder(depth=1)
    first.load_state_dict(whole.state_dict(), strict=False)
    gates = torch.ones(2, 2, 2)
    gates[1, :, 0] = 0
    gated = whole(images, kept, gates)
    assert torch.allclose(gated[0, :2], first(images[:1], keep([3, 7]))[0], atol=1e-6)
    assert torch.allclose(gated[1], whole(images[1:], keep(range(5)))[0], atol=1e-6)


@pytest.mark.parametrize(("size", "millions"), [("tiny", 5.5), ("small", 21.6), ("base", 85.7)])
def test_named_sizes_have_their_known_numbers_of_weights(size, millions):
    """At patches of 16 x 16 x 3; the usual counts, less a class token, a head and positions."""
    sizes = SIZES[size]
    with torch.device("meta"):
        statistics = Standardize(torch.zeros(3), torch.ones(3))
        encoder = VisionTransformer(
            image_size=224, patch_size=16, standardize=statistics, **sizes._asdict()
        )
    num_weights = sum(weight.numel() for weight in encoder.parameters())
    assert num_weights / 1e6 == pytest.approx(millions, abs=0.2)


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
    assert not any("positions" in name for name in [*saved, *trained])
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
