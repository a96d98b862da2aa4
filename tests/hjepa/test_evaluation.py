"""Probes while training: those that are asked for, on so many images, and no more."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from sightline.cli.train import print_summary
from sightline.hjepa import HJEPAConfig, HJEPATrainer
from sightline.reading import read
from sightline.training import ConfigError

MakeConfig = Callable[..., HJEPAConfig]


def test_a_run_is_probed_by_what_is_asked_for(
    tiny_config: MakeConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tiny_config("training.epochs=2", "evaluation.probes=[knn]")
    summary = HJEPATrainer.from_config(config).train()
    scores = {name for name in summary.trained if not name.startswith("loss")}
    assert scores == {"knn_accuracy", "effective_rank"}
    [run] = read(Path(str(summary.run_dir))).runs.values()
    tags = {name for name in run.scalars if name.startswith("eval/")}
    assert tags == {"eval/knn_accuracy", "eval/effective_rank"}
    print_summary(summary)
    printed = capsys.readouterr().out
    assert "kNN accuracy" in printed
    assert "linear probe" not in printed


def test_all_probes_are_asked_for_by_default(tiny_config: MakeConfig) -> None:
    trainer = HJEPATrainer.from_config(tiny_config())
    assert list(trainer.evaluate()) == [
        "knn_accuracy",
        "linear_probe_accuracy",
        "few_label_accuracy",
        "effective_rank",
    ]


def test_neighbours_cannot_be_left_out_since_they_rank_checkpoints(
    tiny_config: MakeConfig,
) -> None:
    with pytest.raises(ConfigError, match=r"expected knn among evaluation\.probes"):
        tiny_config("evaluation.probes=[linear]")
    with pytest.raises(ConfigError, match=r"evaluation\.probes"):
        tiny_config("evaluation.probes=[knn, attentive]")


def test_a_part_without_as_many_images_as_neighbours_is_refused(tiny_config: MakeConfig) -> None:
    with pytest.raises(ConfigError, match=r"evaluation\.max_images.* 20, got 19"):
        tiny_config("evaluation.max_images=19")


def test_a_large_set_is_probed_on_a_part_of_it_that_is_even_by_class(
    tiny_config: MakeConfig,
) -> None:
    trainer = HJEPATrainer.from_config(tiny_config("evaluation.max_images=100"))
    num_encoded = []
    handle = trainer.model.target_encoder.register_forward_hook(
        lambda _module, inputs, _outputs: num_encoded.append(len(inputs[0]))
    )
    first = trainer.evaluate()
    handle.remove()
    assert sum(num_encoded) == 200
    for loader in (trainer._probed_train_loader, trainer._probed_val_loader):
        labels = torch.cat([labels for _, labels in loader])
        assert np.bincount(labels).tolist() == [10] * 10
    assert trainer.evaluate() == first
    whole = HJEPATrainer.from_config(tiny_config()).evaluate()
    assert whole != first


def test_the_standard_error_is_that_of_the_images_that_were_probed(
    tiny_config: MakeConfig,
) -> None:
    config = tiny_config("training.epochs=2", "evaluation.max_images=100")
    assert HJEPATrainer.from_config(config).train().num_images == 100


def test_features_that_are_not_finite_have_no_scores(tiny_config: MakeConfig) -> None:
    trainer = HJEPATrainer.from_config(tiny_config("evaluation.probes=[knn, few-label]"))
    with torch.no_grad():
        trainer.model.target_encoder.norm.weight.fill_(torch.nan)
    scores = trainer.evaluate()
    assert list(scores) == ["knn_accuracy", "few_label_accuracy", "effective_rank"]
    assert all(math.isnan(score) for score in scores.values())
