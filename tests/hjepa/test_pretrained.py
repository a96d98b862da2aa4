"""A model that was trained is there again, with its configuration, its pixels and its weights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from sightline.hjepa import HJEPAConfig, HJEPAModel, HJEPATrainer
from sightline.training import load_config
from sightline.training.checkpoint_files import write_manifest
from tests.hjepa.conftest import TINY

SETTINGS = ("training.epochs=3", "evaluation.eval_frequency=1", "model.positions=rope")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> HJEPATrainer:
    logs = f"logging.log_dir={tmp_path_factory.mktemp('runs')}"
    trainer = HJEPATrainer.from_config(load_config(HJEPAConfig, None, (*TINY, *SETTINGS, logs)))
    trainer.train()
    return trainer


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def places(trainer: HJEPATrainer) -> Iterator[Path]:
    run_dir = Path(trainer.logger.run_dir)
    yield from (run_dir, run_dir / "checkpoints")
    latest = trainer.checkpoints.latest()
    assert latest is not None
    yield latest


def test_the_model_of_a_run_is_the_one_that_was_trained(
    trained: HJEPATrainer, images: torch.Tensor
) -> None:
    expected = trained.model.extract_features(images)
    for place in places(trained):
        model = HJEPAModel.from_pretrained(place, "latest")
        assert not model.training
        assert torch.equal(model.extract_features(images), expected)


def test_the_best_checkpoint_is_the_one_with_the_best_neighbours(trained: HJEPATrainer) -> None:
    best = trained.checkpoints.best()
    assert best is not None
    weights = trained.checkpoints.load(best).state["model"]
    found = HJEPAModel.from_pretrained(trained.logger.run_dir).state_dict()
    assert all(torch.equal(found[name], weights[name]) for name in weights)


def test_a_checkpoint_without_its_configuration_is_refused(
    trained: HJEPATrainer, tmp_path: Path
) -> None:
    copy = tmp_path / "step-00000001"
    copy.mkdir()
    *_, latest = places(trained)
    for file in latest.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    manifest = json.loads((copy / "manifest.json").read_text())
    del manifest["state"]["blueprint"]
    write_manifest(copy, manifest)
    with pytest.raises(ValueError, match="H-JEPA model with its configuration"):
        HJEPAModel.from_pretrained(copy)


def test_a_folder_without_checkpoints_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="Expected a checkpoint at"):
        HJEPAModel.from_pretrained(tmp_path)
