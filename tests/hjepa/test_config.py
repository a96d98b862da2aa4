"""What a configuration of H-JEPA says by itself."""

from pathlib import Path

import pytest

from sightline.callbacks import EarlyStopping, ProbeMonitor
from sightline.hjepa import HJEPAConfig, HJEPATrainer
from sightline.hjepa.encoder import SIZES
from sightline.training import load_config
from sightline.training.config import flatten

CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "hjepa").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_configuration_that_comes_along_is_valid(path):
    assert load_config(HJEPAConfig, path).model.num_hierarchies == 3


@pytest.mark.parametrize("size", SIZES)
def test_a_named_size_sets_width_depth_and_heads(size):
    model = load_config(HJEPAConfig, None, (f"model.size={size}",)).model
    assert (model.embed_dim, model.depth, model.num_heads) == SIZES[size]


def test_a_size_and_another_width_is_a_contradiction():
    with pytest.raises(ValueError, match="expected embed_dim 192 with size tiny, got 64"):
        load_config(HJEPAConfig, None, ("model.size=tiny", "model.embed_dim=64"))


def test_a_resolved_size_is_the_same_once_more():
    config = load_config(HJEPAConfig, None, ("model.size=tiny",))
    assert HJEPAConfig.model_validate(config.model_dump()) == config
    assert flatten(config)["model.embed_dim"] == 192


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("loss.hierarchy_weights_end=[1,1]", "one of loss.hierarchy_weights_end for each of the 3"),
        ("loss.hierarchy_weights_end=[0,0,0]", r"loss.hierarchy_weights_end above 0, got \[0.0,"),
        ("loss.hierarchy_weights=[0,0,0]", r"at least one of loss.hierarchy_weights above 0"),
        ("loss.hierarchy_weights_schedule=step", "hierarchy_weights_schedule"),
        ("training.weight_decay_end=-1", "training.weight_decay_end"),
        ("training.early_stopping.metric=eval/knn", "training.early_stopping.metric"),
        ("training.early_stopping.patience=0", "training.early_stopping.patience"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused_with_its_key(setting, message):
    with pytest.raises(ValueError, match=message):
        load_config(HJEPAConfig, None, (setting,))


@pytest.mark.parametrize(
    ("settings", "metric", "mode"),
    [
        (("patience=3",), "eval/knn_accuracy", "max"),
        (("metric=val/loss",), "val/loss", "min"),
        (("metric=val/loss", "mode=max"), "val/loss", "max"),
    ],
)
def test_early_stopping_is_there_if_asked_for_and_looks_after_the_probes_have(
    tiny_config, settings, metric, mode
):
    config = tiny_config(*(f"training.early_stopping.{setting}" for setting in settings))
    trainer = HJEPATrainer.from_config(config)
    trainer.logger.close()
    kinds = [type(callback) for callback in trainer.callbacks]
    stopping = list(trainer.callbacks)[kinds.index(EarlyStopping)]
    assert (stopping.metric, stopping.mode) == (metric, mode)
    assert kinds.index(ProbeMonitor) < kinds.index(EarlyStopping)


def test_a_run_does_not_stop_early_unless_it_is_asked_to(tiny_config):
    trainer = HJEPATrainer.from_config(tiny_config())
    trainer.logger.close()
    assert EarlyStopping not in map(type, trainer.callbacks)
