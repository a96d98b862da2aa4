"""The monitors and the logger in the real Lightning `Trainer`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import lightning.pytorch as pl
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from sightline import MetricsLogger, read
from sightline.callbacks import Monitor, Need
from sightline.callbacks.lightning import SightlineCallback, SightlineLogger
from sightline.events import RunStatus
from sightline.writers import Memory, RunEnd
from tests.callbacks.default_tags import CLOCKED, default_tags, due
from tests.loaders import read_python

# Lightning 2.6 asks torch 2.13 for what it deprecates, and advises more workers for the loader.
pytestmark = [
    pytest.mark.filterwarnings(r"ignore:`isinstance\(treespec, LeafSpec\)`:FutureWarning"),
    pytest.mark.filterwarnings("ignore:The '.*_dataloader' does not have many workers"),
]
WIDTH = 8
BATCH, NUM_SAMPLES = 8, 64


class Net(pl.LightningModule):
    def __init__(self, *, with_features: bool = True, fails_at: int | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Linear(4, WIDTH), nn.Tanh(), nn.Linear(WIDTH, WIDTH))
        self.head = nn.Linear(WIDTH, 1)
        self.with_features = with_features
        self.fails_at = fails_at

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        if self.global_step == self.fails_at:
            raise KeyError("batch")
        features = self.body(batch[0])
        loss = (self.head(features) - batch[1]).square().mean()
        self.log("my_loss", loss)
        return {"loss": loss, "features": features} if self.with_features else loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        self.log("val/loss", (self.head(self.body(batch[0])) - batch[1]).square().mean())

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.AdamW(self.parameters(), lr=1e-2)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


class Adversaries(Net):
    """Two optimizer steps a batch, by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch: Any, batch_idx: int) -> Any:
        for optimizer in self.optimizers():
            loss = (self.head(self.body(batch[0])) - batch[1]).square().mean()
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()
        return {"loss": loss}

    def configure_optimizers(self) -> Any:
        return [torch.optim.SGD(part.parameters(), lr=0.1) for part in (self.body, self.head)]


def loader() -> DataLoader[Any]:
    x = torch.randn(NUM_SAMPLES, 4, generator=torch.Generator().manual_seed(0))
    return DataLoader(TensorDataset(x, x[:, :1]), batch_size=BATCH)


def fit(
    module: pl.LightningModule,
    place: Path,
    callbacks: list[Any],
    *,
    logger: Any = False,
    ckpt_path: Path | None = None,
    **options: Any,
) -> pl.Trainer:
    trainer = pl.Trainer(
        accelerator="cpu",
        default_root_dir=place,
        callbacks=callbacks,
        logger=logger,
        enable_progress_bar=False,
        enable_model_summary=False,
        **{"enable_checkpointing": False, "max_epochs": 2, "log_every_n_steps": 5, **options},
    )
    trainer.fit(module, loader(), loader(), ckpt_path=ckpt_path)
    return trainer


class Seen(Monitor):
    """Keeps what it was shown."""

    reading_needs: ClassVar[Need] = Need.GRADIENTS | Need.WEIGHTS_BEFORE

    def __init__(self, every: int) -> None:
        super().__init__(every=every)
        self.steps: dict[int, dict[str, Any]] = {}

    def read(self, trainer: Any, logs: Any) -> None:
        self.steps[trainer.step] = {
            "gradients": dict(trainer.gradients),
            "before": dict(trainer.weights_before),
            "after": {name: w.detach().clone() for name, w in trainer.parameters.items()},
            "rates": list(trainer.learning_rates),
            "loss": logs.get("train/loss"),
            "num_samples": trainer.samples_per_step,
        }


def memory_logger() -> MetricsLogger:
    return MetricsLogger("run", "runs", writers=[Memory()])


