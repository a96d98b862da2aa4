import pytest
import torch

from sightline.hjepa.masks import MultiBlockMasking
from sightline.hjepa.predictor import Predictor
from sightline.hjepa.selection import Masks

GRID, WIDTH = (4, 4), 16


@pytest.fixture
def predictor():
    torch.manual_seed(0)
    return Predictor(grid_size=GRID, encoder_width=WIDTH, width=8, depth=3, num_heads=2)


def masks_of(*images):
    """Masks with the given (context, target) patch numbers of each image."""
    context_BN, target_BN = torch.zeros(2, len(images), 16, dtype=torch.bool)
    for image, (context, target) in enumerate(images):
        context_BN[image, list(context)] = True
        target_BN[image, list(target)] = True
    return Masks.of(context_BN.view(-1, *GRID), target_BN.view(-1, 1, *GRID))


FEW, MANY = ([1, 2, 7], [9, 10]), (range(10), range(10, 16))


def test_padding_does_not_change_the_predictions_of_an_image(predictor):
    alone, together = masks_of(FEW), masks_of(FEW, MANY)
    context_BMD = torch.randn(2, 10, WIDTH)
    expected = predictor(context_BMD[:1, :3], alone)
    predictions = predictor(context_BMD, together)
    assert predictions.shape == (2, 6, 8)
    assert torch.allclose(predictions[:1, :2], expected, atol=1e-6)


def test_what_stands_in_the_padding_does_not_matter(predictor):
    masks = masks_of(FEW, MANY)
    context_BMD = torch.randn(2, 10, WIDTH, requires_grad=True)
    predictor(context_BMD, masks)[masks.target.valid_BM].square().sin().sum().backward()
    assert (context_BMD.grad.abs().sum(dim=2) > 0).tolist() == masks.context.valid_BM.tolist()


@pytest.mark.parametrize("num_masks", [1, 6])
def test_all_target_blocks_are_answered_in_one_pass(predictor, num_masks):
    calls = []
    for block in predictor.blocks:
        block.register_forward_hook(lambda *_: calls.append(1))
    masking = MultiBlockMasking(GRID, num_masks=num_masks)
    masks = masking(8, torch.Generator().manual_seed(0))
    predictor(torch.randn(8, masks.context.index_BM.shape[1], WIDTH), masks)
    assert len(calls) == len(predictor.blocks)


def test_the_mask_token_is_learned(predictor):
    assert predictor.mask_token.abs().max() > 0
    predictor(torch.randn(1, 3, WIDTH), masks_of(FEW)).sin().sum().backward()
    assert (predictor.mask_token.grad != 0).all()


def test_every_parameter_is_reached(predictor):
    predictor(torch.randn(1, 3, WIDTH), masks_of(FEW)).square().sin().sum().backward()
    assert [name for name, p in predictor.named_parameters() if not p.grad.any()] == []


def test_different_places_get_different_predictions(predictor):
    predictions = predictor(torch.randn(1, 3, WIDTH), masks_of(FEW))
    assert not torch.allclose(predictions[0, 0], predictions[0, 1], atol=1e-3)


def test_the_prediction_depends_on_where_the_context_lies(predictor):
    context_BMD = torch.randn(1, 3, WIDTH)
    here, there = (predictor(context_BMD, masks_of((seen, [9]))) for seen in ([1, 2, 7], [1, 2, 8]))
    assert not torch.allclose(here, there, atol=1e-4)


def test_a_prediction_does_not_depend_on_the_order_of_the_context(predictor):
    masks, context_BMD = masks_of(FEW), torch.randn(1, 3, WIDTH)
    expected = predictor(context_BMD, masks)
    masks.context.place_T.copy_(masks.context.place_T.flip(0))
    assert torch.allclose(predictor(context_BMD.flip(1), masks), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("width", "num_heads", "message"),
    [(8, 3, "got 3 heads and width 8"), (10, 2, "got 10: use 12")],
)
def test_sizes_that_do_not_fit_are_named(width, num_heads, message):
    with pytest.raises(ValueError, match=message):
        Predictor(grid_size=GRID, encoder_width=WIDTH, width=width, depth=1, num_heads=num_heads)


def test_context_that_holds_targets_has_room_beside_them(predictor):
    masks = masks_of((range(16), range(16)), FEW)
    assert masks.longest == 32
    assert predictor(torch.randn(2, 16, WIDTH), masks).shape == (2, 16, 8)
