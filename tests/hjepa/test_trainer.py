"""The H-JEPA training as a whole: it learns what it can, resumes exactly, and logs what it says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sightline.callbacks import Callback
from sightline.events import read
from sightline.hjepa import (
    HJEPAConfig,
    HJEPATrainer,
    MultiBlockMasking,
    create_loss,
    create_model,
)
from sightline.hjepa.data import EpochBatches, ImageSet, in_order, load_digits
from sightline.hjepa.selection import Masks
from sightline.training import CheckpointManager, create_optimizer, to_yaml
from sightline.writers import Scalar
from tests.loaders import Shown

MakeConfig = Callable[..., HJEPAConfig]
Read = Callable[[Path], Shown]
Series = dict[str, list[tuple[int, Any]]]
CLOCKED = re.compile("(healthy/)?(performance|system)/")


def curves(shown: Shown) -> Series:
    """The scalars that do not depend on the clock."""
    return {
        tag: points
        for tag, points in shown.series["."].items()
        if shown.plugins["."][tag] == "scalars" and not CLOCKED.match(tag)
    }


class SameMasks(MultiBlockMasking):
    """The masks of the first batch, for ever."""

    def __call__(self, batch_size: int, generator: torch.Generator) -> Masks:
        return super().__call__(batch_size, torch.Generator().manual_seed(0))


def test_one_batch_can_be_learned_by_heart(tiny_config: MakeConfig) -> None:
    images, _ = load_digits()
    batch = ImageSet(images.images_NCHW[:8], images.labels_N[:8], images.class_names)
    config = tiny_config(
        "data.batch_size=8",
        "model.embed_dim=64",
        "model.num_heads=4",
        "model.predictor.embed_dim=64",
        "model.predictor.depth=2",
        "model.predictor.num_heads=4",
        "model.ema.momentum=1.0",
        "training.epochs=400",
        "training.warmup_epochs=10",
        "training.lr=3e-3",
        "data.augmentation.rotation_degrees=0",
        "data.augmentation.translation=0",
        "data.augmentation.scale=0",
        "data.augmentation.shear=0",
        "evaluation.eval_frequency=400",
        "checkpoint.save_frequency=400",
        "logging.log_frequency=50",
        "logging.tensorboard.enabled=false",
    )
    model = create_model(config, batch)
    losses: list[float] = []

    class Remember(HJEPATrainer):
        def compute_loss(self, batch: Any) -> tuple[Tensor, Any]:
            loss, metrics = super().compute_loss(batch)
            losses.append(float(loss.detach()))
            return loss, metrics

    loader = torch.utils.data.DataLoader(batch, sampler=EpochBatches(8, 8, seed=0), batch_size=None)
    Remember(
        model,
        loader,
        in_order(batch, 8),
        create_optimizer(model, lr=3e-3, weight_decay=0.0),
        create_loss(config),
        SameMasks((4, 4), num_masks=2, mask_scale=(0.2, 0.4)),
        config,
        "cpu",
        callbacks=[],
    ).train()
    assert losses[-1] < 0.05 * losses[0]


ALL_OF_THE_MODEL = (
    "model.depth=3",
    "model.positions=rope",
    "model.layer_scale=0.1",
    "model.drop_path_rate=0.5",
    "model.activation_checkpointing=true",
    "model.fusion=fpn",
    "model.target_depths=[1,2,3]",
)


@pytest.mark.parametrize("settings", [(), ALL_OF_THE_MODEL], ids=["plain", "all of the model"])
def test_a_resumed_run_takes_the_steps_of_an_uninterrupted_one(
    settings: tuple[str, ...], tiny_config: MakeConfig, read_python: Read
) -> None:
    settings = ("training.epochs=4", *settings)
    whole = HJEPATrainer.from_config(tiny_config(*settings, "logging.experiment_name=whole"))
    whole.train()
    halves = (*settings, "logging.experiment_name=halves")
    HJEPATrainer.from_config(tiny_config(*halves, "training.stop_after_epochs=2")).train()
    second = HJEPATrainer.from_config(tiny_config(*halves), resume="auto")
    assert second.step == 2 * second.steps_per_epoch
    second.train()

    ours, theirs = second.model.state_dict(), whole.model.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    resumed = curves(read_python(second.logger.run_dir))
    uninterrupted = curves(read_python(whole.logger.run_dir))
    assert resumed == uninterrupted
    assert len(resumed["loss/total"]) == 4 * whole.steps_per_epoch


def test_a_run_stopped_in_the_middle_of_an_epoch_resumes_there(
    tiny_config: MakeConfig, read_python: Read
) -> None:
    whole = HJEPATrainer.from_config(
        tiny_config("training.epochs=2", "logging.experiment_name=whole")
    )
    whole.train()

    class StopsAtStep6(HJEPATrainer):
        def compute_loss(self, batch: Any) -> tuple[Tensor, Any]:
            if self.step == 5:
                os.kill(os.getpid(), signal.SIGINT)
            return super().compute_loss(batch)

    parts = tiny_config("training.epochs=2", "logging.experiment_name=parts")
    first = StopsAtStep6.from_config(parts).train()
    assert (first.stop_reason, first.num_steps) == ("SIGINT", 6)
    second = HJEPATrainer.from_config(parts, resume="auto")
    second.train()
    ours, theirs = second.model.state_dict(), whole.model.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert curves(read_python(second.logger.run_dir)) == curves(read_python(whole.logger.run_dir))


EVERYTHING_MOVES = (
    "training.epochs=6",
    "training.accumulation_steps=2",
    "training.weight_decay_end=0.4",
    "training.early_stopping.metric=val/loss",
    "training.early_stopping.mode=max",
    "training.early_stopping.patience=2",
    "training.early_stopping.min_delta=100",
    "loss.hierarchy_weights_end=[0.2,1.0,2.0]",
    "loss.target_norm=token",
    "evaluation.eval_frequency=1",
    "data.batch_size=300",
)


def test_a_run_killed_in_the_middle_of_an_accumulated_epoch_resumes_with_all_that_moves(
    tiny_config: MakeConfig, read_python: Read
) -> None:
    # Two epochs of two steps, then two evaluations without progress.
    whole = HJEPATrainer.from_config(
        tiny_config(*EVERYTHING_MOVES, "logging.experiment_name=whole")
    )
    summary = whole.train()
    assert summary.num_steps == 3 * 2
    assert "no progress" in (summary.stop_reason or "")

    class Stops(HJEPATrainer):
        """Is interrupted in the second micro-batch of an epoch's first step."""

        at_step = -1

        def compute_loss(self, batch: Any) -> tuple[Tensor, Any]:
            if (self.step, self.micro_step) == (self.at_step, 1):
                os.kill(os.getpid(), signal.SIGINT)
            return super().compute_loss(batch)

    parts = tiny_config(*EVERYTHING_MOVES, "logging.experiment_name=parts")
    for at_step in (0, 2, 4):
        part = Stops.from_config(parts, resume="auto")
        assert part.step == at_step - (at_step > 0)
        part.at_step = at_step
        stopped = part.train()
        assert (stopped.stop_reason, stopped.num_steps) == ("SIGINT", at_step + 1)
    last = HJEPATrainer.from_config(parts, resume="auto")
    assert last.train().stop_reason == summary.stop_reason

    ours, theirs = last.model.state_dict(), whole.model.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    stoppings = [trainer.callbacks.state_dict()["EarlyStopping-1"] for trainer in (last, whole)]
    assert stoppings[0] == stoppings[1]
    kept = [trainer.optimizer.state_dict() for trainer in (last, whole)]
    assert kept[0]["param_groups"] == kept[1]["param_groups"]
    for number, moments in kept[1]["state"].items():
        for name, value in moments.items():
            assert torch.equal(kept[0]["state"][number][name], value)
    resumed = curves(read_python(last.logger.run_dir))
    assert resumed == curves(read_python(whole.logger.run_dir))
    decays = [value for _, value in resumed["train/weight_decay"]]
    assert decays == sorted(set(decays))
    weights = [value for _, value in resumed["loss/weight_h2"]]
    assert weights == sorted(set(weights))