def test_exactly_the_expected_tags_are_written_at_the_expected_steps(tmp_path: Path) -> None:
    logger = SightlineLogger("run", tmp_path)
    net = Net()
    fit(net, tmp_path, [SightlineCallback(every=4, log_every=3, figures_every=6)], logger=logger)
    logger.close()
    shown = read_python(tmp_path / "run").series["."]
    names = [name for name, _ in net.named_parameters()]
    expected = default_tags(names, 16, every=4, log_every=3)
    expected |= {f"{kind}/{name}": [1] for kind in ("weights", "gradients") for name in names}
    expected |= {"collapse/similarity": [1, 4, 8, 12, 16], "gradient/flow": due(6, 16)}
    expected |= {"custom_scalars__config__": [0], "__run_graph__": [0]}
    # What the module and Lightning log themselves, on Lightning's steps, which begin at 0.
    expected |= {"my_loss": [4, 9, 14], "val/loss": [7, 15], "epoch": [4, 7, 9, 14, 15]}
    found = {tag: [step for step, _ in points] for tag, points in shown.items()}
    assert {tag: steps for tag, steps in found.items() if not CLOCKED.match(tag)} == expected


def test_a_watched_training_ends_with_the_same_bits(tmp_path: Path) -> None:
    plain, watched = Net(), Net()
    fit(plain, tmp_path, [])
    callback = SightlineCallback(memory_logger(), every=2, log_every=1, figures_every=5)
    fit(watched, tmp_path, [callback])
    for one, other in zip(plain.parameters(), watched.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("accumulate", [1, 4])
def test_a_step_is_shown_as_it_was(tmp_path: Path, accumulate: int) -> None:
    seen = Seen(every=3)
    fit(
        Net(),
        tmp_path,
        [SightlineCallback(memory_logger(), monitors=[seen])],
        accumulate_grad_batches=accumulate,
        gradient_clip_val=0.05,
        max_epochs=accumulate,
    )
    assert sorted(seen.steps) == [1, 3, 6]

    # The same by hand.
    net = Net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    batches = list(loader()) * accumulate
    for step in range(1, 7):
        before = {name: w.detach().clone() for name, w in net.named_parameters()}
        losses = []
        optimizer.zero_grad()
        for x, y in batches[(step - 1) * accumulate : step * accumulate]:
            losses.append((net.head(net.body(x)) - y).square().mean())
            (losses[-1] / accumulate).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.05)
        [rate] = [group["lr"] for group in optimizer.param_groups]
        optimizer.step()
        scheduler.step()
        if step not in seen.steps:
            continue
        shown = seen.steps[step]
        assert shown["rates"] == [rate]
        assert shown["num_samples"] == BATCH * accumulate
        torch.testing.assert_close(shown["loss"], torch.stack(losses).mean().detach())
        for name, weight in net.named_parameters():
            assert torch.equal(shown["gradients"][name], weight.grad)
            assert torch.equal(shown["before"][name], before[name])
            assert torch.equal(shown["after"][name], weight)


