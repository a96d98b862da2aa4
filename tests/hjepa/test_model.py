import copy

import numpy as np
import pytest
import torch

from sightline.hjepa.encoder import VisionTransformer
from sightline.hjepa.hierarchy import pool
from sightline.hjepa.loss import HierarchicalLoss
from sightline.hjepa.masks import MultiBlockMasking
from sightline.hjepa.model import HJEPAModel
from sightline.hjepa.pixels import Standardize
from sightline.hjepa.predictor import Predictor
from sightline.hjepa.selection import Masks
from tests.references import hjepa as reference

WIDTH, PATCH, SIDE = 16, 2, 4


def create_model(num_levels=3, **changes):
    torch.manual_seed(0)
    encoder = VisionTransformer(
        image_size=PATCH * SIDE,
        patch_size=PATCH,
        standardize=Standardize(torch.tensor([0.5]), torch.tensor([0.3])),
        width=WIDTH,
        depth=2,
        num_heads=2,
    )
    predictor = Predictor(
        grid_size=encoder.grid_size, encoder_width=WIDTH, width=8, depth=2, num_heads=2
    )
    return HJEPAModel(encoder, predictor, num_levels=num_levels, **changes)


def draw_images(num):
    return torch.rand(num, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def draw_masks(num):
    masking = MultiBlockMasking(
        (SIDE, SIDE), num_masks=2, mask_scale=(0.25, 0.4), context_scale=(0.5, 0.7)
    )
    masks = masking(num, torch.Generator().manual_seed(2))
    assert (~masks.eligible_BHW & ~masks.target_BHW).any()  # some patches are in neither set
    return masks


def pixels_of(mask_BHW):
    """The pixels of the chosen patches, as a mask over images."""
    return mask_BHW.repeat_interleave(PATCH, 1).repeat_interleave(PATCH, 2)[:, None]


@pytest.fixture
def model():
    return create_model()


@pytest.fixture
def images():
    return draw_images(6)


@pytest.fixture
def masks():
    return draw_masks(6)


def scored_predictions(output):
    return [
        prediction[cells]
        for prediction, cells in zip(output.predictions, output.scored, strict=True)
    ]


# What predictions may depend on.


def test_predictions_do_not_depend_on_any_pixel_outside_the_context(model, images, masks):
    before = scored_predictions(model(images, masks))
    hidden = ~pixels_of(masks.eligible_BHW)
    after = scored_predictions(model(torch.where(hidden, 1 - images, images), masks))
    assert all(len(level) for level in before)
    assert all(map(torch.equal, before, after))


def test_predictions_of_every_level_depend_on_each_context_patch(model, masks):
    images = draw_images(6).requires_grad_()
    for prediction in scored_predictions(model(images, masks)):
        (gradient,) = torch.autograd.grad(prediction.sin().sum(), images, retain_graph=True)
        seen_BHW = torch.nn.functional.max_pool2d(gradient.abs(), PATCH)[:, 0] > 0
        assert not (seen_BHW & ~masks.eligible_BHW).any()
        scored_B = masks.target_BHW.any(dim=(1, 2)) & seen_BHW.any(dim=(1, 2))
        assert scored_B.any()
        assert torch.equal(seen_BHW[scored_B], masks.eligible_BHW[scored_B])


def test_targets_see_the_whole_image(model, images, masks):
    before = model(images, masks).targets[0]
    changed = images.clone()
    changed[:, :, 0, 0] += 0.5
    assert ((model(changed, masks).targets[0] - before).abs().amax(dim=3) > 0).all()


def test_the_other_images_of_a_batch_do_not_change_a_prediction(model, images, masks):
    together = model(images, masks)
    alone = model(images[:1], Masks.of(masks.eligible_BHW[:1], masks.blocks_BKHW[:1]))
    for level in range(3):
        cells = alone.scored[level][0]
        assert torch.allclose(
            together.predictions[level][0][cells], alone.predictions[level][0][cells], atol=1e-6
        )


# Levels.


def test_every_level_has_predictions_targets_and_scored_cells_on_its_grid(model, images, masks):
    output = model(images, masks)
    assert model.level_grids == [(4, 4), (4, 2), (2, 2)]
    for level, grid in enumerate(model.level_grids):
        assert output.predictions[level].shape == (6, *grid, WIDTH)
        assert output.targets[level].shape == (6, *grid, WIDTH)
        assert output.scored[level].shape == (6, *grid)
    assert output.context_BMD.shape == (*masks.context.index_BM.shape, WIDTH)
    assert output.images_BCHW is images
    assert output.masks is masks


def test_coarse_targets_and_scored_cells_are_the_pooled_fine_ones(model, images, masks):
    output = model(images, masks)
    fine = output.targets[0].double().numpy()
    assert fine == pytest.approx(model.encode_targets(images)[0].numpy(), abs=1e-7)
    for level, stride in enumerate(model.level_strides):
        expected = reference.pool(fine, stride)
        assert output.targets[level].numpy() == pytest.approx(expected, abs=1e-6)
        cells = reference.whole_cells(masks.target_BHW.numpy(), stride)
        assert np.array_equal(output.scored[level].numpy(), cells)


def test_each_prediction_stands_at_its_patch_and_is_pooled_before_its_head(model, images, masks):
    output = model(images, masks)
    answers_BKP = model.predictor(model.context_encoder(images, masks.context), masks)
    grid = np.zeros((6, SIDE, SIDE, answers_BKP.shape[2]))
    index, valid = reference.pack(masks.target_BHW.flatten(1).tolist())
    for image, (numbers, real) in enumerate(zip(index, valid, strict=True)):
        for slot in range(sum(real)):
            place = divmod(numbers[slot], SIDE)
            grid[image][place] = answers_BKP[image, slot].detach().numpy()
    for level, (head, stride) in enumerate(zip(model.heads, model.level_strides, strict=True)):
        weight, bias = head.weight.detach().double().numpy(), head.bias.detach().double().numpy()
        expected = reference.pool(grid, stride) @ weight.T + bias
        cells = output.scored[level]
        assert cells.any()
        assert output.predictions[level][cells].detach().numpy() == pytest.approx(
            expected[cells.numpy()], abs=1e-5
        )


def test_one_level_is_plain_i_jepa(images, masks):
    output = create_model(num_levels=1)(images, masks)
    assert len(output.predictions) == len(output.targets) == 1
    assert torch.equal(output.scored[0], masks.target_BHW)


def test_levels_that_do_not_divide_the_grid_are_refused():
    with pytest.raises(ValueError, match="6 levels"):
        create_model(num_levels=6)


# The target encoder.


def test_the_target_encoder_starts_as_a_copy_of_the_context_encoder(model, images):
    ours, theirs = model.target_encoder.state_dict(), model.context_encoder.state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    with torch.no_grad():
        next(model.context_encoder.parameters()).add_(1.0)
    assert not torch.equal(
        next(model.context_encoder.parameters()), next(model.target_encoder.parameters())
    )


def test_the_target_encoder_is_never_trained_and_all_else_is(model, images, masks):
    output = model(images, masks)
    assert not any(target.requires_grad for target in output.targets)
    HierarchicalLoss()(output.predictions, output.targets, output.scored).total.backward()
    assert all(parameter.grad is None for parameter in model.target_encoder.parameters())
    for name, parameter in model.named_parameters():
        assert parameter.requires_grad == (not name.startswith("target_encoder."))
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.any(), name
            assert parameter.grad.isfinite().all(), name


def test_targets_carry_no_gradient_even_to_the_images(model, images, masks):
    output = model(images.requires_grad_(), masks)
    assert not any(target.requires_grad for target in output.targets)
    assert all(prediction.requires_grad for prediction in output.predictions)


def test_targets_of_several_depths_are_those_of_an_encoder_that_ends_there(images):
    model = create_model(target_depths=(1, 2, 1))
    shallow = copy.deepcopy(model.target_encoder)
    del shallow.blocks[1:]
    with torch.no_grad():
        ends = {1: shallow(images), 2: model.target_encoder(images)}
    targets = model.encode_targets(images)
    for target, depth, stride in zip(targets, (1, 2, 1), model.level_strides, strict=True):
        assert torch.equal(target, pool(ends[depth].unflatten(1, (SIDE, SIDE)), stride))


def test_blocks_below_the_deepest_target_are_run_once_and_those_above_not_at_all(images):
    model, calls = create_model(target_depths=(1, 1, 1)), []
    for number, block in enumerate(model.target_encoder.blocks):
        block.register_forward_hook(lambda *_, number=number: calls.append(number))
    model.encode_targets(images)
    assert calls == [0]


@pytest.mark.parametrize("depths", [(1, 2), (0, 1, 2), (1, 2, 3)])
def test_depths_that_do_not_fit_are_refused(depths):
    with pytest.raises(ValueError, match="expected a depth from 1 to 2 for each of the 3 levels"):
        create_model(target_depths=depths)


def test_a_pyramid_reaches_all_of_its_weights(images, masks):
    model = create_model(fusion="fpn")
    sum(level.square().sin().sum() for level in model(images, masks).predictions).backward()
    assert [name for name, p in model.fusion.named_parameters() if not p.grad.any()] == []


# Features.


@pytest.mark.parametrize("use_target_encoder", [True, False])
def test_features_are_the_mean_over_the_patches_of_the_chosen_encoder(
    model, images, use_target_encoder
):
    with torch.no_grad():
        next(model.context_encoder.parameters()).mul_(2.0)
        encoder = model.target_encoder if use_target_encoder else model.context_encoder
        tokens_BND = encoder(images)
    features = model.extract_features(images, use_target_encoder=use_target_encoder)
    assert features.shape == (6, WIDTH)
    assert not features.requires_grad
    assert features.double().numpy() == pytest.approx(
        tokens_BND.double().numpy().mean(axis=1), abs=1e-6
    )


@pytest.mark.parametrize("level", [0, 1, 2])
def test_features_of_a_level_are_the_targets_of_that_level(model, images, masks, level):
    expected = model(images, masks).targets[level]
    assert torch.equal(model.extract_features(images, level=level), expected)


def test_features_of_a_level_are_had_of_larger_images_too(model):
    features = model.extract_features(torch.rand(2, 1, 16, 24), level=1)
    assert features.shape == (2, 16 // PATCH, 24 // PATCH // 2, WIDTH)


@pytest.mark.parametrize("level", [-1, 3])
def test_a_level_that_there_is_not_is_refused(model, images, level):
    with pytest.raises(ValueError, match=f"expected a level from 0 to 2, got {level}"):
        model.extract_features(images, level=level)


def test_8_bit_images_are_taken_as_they_are(model, masks):
    images = (draw_images(6) * 255).to(torch.uint8)
    eight_bit, floats = model(images, masks), model(images.float() / 255, masks)
    assert all(map(torch.equal, eight_bit.predictions, floats.predictions))
    assert all(map(torch.equal, eight_bit.targets, floats.targets))
