import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.hjepa.loss import HierarchicalLoss, normalize_targets
from tests.references import hjepa as reference

KINDS = ["smoothl1", "mse", "cosine"]
NORMS = ["feature", "token", "none"]


def one_level(kind, prediction, target, scored, target_norm="none"):
    loss = HierarchicalLoss(kind, weights=(1.0,), target_norm=target_norm)
    return loss([prediction], [target], [scored]).total


def everywhere(features):
    return torch.ones(features.shape[:3], dtype=torch.bool)


def features(*shape, seed=0, scale=2.0):
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(shape, generator=generator) + 0.5


# Closed forms.


@pytest.mark.parametrize(
    ("kind", "gap", "expected"),
    [
        ("smoothl1", 0.5, 0.125),
        ("smoothl1", -0.5, 0.125),
        ("smoothl1", 1.0, 0.5),
        ("smoothl1", 3.0, 2.5),
        ("mse", 0.5, 0.25),
        ("mse", 3.0, 9.0),
    ],
)
@pytest.mark.parametrize("width", [1, 64])
def test_a_constant_gap_costs_its_closed_form_whatever_the_width(kind, gap, expected, width):
    target = features(2, 3, 4, width)
    loss = one_level(kind, target + gap, target, everywhere(target))
    assert float(loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("angle", [0.0, 0.3, math.pi / 2, math.pi])
@pytest.mark.parametrize("length", [0.1, 30.0])
def test_an_angle_costs_one_minus_its_cosine_whatever_the_length(angle, length):
    prediction = length * torch.tensor([math.cos(angle), math.sin(angle)]).expand(2, 2, 2, 2)
    target = torch.tensor([1.0, 0.0]).expand(2, 2, 2, 2)
    loss = one_level("cosine", prediction, target, everywhere(target))
    assert float(loss) == pytest.approx(1 - math.cos(angle), abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("norm", NORMS)
def test_it_agrees_with_the_slow_twin(kind, norm):
    prediction, target = features(3, 4, 2, 8), features(3, 4, 2, 8, seed=1)
    scored = torch.rand(3, 4, 2, generator=torch.Generator().manual_seed(2)) < 0.4
    exact = reference.normalize_targets(target.numpy(), norm)
    expected = reference.level_loss(kind, prediction.double().numpy(), exact, scored.numpy())
    loss = one_level(kind, prediction, target, scored, norm)
    assert float(loss) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("norm", NORMS)
def test_a_perfect_prediction_costs_nothing(kind, norm):
    target = features(2, 3, 4, 8)
    prediction = normalize_targets(target, norm)
    loss = one_level(kind, prediction, target, everywhere(target), norm)
    assert float(loss) == pytest.approx(0.0, abs=1e-6)


# Which cells count.


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("garbage", [7.0, 0.0, math.inf, math.nan])
def test_padding_never_matters_to_the_loss_or_its_gradient(kind, garbage):
    target = features(2, 3, 4, 8, seed=1)
    scored = torch.rand(2, 3, 4, generator=torch.Generator().manual_seed(2)) < 0.5

    def loss_and_gradient(unscored):
        prediction = features(2, 3, 4, 8)
        prediction[~scored] = unscored
        prediction.requires_grad_()
        loss = one_level(kind, prediction, target, scored)
        loss.backward()
        return loss.detach(), prediction.grad

    (loss, gradient), (expected, _) = loss_and_gradient(garbage), loss_and_gradient(1.0)
    assert torch.equal(loss, expected)
    assert (gradient[~scored] == 0).all()
    assert (gradient[scored] != 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_target_that_is_not_scored_may_be_nan(kind):
    prediction, target = features(2, 3, 4, 8).requires_grad_(), features(2, 3, 4, 8, seed=1)
    scored = torch.rand(2, 3, 4, generator=torch.Generator().manual_seed(2)) < 0.5
    target[~scored] = math.nan
    loss = one_level(kind, prediction, target, scored, "token")
    loss.backward()
    assert loss.isfinite()
    assert prediction.grad.isfinite().all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("norm", NORMS)
def test_a_level_without_scored_cells_counts_zero_and_has_no_nan_gradient(kind, norm):
    prediction, target = features(2, 3, 4, 8).requires_grad_(), features(2, 3, 4, 8, seed=1)
    loss = one_level(kind, prediction, target, torch.zeros(2, 3, 4, dtype=torch.bool), norm)
    loss.backward()
    assert loss.detach() == 0.0
    assert (prediction.grad == 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_zero_vectors_have_a_finite_gradient(kind):
    prediction = torch.zeros(1, 2, 2, 4, requires_grad=True)
    loss = one_level(kind, prediction, torch.zeros(1, 2, 2, 4), everywhere(prediction))
    loss.backward()
    assert loss.isfinite()
    assert prediction.grad.isfinite().all()


def test_every_scored_cell_weighs_the_same_in_images_with_many_and_with_few():
    prediction, target = torch.zeros(2, 1, 4, 1), torch.zeros(2, 1, 4, 1)
    target[1] = 2.0
    scored = torch.tensor([[[True, True, True, False]], [[True, False, False, False]]])
    assert float(one_level("mse", prediction, target, scored)) == pytest.approx(1.0)


@settings(deadline=None, max_examples=30)
@given(width=st.integers(1, 9), copies=st.integers(2, 5), seed=st.integers(0, 2**16))
@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_does_not_scale_with_the_number_of_features(kind, width, copies, seed):
    prediction, target = (
        features(2, 2, 2, width, seed=seed),
        features(2, 2, 2, width, seed=seed + 1),
    )
    narrow = one_level(kind, prediction, target, everywhere(target))
    wide = one_level(
        kind, prediction.repeat(1, 1, 1, copies), target.repeat(1, 1, 1, copies), everywhere(target)
    )
    assert torch.allclose(narrow, wide, rtol=1e-4, atol=1e-5)


# Levels.


def levels():
    shapes = [(2, 4, 4, 8), (2, 4, 2, 8), (2, 2, 2, 8)]
    predictions = [features(*shape, seed=1) for shape in shapes]
    targets = [features(*shape, seed=2) for shape in shapes]
    return predictions, targets, [everywhere(target) for target in targets]


def test_the_total_is_the_weighted_sum_of_the_levels():
    weighted = HierarchicalLoss("mse", weights=(1.0, 0.5, 0.25))(*levels())
    plain = HierarchicalLoss("mse", weights=(1.0, 1.0, 1.0))(*levels())
    assert torch.equal(weighted.levels, plain.levels)
    h0, h1, h2 = plain.levels.tolist()
    assert float(weighted.total) == pytest.approx(h0 + h1 / 2 + h2 / 4, rel=1e-6)
    assert weighted.total.shape == ()
    assert weighted.levels.shape == (3,)


def test_a_level_of_weight_zero_is_shown_but_not_learned():
    predictions, targets, scored = levels()
    predictions = [prediction.requires_grad_() for prediction in predictions]
    losses = HierarchicalLoss("mse", weights=(1.0, 0.0, 1.0))(predictions, targets, scored)
    losses.total.backward()
    assert losses.levels[1] > 0
    assert [bool(prediction.grad.any()) for prediction in predictions] == [True, False, True]


@pytest.mark.parametrize("weights", [(1.0,), (1.0, 1.0)])
def test_fewer_weights_than_levels_are_not_spread_over_them(weights):
    with pytest.raises(ValueError, match=r"shorter|longer"):
        HierarchicalLoss("mse", weights=weights)(*levels())


# Targets.


@pytest.mark.parametrize("norm", NORMS)
def test_targets_get_no_gradient(norm):
    prediction, target = features(2, 3, 4, 8).requires_grad_(), features(2, 3, 4, 8, seed=1)
    target.requires_grad_()
    one_level("smoothl1", prediction, target, everywhere(target), norm).backward()
    assert target.grad is None
    assert prediction.grad.any()


@pytest.mark.parametrize("norm", NORMS)
def test_standardised_targets_agree_with_the_slow_twin(norm):
    target = features(3, 4, 2, 8)
    assert normalize_targets(target, norm).numpy() == pytest.approx(
        reference.normalize_targets(target.numpy(), norm), abs=1e-5
    )


def test_token_is_a_layer_norm_without_affine():
    target = features(3, 4, 2, 8)
    assert torch.equal(
        normalize_targets(target, "token"), torch.nn.functional.layer_norm(target, (8,))
    )


def test_feature_gives_every_feature_mean_0_and_deviation_1_over_batch_and_grid():
    out = normalize_targets(features(32, 4, 4, 8) * torch.arange(1.0, 9.0), "feature")
    variance_D, mean_D = torch.var_mean(out, dim=(0, 1, 2), correction=0)
    assert torch.allclose(mean_D, torch.zeros(8), atol=1e-5)
    assert torch.allclose(variance_D, torch.ones(8), atol=1e-4)


def test_feature_takes_away_what_all_images_and_places_share():
    common_D = features(8, scale=100.0)
    target = features(4, 3, 2, 8)
    assert torch.allclose(
        normalize_targets(target + common_D, "feature"),
        normalize_targets(target, "feature"),
        atol=1e-3,
    )
    assert not normalize_targets(common_D.expand(4, 3, 2, 8), "feature").abs().gt(0.01).any()


def test_feature_leaves_what_a_place_has_in_common_in_all_images():
    by_place = features(1, 4, 4, 8).expand(16, -1, -1, -1)
    out = normalize_targets(by_place, "feature")
    assert torch.equal(out[0], out[-1])  # so position alone predicts it
    assert out.square().mean() == pytest.approx(1.0, rel=1e-3)


def test_token_leaves_what_all_images_and_places_share():
    out = normalize_targets(features(8).expand(16, 4, 4, 8), "token")
    assert out.square().mean() == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize("norm", NORMS)
def test_targets_that_never_change_stay_finite(norm):
    assert normalize_targets(torch.full((2, 3, 4, 8), 5.0), norm).isfinite().all()


def test_none_leaves_targets_as_they_are():
    target = features(3, 4, 2, 8)
    assert torch.equal(normalize_targets(target, "none"), target)


def test_the_loss_shows_the_targets_that_it_compares_with():
    target = features(3, 4, 2, 8)
    loss = HierarchicalLoss(target_norm="feature")
    assert torch.equal(loss.normalize(target), normalize_targets(target, "feature"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": (1.0, -0.1)}, r"got \[1.0, -0.1\]"),
        ({"weights": (0.0, 0.0)}, r"got \[0.0, 0.0\]"),
        ({"kind": "huber"}, "kind to be one of smoothl1, mse, cosine, got 'huber'"),
        ({"target_norm": "batch"}, "target_norm to be one of feature, token, none, got 'batch'"),
    ],
)
def test_a_bad_argument_is_named_with_its_value(arguments, message):
    with pytest.raises(ValueError, match=message):
        HierarchicalLoss(**arguments)


def test_the_twin_and_the_loss_agree_that_nothing_scored_is_nothing_lost():
    target = np.ones((1, 2, 2, 3))
    assert reference.level_loss("mse", target, target + 1, np.zeros((1, 2, 2), bool)) == 0.0
