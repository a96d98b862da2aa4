"""A real training is judged as its files are, and stops or goes back where it must."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor
from typer.testing import CliRunner

from sightline import read
from sightline.callbacks import HealthMonitor
from sightline.cli.app import app
from sightline.cli.judged import judge_run, rules_of
from sightline.health import RuleBook, Verdict
from sightline.hjepa import HJEPAConfig, HJEPATrainer
from sightline.training import CheckpointManager

MakeConfig = Callable[..., HJEPAConfig]
# What these tests do not look at.
QUICK = (
    "evaluation.eval_frequency=30",
    "logging.monitor_frequency=1000",
    "logging.quality_frequency=1000",
    "logging.histogram_frequency=1000",
)
UNLOGGED = (*QUICK, "logging.tensorboard.enabled=false")


class Frozen(HJEPATrainer):
    """The target encoder is never updated."""

    def after_optimizer_step(self) -> Any:
        metrics = super().after_optimizer_step()
        self.model.target_encoder.load_state_dict(self.first_target)
        return metrics

    @property
    def first_target(self) -> dict[str, Tensor]:
        if not hasattr(self, "_first_target"):
            state = self.model.target_encoder.state_dict()
            self._first_target = {name: tensor.clone() for name, tensor in state.items()}
        return self._first_target


class Breaks(HJEPATrainer):
    """The loss is no number at one step, the first few times that it is taken."""

    times = 1
    at = 8

    def compute_loss(self, batch: Any) -> tuple[Tensor, Any]:
        loss, metrics = super().compute_loss(batch)
        if self.step + 1 == self.at and self.times > 0:
            self.times -= 1
            return loss * float("nan"), metrics
        return loss, metrics


def monitor_of(trainer: HJEPATrainer) -> HealthMonitor:
    (monitor,) = [one for one in trainer.callbacks if isinstance(one, HealthMonitor)]
    return monitor


def verdict_on_files(run_dir: Path) -> Verdict:
    (run,) = read(run_dir).runs.values()
    return judge_run(run, rules_of(run, None), {})


def told(verdict: Verdict) -> str:
    return repr((verdict.findings, verdict.unmeasured, verdict.unjudged))


def test_the_verdict_of_a_run_is_that_of_its_files(tiny_config: MakeConfig) -> None:
    trainer = Frozen.from_config(tiny_config("training.epochs=4", "logging.gradient_frequency=2"))
    summary = trainer.train()
    assert summary.stop_reason is None  # it is only told
    verdict = monitor_of(trainer).verdict()
    assert ("frozen", "ema/update_magnitude") in {(one.rule, one.tag) for one in verdict.findings}
    assert told(verdict_on_files(Path(summary.run_dir))) == told(verdict)


def test_the_verdict_of_a_resumed_run_is_that_of_its_files(tiny_config: MakeConfig) -> None:
    options = ("training.epochs=4", "logging.gradient_frequency=2")
    Frozen.from_config(tiny_config(*options, "training.stop_after_epochs=2")).train()
    trainer = HJEPATrainer.from_config(tiny_config(*options), resume="auto")
    summary = trainer.train()
    verdict = monitor_of(trainer).verdict()
    # The fault lies in the first session alone; the second remembers it.
    assert "ema/update_magnitude" in {one.tag for one in verdict.findings}
    assert told(verdict_on_files(Path(summary.run_dir))) == told(verdict)


@pytest.mark.parametrize(("warmup_epochs", "warmup_steps"), [(0, 10), (1, 10), (4, 20)])
def test_an_encoder_that_has_yet_to_learn_is_not_judged(
    tiny_config: MakeConfig, warmup_epochs: int, warmup_steps: int
) -> None:
    settings = ("training.epochs=40", f"training.warmup_epochs={warmup_epochs}")
    trainer = HJEPATrainer.from_config(tiny_config(*settings))
    assert trainer.steps_per_epoch == 5
    (monitor,) = (one for one in trainer.callbacks if isinstance(one, HealthMonitor))
    assert isinstance(monitor.rules, RuleBook)
    assert monitor.rules.facts.warmup_steps == warmup_steps
    trainer.logger.close()


def test_a_monitor_can_be_left_out(tiny_config: MakeConfig) -> None:
    trainer = HJEPATrainer.from_config(tiny_config("training.epochs=2", "health.enabled=false"))
    assert not [one for one in trainer.callbacks if isinstance(one, HealthMonitor)]
    trainer.logger.close()


def test_an_error_stops_the_run_with_a_checkpoint(tiny_config: MakeConfig) -> None:
    config = tiny_config(
        *UNLOGGED, "training.epochs=30", "logging.gradient_frequency=2", "health.on_error=stop"
    )
    summary = Frozen.from_config(config).train()
    assert summary.stop_reason == "ema/update_magnitude is 0"
    assert summary.num_steps < 30 * 6
    latest = CheckpointManager(Path(summary.run_dir) / "checkpoints").latest()
    assert latest is not None
    assert latest.name == f"step-{summary.num_steps:08d}"


def test_the_command_ends_with_1_where_an_error_stopped_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.hjepa.HJEPATrainer", Frozen)
    monkeypatch.setattr("sightline.hjepa.trainer.HJEPATrainer", Frozen)
    options = (
        "training.epochs=30",
        "training.warmup_epochs=1",
        "model.depth=1",
        "data.batch_size=256",
        *UNLOGGED,
        "logging.gradient_frequency=2",
        "health.on_error=stop",
        f"logging.log_dir={tmp_path}",
    )
    result = CliRunner().invoke(app, ["train", "hjepa", *options])
    assert result.exit_code == 1
    assert "Stopped early: ema/update_magnitude is 0" in result.stderr


def test_a_run_goes_back_and_on_more_slowly(tiny_config: MakeConfig) -> None:
    config = tiny_config(
        *QUICK, "training.epochs=30", "training.stop_after_epochs=4", "health.on_error=rollback"
    )
    trainer = Breaks.from_config(config)
    summary = trainer.train()
    assert summary.stop_reason is None
    assert summary.num_steps == 4 * trainer.steps_per_epoch
    ((step, factor),) = trainer.learning_rate_cuts
    assert (step < Breaks.at, factor) == (True, 0.5)
    (run,) = read(summary.run_dir).runs.values()
    loss, lr = run.scalars["train/loss"], run.scalars["train/lr"]
    assert loss.steps.tolist() == list(range(1, summary.num_steps + 1))  # once each
    assert all(map(math.isfinite, loss.values))
    for at, value in zip(lr.steps.tolist(), lr.values.tolist(), strict=True):
        planned = trainer.learning_rate(at - 1)
        assert value == pytest.approx(planned * (0.5 if at > step else 1.0), rel=1e-6)
    assert any("Went back to step" in str(text.text) for text in run.texts["run/alerts"])
    verdict = monitor_of(trainer).verdict()
    assert not {"non_finite", "off_schedule"} & {one.rule for one in verdict.findings}
    assert told(verdict_on_files(Path(summary.run_dir))) == told(verdict)


def test_a_run_that_breaks_again_and_again_stops(tiny_config: MakeConfig) -> None:
    class Always(Breaks):
        times = 100

    config = tiny_config(
        *UNLOGGED,
        "training.epochs=30",
        "training.stop_after_epochs=4",
        "health.on_error=rollback",
        "health.max_rollbacks=2",
    )
    trainer = Always.from_config(config)
    summary = trainer.train()
    assert summary.stop_reason == "train/loss is nan, and it happened again after 2 rollbacks"
    assert [factor for _, factor in trainer.learning_rate_cuts] == [0.5, 0.5]
    latest = CheckpointManager(Path(summary.run_dir) / "checkpoints").latest()
    assert latest is not None
    assert int(latest.name.removeprefix("step-")) < Breaks.at


def test_a_run_that_breaks_at_once_goes_back_to_its_start(tiny_config: MakeConfig) -> None:
    class AtOnce(Breaks):
        at = 1

    config = tiny_config(
        *UNLOGGED, "training.epochs=30", "training.stop_after_epochs=2", "health.on_error=rollback"
    )
    trainer = AtOnce.from_config(config)
    summary = trainer.train()
    assert summary.stop_reason is None
    assert trainer.learning_rate_cuts == ((0, 0.5),)


def test_what_was_saved_after_the_fault_began_is_gone(tiny_config: MakeConfig) -> None:
    class FrozenAtFirst(Frozen):
        left: tuple[str, ...] | None = None

        def after_optimizer_step(self) -> Any:
            if not self.learning_rate_cuts:
                return super().after_optimizer_step()
            if self.left is None:
                self.left = tuple(path.name for path in self.checkpoints.checkpoint_dir.iterdir())
            return HJEPATrainer.after_optimizer_step(self)

    config = tiny_config(
        *QUICK,
        "training.epochs=30",
        "training.stop_after_epochs=6",
        "logging.gradient_frequency=4",
        "health.on_error=rollback",
    )
    trainer = FrozenAtFirst.from_config(config)
    summary = trainer.train()
    assert summary.stop_reason is None
    ((step, _),) = trainer.learning_rate_cuts
    assert trainer.left is not None
    assert max(trainer.left) == f"step-{step:08d}"
    # An epoch is shorter than two readings of the moving average: some epoch ended in between.
    (run,) = read(summary.run_dir).runs.values()
    moved = run.scalars["ema/update_magnitude"]
    assert all(moved.values[moved.steps > step + 4] > 0)


def test_a_run_without_a_checkpoint_from_before_the_fault_stops(tiny_config: MakeConfig) -> None:
    config = tiny_config(
        *UNLOGGED,
        "training.epochs=30",
        "logging.gradient_frequency=20",
        "health.on_error=rollback",
    )
    summary = Frozen.from_config(config).train()
    assert summary.stop_reason == "ema/update_magnitude is 0, and no checkpoint is from before 20"
    assert 40 <= summary.num_steps < 60


def test_a_webhook_is_no_hyperparameter(tiny_config: MakeConfig) -> None:
    from sightline.training import flatten, to_yaml

    config = tiny_config("health.webhook=https://hooks.example.com/secret")
    assert "secret" not in str(flatten(config)) + to_yaml(config)
