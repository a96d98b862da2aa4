"""A run leaves a card beside its weights, and what the card says is true."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from sightline.hjepa import HJEPAConfig, HJEPASummary, HJEPATrainer
from sightline.hjepa.costs import measure_costs
from sightline.training import standard_error

MakeConfig = Callable[..., HJEPAConfig]
SETTINGS = ("training.epochs=2", "health.webhook=https://example.org/secret")


def train(config: HJEPAConfig) -> tuple[HJEPATrainer, HJEPASummary, str]:
    trainer = HJEPATrainer.from_config(config)
    summary = trainer.train()
    return trainer, summary, Path(summary.run_dir, "README.md").read_text("utf-8")


def test_a_card_says_what_was_trained_and_what_was_measured(tiny_config: MakeConfig) -> None:
    trainer, summary, card = train(tiny_config(*SETTINGS))
    _, front, text = card.split("---\n", 2)
    assert yaml.safe_load(front) == {
        "library_name": "sightline",
        "pipeline_tag": "image-feature-extraction",
        "tags": [
            "self-supervised-learning",
            "joint-embedding-predictive-architecture",
            "vision-transformer",
        ],
    }
    assert text.startswith("\n# tiny\n")
    assert "1,437 training images, 360 held-out images, 10 classes" in text
    assert "at 3 levels of 4 x 4, 4 x 2, 2 x 2 cells" in text
    assert "10 steps, 2 of 2 planned epochs" in text
    for scores in (summary.untrained, summary.trained):
        accuracy = scores["knn_accuracy"]
        assert f"| {accuracy:.3f} ± {standard_error(accuracy, 360):.3f} |" in f"{text} |"
        assert f" {scores['loss_h2']:.3f} |" in text
    costs = measure_costs(trainer.model, trainer.masking_fn, (1, 8, 8))
    assert f"{costs.step_flops / 1e6:,.4g} MFLOP" in text
    num_trained = sum(w.numel() for w in trainer.model.parameters() if w.requires_grad)
    num_frozen = sum(w.numel() for w in trainer.model.target_encoder.parameters())
    assert f"| **all** | {num_trained:,} | {num_frozen:,} |" in text
    assert f"| torch | {torch.__version__.partition('+')[0]}" in text


def test_the_code_on_a_card_runs(tiny_config: MakeConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    _, summary, card = train(tiny_config(*SETTINGS))
    monkeypatch.chdir(summary.run_dir)
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    scope = {"images": torch.rand(3, 1, 8, 8)}
    exec(code.replace("encoder.onnx", "encoder.safetensors"), scope)
    shapes = [(3, *map(int, found.split(", "))) for found in re.findall(r"# \(B, (.*)\)\n", code)]
    assert shapes == [scope["features"].shape, scope["patches"].shape]
    assert Path(summary.run_dir, "encoder.safetensors").exists()


def test_the_configuration_on_a_card_is_the_whole_one_without_its_secrets(
    tiny_config: MakeConfig,
) -> None:
    config = tiny_config(*SETTINGS)
    _, _, card = train(config)
    (text,) = re.findall(r"```yaml\n(.*?)```", card, re.DOTALL)
    assert yaml.safe_load(text) == config.model_dump(mode="json")
    assert "secret" not in card


def test_a_run_that_was_stopped_has_a_card_that_says_so_and_the_next_session_replaces_it(
    tiny_config: MakeConfig,
) -> None:
    class Stopped(HJEPATrainer):
        def after_optimizer_step(self):  # type: ignore[no-untyped-def]
            if self.step == 7:
                self.stop("SIGTERM")
            return super().after_optimizer_step()

    config = tiny_config(*SETTINGS)
    summary = Stopped.from_config(config).train()
    path = Path(summary.run_dir, "README.md")
    assert "7 steps, 1.4 of 2 planned epochs" in path.read_text("utf-8")
    assert "Stopped early: SIGTERM." in path.read_text("utf-8")
    HJEPATrainer.from_config(config, resume="auto").train()
    assert "10 steps, 2 of 2 planned epochs" in path.read_text("utf-8")
    assert "Stopped early" not in path.read_text("utf-8")


def test_a_run_without_probes_or_an_average_has_a_card(tiny_config: MakeConfig) -> None:
    settings = ("model.target_encoder=shared", "loss.regularization.type=vicreg")
    config = tiny_config(*SETTINGS, *settings)
    summary = HJEPATrainer.from_config(config, callbacks=[]).train()
    card = Path(summary.run_dir, "README.md").read_text("utf-8")
    assert "| kNN accuracy | nan | nan |" in card
    assert "there is no second one" in card


def test_a_card_that_cannot_be_written_costs_the_run_nothing(
    tiny_config: MakeConfig, caplog: pytest.LogCaptureFixture
) -> None:
    class InTheWay(HJEPATrainer):
        def run(self) -> None:
            super().run()
            Path(self.logger.run_dir, "README.md").mkdir()

    summary = InTheWay.from_config(tiny_config(*SETTINGS)).train()
    assert summary.num_steps == 10
    assert "No model card in" in caplog.text