def test_on_other_steps_nothing_is_copied_or_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[int] = []
    seen = Seen(every=5)
    callback = SightlineCallback(memory_logger(), monitors=[seen], log_every=5)
    import sightline.callbacks.observed_loop as module

    original = module._copies

    def counted(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        assert callback._loop is not None
        copied.append(callback._loop.step + 1)
        return original(tensors)

    monkeypatch.setattr(module, "_copies", counted)
    fit(Net(), tmp_path, [callback])
    assert sorted(seen.steps) == [1, 5, 10, 15]
    assert copied == [1, 1, 5, 5, 10, 10, 15, 15]  # weights, gradients


def test_manual_optimization_reads_at_the_last_optimizer_step_of_a_batch(tmp_path: Path) -> None:
    seen = Seen(every=4)
    net = Adversaries()
    trainer = fit(net, tmp_path, [SightlineCallback(memory_logger(), monitors=[seen])])
    assert trainer.global_step == 32
    assert sorted(seen.steps) == [2, 4, 8, 12, 16, 20, 24, 28, 32]
    shown = seen.steps[32]
    assert shown["rates"] == [0.1, 0.1]
    assert shown["loss"] is not None
    for name, after in shown["after"].items():
        torch.testing.assert_close(after, shown["before"][name] - 0.1 * shown["gradients"][name])


def test_features_may_come_from_the_module(tmp_path: Path) -> None:
    memory = Memory()
    logger = MetricsLogger("run", "runs", writers=[memory])
    given = torch.randn(16, 3, WIDTH)
    callback = SightlineCallback(logger, features=lambda module: given, every=10)
    fit(Net(with_features=False), tmp_path, [callback])
    assert [step for step, _ in memory.scalars()["train/target_std"]] == [1, 10]


def test_without_features_nothing_is_said_of_collapse(tmp_path: Path) -> None:
    memory = Memory()
    logger = MetricsLogger("run", "runs", writers=[memory])
    fit(Net(with_features=False), tmp_path, [SightlineCallback(logger, every=10)])
    assert not [tag for tag in memory.scalars() if tag.startswith("collapse/")]


def test_a_resumed_run_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    def run(name: str, **options: Any) -> pl.Trainer:
        resume_step = options.pop("resume_step", None)
        callback = SightlineCallback(every=2, log_every=2, histograms_every=100)
        logger = SightlineLogger(name, tmp_path, resume_step=resume_step)
        trainer = fit(Net(), tmp_path, [callback], logger=logger, **options)
        logger.close()
        return trainer

    run("whole", max_epochs=4)
    run("halves", max_epochs=2).save_checkpoint(tmp_path / "half.ckpt")
    run("halves", max_epochs=4, ckpt_path=tmp_path / "half.ckpt", resume_step=16)
    runs = read(tmp_path)
    whole, halves = runs["whole"].scalars, runs["halves"].scalars
    rooms = ("gradients/", "updates/", "stability/", "collapse/", "train/", "learning_rate/")
    measured = [tag for tag in whole if tag.startswith(rooms)]
    assert "gradients/body_snr" in measured
    for tag in measured:
        assert whole[tag].steps.tolist() == halves[tag].steps.tolist(), tag
        assert whole[tag].values.tolist() == halves[tag].values.tolist(), tag


def test_a_fit_that_raises_is_written_to_its_last_step_and_has_failed(tmp_path: Path) -> None:
    memory = Memory()
    logger = SightlineLogger("run", tmp_path, extra_writers=[memory])
    with pytest.raises(KeyError, match="batch"):
        fit(Net(fails_at=3), tmp_path, [SightlineCallback(log_every=1)], logger=logger)
    assert read(tmp_path / "run").run.scalars["train/loss"].steps.tolist() == [1, 2, 3]
    [end] = [one.value for one in memory.written if isinstance(one.value, RunEnd)]
    assert end.status is RunStatus.FAILURE


class Stopper(Monitor):
    def read(self, trainer: Any, logs: Any) -> None:
        trainer.stop("enough")


def test_a_monitor_can_stop_the_trainer(tmp_path: Path) -> None:
    callback = SightlineCallback(memory_logger(), monitors=[Stopper(every=4)])
    assert fit(Net(), tmp_path, [callback], min_epochs=0).global_step == 1


def test_a_loss_that_the_module_logs_itself_is_not_logged_twice(tmp_path: Path) -> None:
    class Loud(Net):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            outputs = super().training_step(batch, batch_idx)
            self.log("train/loss", outputs["loss"])
            return outputs

    logger = SightlineLogger("run", tmp_path)
    fit(Loud(), tmp_path, [SightlineCallback(log_every=4)], logger=logger)
    logger.close()
    assert read(tmp_path / "run").run.scalars["train/loss"].steps.tolist() == [4, 9, 14]


def test_settings_and_checkpoints_go_to_the_run(tmp_path: Path) -> None:
    class Saved(Net):
        def __init__(self, width: int = 3) -> None:
            super().__init__()
            self.save_hyperparameters()

    logger = SightlineLogger("run", tmp_path)
    fit(Saved(), tmp_path, [], logger=logger, enable_checkpointing=True)
    logger.close()
    assert "_hparams_/session_start_info" in read_python(tmp_path / "run").plugins["."]
    assert list((tmp_path / "run" / "checkpoints").glob("*.ckpt"))


def test_without_a_logger_it_says_what_to_pass(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="SightlineLogger"):
        fit(Net(), tmp_path, [SightlineCallback()])


def test_without_lightning_the_install_line_is_told() -> None:
    code = (
        "import sys; sys.modules.update({'lightning.pytorch': None, 'pytorch_lightning': None})\n"
        "import sightline.callbacks.lightning"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert 'pip install "sightline[lightning]"' in answer.stderr
