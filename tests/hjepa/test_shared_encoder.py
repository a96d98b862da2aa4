"""Without a moving average: the encoder makes its own targets; a regulariser spreads features."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from sightline.callbacks import HealthMonitor
from sightline.hjepa import HJEPAConfig, HJEPAModel, HJEPATrainer, create_masking
from sightline.hjepa.build import assemble, create_loss
from sightline.hjepa.costs import measure_costs
from sightline.hjepa.outputs import HJEPAOutput
from sightline.hjepa.pixels import Standardize
from tests.loaders import read_python

MakeConfig = Callable[..., HJEPAConfig]
SHARED = ("model.target_encoder=shared", "loss.regularization.type=sigreg")


def create(config: HJEPAConfig) -> HJEPAModel:
    torch.manual_seed(0)
    return assemble(config, Standardize(torch.tensor([0.3]), torch.tensor([0.4])))


def forward(config: HJEPAConfig, model: HJEPAModel) -> HJEPAOutput:
    images = torch.rand(6, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    masks = create_masking(config, model.grid_size)(6, torch.Generator().manual_seed(2))
    return model(images, masks)


def test_there_is_one_encoder_and_no_copy_of_it(tiny_config: MakeConfig) -> None:
    shared, averaged = create(tiny_config(*SHARED)), create(tiny_config())
    assert shared.target_encoder is shared.context_encoder

    def count(module: torch.nn.Module) -> int:
        return sum(weight.numel() for weight in module.parameters())

    assert count(averaged) - count(shared) == count(shared.context_encoder)
    assert all(weight.requires_grad for weight in shared.parameters())


def test_both_views_of_an_image_are_regularised_and_both_teach_the_encoder(
    tiny_config: MakeConfig,
) -> None:
    config = tiny_config(*SHARED)
    model = create(config)
    output = forward(config, model)
    context_BD, whole_BD = output.projections
    assert torch.equal(context_BD, output.context_features_BD)
    assert torch.equal(whole_BD, output.target_features_BD)
    for view_BD in output.projections:
        (gradient,) = torch.autograd.grad(
            view_BD.sin().sum(), model.context_encoder.patch_embed.weight, retain_graph=True
        )
        assert gradient.any()


def test_a_moving_average_is_not_regularised(tiny_config: MakeConfig) -> None:
    config = tiny_config()
    output = forward(config, create(config))
    (only,) = output.projections
    assert torch.equal(only, output.context_features_BD)
    assert not any(target.requires_grad for target in output.targets)


@pytest.mark.parametrize(("target", "views"), [("ema", 1), ("shared", 2)])
def test_the_regulariser_sees_projections_and_users_see_features(
    tiny_config: MakeConfig, target: str, views: int
) -> None:
    config = tiny_config(
        "loss.regularization.type=sigreg",
        f"model.target_encoder={target}",
        "model.projection.dim=5",
        "model.projection.hidden_dim=7",
    )
    model = create(config)
    output = forward(config, model)
    assert [one.shape for one in output.projections] == [(6, 5)] * views
    assert model.projector is not None
    assert torch.equal(output.projections[0], model.projector(output.context_features_BD))
    assert model.extract_features(output.images_BCHW).shape == (6, 16)
    sum(one.sin().sum() for one in output.projections).backward()
    assert all(weight.grad is not None for weight in model.projector.parameters())


@pytest.mark.parametrize("setting", ["model.target_encoder=shared", "model.projection.dim=8"])
def test_what_only_makes_sense_with_a_regulariser_is_refused_without(
    tiny_config: MakeConfig, setting: str
) -> None:
    expected = "expected loss.regularization.type sigreg or vicreg with model"
    with pytest.raises(ValueError, match=expected):
        tiny_config(setting)
    tiny_config(setting, "loss.regularization.type=vicreg")


def test_both_passes_of_the_encoder_are_counted_as_trained(tiny_config: MakeConfig) -> None:
    costs = {}
    for name, settings in (("ema", ()), ("shared", SHARED)):
        config = tiny_config(*settings)
        model = create(config)
        costs[name] = measure_costs(model, create_masking(config, model.grid_size), (1, 8, 8))
    ema, shared = costs["ema"].forward_flops, costs["shared"].forward_flops
    assert "target_encoder" not in shared
    assert shared["context_encoder"] == ema["context_encoder"] + ema["target_encoder"]
    more = costs["shared"].step_flops - costs["ema"].step_flops
    assert more == 2 * ema["target_encoder"]


@pytest.fixture
def trained(tiny_config: MakeConfig) -> HJEPATrainer:
    settings = ("training.epochs=2", "logging.gradient_frequency=2", "model.projection.dim=8")
    trainer = HJEPATrainer.from_config(tiny_config(*SHARED, *settings))
    assert trainer.train().log_error is None
    return trainer


def test_nothing_is_logged_of_an_average_that_there_is_not(trained: HJEPATrainer) -> None:
    tags = set(read_python(trained.logger.run_dir).series["."])
    assert {"loss/regularization", "gradients/projector_snr"} <= tags
    assert {tag for tag in tags if "ema" in tag} == set()


def test_a_run_comes_back_with_one_encoder_that_is_on_the_disk_once(trained: HJEPATrainer) -> None:
    latest = trained.checkpoints.latest()
    assert latest is not None
    model = HJEPAModel.from_pretrained(latest)
    assert model.target_encoder is model.context_encoder
    images = torch.rand(3, 1, 8, 8)
    for use_target_encoder in (True, False):
        found = model.extract_features(images, use_target_encoder=use_target_encoder)
        assert torch.equal(found, trained.model.extract_features(images))
    with Path(latest, "tensors.safetensors").open("rb") as file:
        names = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    assert {"model/target_encoder.norm.weight", "model/context_encoder.norm.weight"} & set(names)
    assert len([name for name in names if name.endswith("encoder.norm.weight")]) == 1


def test_the_distance_moves_predictions_and_never_targets(tiny_config: MakeConfig) -> None:
    config = tiny_config(*SHARED)
    output = forward(config, create(config))
    assert all(target.requires_grad for target in output.targets)
    total = create_loss(config)(output.predictions, output.targets, output.scored).total
    found = torch.autograd.grad(total, output.targets, allow_unused=True)
    assert found == (None,) * len(output.targets)


def test_a_stopped_run_goes_on_as_if_it_had_not_been_stopped(tiny_config: MakeConfig) -> None:
    settings = (*SHARED, "training.epochs=2", "model.projection.dim=8")
    whole = HJEPATrainer.from_config(tiny_config(*settings, "logging.experiment_name=whole"))
    whole.train()
    HJEPATrainer.from_config(tiny_config(*settings, "training.stop_after_epochs=1")).train()
    second = HJEPATrainer.from_config(tiny_config(*settings), resume="auto")
    second.train()
    assert second.step == whole.step
    mine, theirs = second.model.state_dict(), whole.model.state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)


def test_no_rule_finds_fault_with_an_average_that_there_is_not(trained: HJEPATrainer) -> None:
    (monitor,) = [one for one in trained.callbacks if isinstance(one, HealthMonitor)]
    verdict = monitor.verdict()
    assert "ema/target_gradient_norm" in verdict.unmeasured
    assert "ema/" not in repr((verdict.findings, verdict.unjudged))