def last_step(run_dir: Path) -> int:
    return max(event.step for event in read(run_dir))


def test_a_killed_run_resumes_with_no_gap_and_no_double(
    tmp_path: Path,
    tiny_config: MakeConfig,
    read_python: Read,
    read_rust: Read,
) -> None:
    config = tiny_config(
        "training.epochs=400",
        "evaluation.eval_frequency=400",
        "checkpoint.save_frequency=40",
        "logging.monitor_frequency=50",
        "logging.gradient_frequency=50",
        "logging.quality_frequency=1000",
        "logging.histogram_frequency=1000",
        "logging.figure_frequency=1000",
    )
    file = tmp_path / "config.yaml"
    file.write_text(to_yaml(config))
    command = [sys.executable, "-m", "sightline", "train", "hjepa", "--config", str(file)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run_dir = tmp_path / "runs" / "tiny"
    checkpoints = CheckpointManager(run_dir / "checkpoints")
    deadline = time.monotonic() + 300
    # Kill it when there are steps on disk that no checkpoint has.
    while checkpoints.latest() is None or last_step(run_dir) % 200 < 20:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.wait()

    latest = checkpoints.latest()
    assert latest is not None
    resumed_at = checkpoints.load(latest).step
    assert last_step(run_dir) > resumed_at + 10
    epochs = resumed_at // 5 + 2
    resumed = subprocess.run(
        [*command, "--resume", "auto", f"training.stop_after_epochs={epochs}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert resumed.returncode == 0, resumed.stderr
    every_step = list(range(1, 5 * epochs + 1))
    for shown in (read_python(run_dir), read_rust(run_dir)):
        assert shown.steps("loss/total") == every_step
        for tag in curves(shown):
            assert shown.steps(tag) == sorted(set(shown.steps(tag))), tag


def test_accumulated_micro_batches_make_one_step(tiny_config: MakeConfig) -> None:
    summary = HJEPATrainer.from_config(
        tiny_config("training.epochs=2", "data.batch_size=128", "training.accumulation_steps=4")
    ).train()
    # 1,437 images make 11 batches of 128: two steps of 4 and one of the 3 that are left.
    assert summary.num_steps == 2 * 3


def test_the_target_encoder_moves_after_each_step_and_not_at_the_last(
    tiny_config: MakeConfig,
) -> None:
    trainer = HJEPATrainer.from_config(
        tiny_config("training.epochs=2", "model.ema.momentum=0.9", "training.lr=1e-2")
    )
    seen: list[tuple[float, Tensor]] = []
    follow = trainer.after_optimizer_step

    def watch() -> Any:
        expected = 0.9
        before = trainer.model.target_encoder.blocks[0].proj.weight.clone()
        metrics = follow()
        source = trainer.model.context_encoder.blocks[0].proj.weight.detach()
        momentum = metrics["train/ema_momentum"]
        after = trainer.model.target_encoder.blocks[0].proj.weight
        assert momentum >= expected
        torch.testing.assert_close(after, before.lerp(source, 1 - momentum))
        seen.append((momentum, after - before))
        return metrics

    trainer.after_optimizer_step = watch  # type: ignore[method-assign]
    trainer.train()
    assert seen[0][0] == 0.9
    assert seen[-1][0] == 1.0
    assert seen[3][1].abs().max() > 0
    assert seen[-1][1].abs().max() == 0


def test_a_second_run_of_the_same_name_gets_a_folder_of_its_own(tiny_config: MakeConfig) -> None:
    config = tiny_config("training.epochs=2", "training.stop_after_epochs=1")
    names = [HJEPATrainer.from_config(config).train().run_dir.name for _ in range(2)]
    assert names == ["tiny", "tiny-2"]
    assert HJEPATrainer.from_config(config, resume="auto").logger.run_dir.name == "tiny-2"


def test_a_loss_that_is_not_a_number_ends_the_run(tiny_config: MakeConfig) -> None:
    class Broken(HJEPATrainer):
        def compute_loss(self, batch: Any) -> tuple[Tensor, Any]:
            loss, metrics = super().compute_loss(batch)
            return (loss * float("nan") if self.step == 3 else loss), metrics

    summary = Broken.from_config(tiny_config("training.epochs=50")).train()
    assert summary.stop_reason == "train/loss is nan"
    assert summary.num_steps < 40
    latest = CheckpointManager(summary.run_dir / "checkpoints").latest()
    assert latest is None or latest.name <= "step-00000003"


class FullDisk:
    """A writer that can take nothing."""

    supports: frozenset[type] = frozenset({Scalar})

    def write(self, values: Any, *, step: int, wall_time: float) -> None:
        raise OSError("no space left on device")

    def flush(self) -> None: ...

    def close(self) -> None: ...


def test_a_log_that_cannot_be_written_does_not_stop_the_training(
    tiny_config: MakeConfig, capfd: pytest.CaptureFixture[str]
) -> None:
    class Watches(Callback):
        writer = FullDisk()

    model_config = tiny_config("training.epochs=2")
    whole = HJEPATrainer.from_config(model_config, callbacks=[Watches()])
    summary = whole.train()
    assert summary.num_steps == 2 * whole.steps_per_epoch
    assert summary.log_error == "no space left on device"
    assert CheckpointManager(summary.run_dir / "checkpoints").latest() is not None
    assert capfd.readouterr().err.count("no space left on device") == 1


def test_context_is_dropped_at_random_and_targets_and_validation_are_whole(
    tiny_config: MakeConfig,
) -> None:
    gates: list[Tensor | None] = []

    class Remember(HJEPATrainer):
        def _predict(
            self, images: Tensor, masks: Any, drawn: Tensor | None = None, *counts: Any
        ) -> Any:
            gates.append(drawn)
            return super()._predict(images, masks, drawn, *counts)

    settings = ("model.depth=3", "model.drop_path_rate=0.5", "training.epochs=1")
    trainer = Remember.from_config(tiny_config(*settings, "training.warmup_epochs=0"))
    trainer.train()
    training = [one for one in gates if one is not None]
    assert len(training) == trainer.steps_per_epoch < len(gates)  # the others are of validation
    assert {one.shape for one in training} == {(3, 2, 256)}
    assert len({one.sum().item() for one in training}) == len(training)


def test_mixed_precision_trains(tiny_config: MakeConfig) -> None:
    trainer = HJEPATrainer.from_config(tiny_config("training.epochs=2", "training.use_amp=true"))
    summary = trainer.train()
    assert trainer.model.context_encoder.blocks[0].qkv.weight.dtype == torch.float32
    assert 0 < summary.trained["loss"] < 3


def test_a_checkpoint_of_another_shape_is_refused_before_anything_is_written(
    tiny_config: MakeConfig,
) -> None:
    first = HJEPATrainer.from_config(tiny_config("training.epochs=2"))
    first.train()
    before = sorted(first.logger.run_dir.rglob("*"))
    with pytest.raises(ValueError, match=r"shape .*\(32.* got \(16"):
        HJEPATrainer.from_config(
            tiny_config("training.epochs=2", "model.embed_dim=32"), resume="auto"
        )
    assert sorted(first.logger.run_dir.rglob("*")) == before
