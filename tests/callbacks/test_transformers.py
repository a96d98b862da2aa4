"""The monitors in the real `Trainer` of Hugging Face transformers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn
from transformers import Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from sightline import MetricsLogger, read
from sightline.callbacks import Monitor, Need
from sightline.callbacks.transformers import SightlineTrainerCallback
from sightline.writers import Memory
from tests.callbacks.default_tags import CLOCKED, default_tags, due
from tests.loaders import read_python

WIDTH = 8
BATCH, NUM_SAMPLES = 8, 64
NUM_STEPS = 16  # two epochs


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Linear(4, WIDTH), nn.Tanh(), nn.Linear(WIDTH, WIDTH))
        self.head = nn.Linear(WIDTH, 1)
        self.last_features: Tensor | None = None

    def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        self.last_features = self.body(x)
        prediction = self.head(self.last_features)
        return {"loss": (prediction - labels).square().mean(), "prediction": prediction}


def examples() -> list[dict[str, Tensor]]:
    x = torch.randn(NUM_SAMPLES, 4, generator=torch.Generator().manual_seed(0))
    return [{"x": row, "labels": row[:1]} for row in x]


def train(
    net: Net, place: Path, callbacks: list[Any], *, resume: str | None = None, **options: Any
) -> Trainer:
    settings = {
        "num_train_epochs": 2,
        "logging_steps": 4,
        "eval_strategy": "epoch",
        "save_strategy": "no",
        **options,
    }
    arguments = TrainingArguments(
        output_dir=str(place),
        per_device_train_batch_size=BATCH,
        learning_rate=1e-2,
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        dataloader_pin_memory=False,
        **settings,
    )
    trainer = Trainer(net, arguments, train_dataset=examples(), eval_dataset=examples())
    trainer.remove_callback(PrinterCallback)
    for callback in callbacks:
        trainer.add_callback(callback)
    trainer.train(resume_from_checkpoint=resume)
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
            "num_samples": trainer.samples_per_step,
        }


def memory_logger() -> MetricsLogger:
    return MetricsLogger("run", "runs", writers=[Memory()])


def test_exactly_the_expected_tags_are_written_at_the_expected_steps(tmp_path: Path) -> None:
    net = Net()
    with MetricsLogger("run", tmp_path) as logger:
        callback = SightlineTrainerCallback(
            logger,
            features=lambda model: model.last_features,
            every=4,
            log_every=3,
            figures_every=6,
        )
        train(net, tmp_path, [callback])
    shown = read_python(tmp_path / "run").series["."]
    names = [name for name, _ in net.named_parameters()]
    expected = default_tags(names, NUM_STEPS, every=4, log_every=3, with_loss=False, num_groups=2)
    expected |= {f"{kind}/{name}": [1] for kind in ("weights", "gradients") for name in names}
    expected |= {"collapse/similarity": [1, 4, 8, 12, 16], "gradient/flow": due(6, NUM_STEPS)}
    expected |= {"custom_scalars__config__": [0], "epoch": [4, 8, 12, 16]}
    # What the Trainer logs itself.
    expected |= dict.fromkeys(("loss", "grad_norm", "learning_rate"), due(4, NUM_STEPS)[1:])
    of_evaluation = ("loss", "runtime", "samples_per_second", "steps_per_second")
    expected |= {f"eval_{name}": [8, 16] for name in of_evaluation}
    of_training = ("runtime", "samples_per_second", "steps_per_second", "loss")
    expected |= {f"train_{name}": [16] for name in of_training} | {"total_flos": [16]}
    found = {tag: [step for step, _ in points] for tag, points in shown.items()}
    assert {tag: steps for tag, steps in found.items() if not CLOCKED.match(tag)} == expected


def test_a_watched_training_ends_with_the_same_bits(tmp_path: Path) -> None:
    plain, watched = Net(), Net()
    train(plain, tmp_path, [])
    callback = SightlineTrainerCallback(memory_logger(), every=2, log_every=1, figures_every=5)
    train(watched, tmp_path, [callback])
    for one, other in zip(plain.parameters(), watched.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("accumulate", [1, 4])
def test_a_step_is_shown_as_it_was(
    tmp_path: Path, accumulate: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = Seen(every=3)
    truth: dict[int, dict[str, Any]] = {}

    class Noting(Trainer):
        """Notes what the optimizer of the real loop is given."""

        def create_optimizer(self, *arguments: Any, **options: Any) -> Any:
            optimizer = super().create_optimizer(*arguments, **options)
            step = optimizer.step

            def noting(*given: Any, **options: Any) -> Any:
                named = dict(self.model.named_parameters())
                before = {name: w.detach().clone() for name, w in named.items()}
                rates = [group["lr"] for group in optimizer.param_groups]
                result = step(*given, **options)
                truth[len(truth) + 1] = {
                    "rates": rates,
                    "before": before,
                    "gradients": {name: w.grad.clone() for name, w in named.items()},
                    "after": {name: w.detach().clone() for name, w in named.items()},
                }
                return result

            optimizer.step = noting
            return optimizer

    monkeypatch.setitem(globals(), "Trainer", Noting)
    callback = SightlineTrainerCallback(memory_logger(), monitors=[seen])
    train(
        Net(),
        tmp_path,
        [callback],
        gradient_accumulation_steps=accumulate,
        num_train_epochs=accumulate,
        max_grad_norm=0.05,
    )
    assert sorted(seen.steps) == [1, 3, 6]
    for step, shown in seen.steps.items():
        assert shown["rates"] == truth[step]["rates"]
        assert shown["num_samples"] == BATCH * accumulate
        for part in ("before", "gradients", "after"):
            for name, tensor in truth[step][part].items():
                assert torch.equal(shown[part][name], tensor)
    assert truth[1]["rates"] != truth[2]["rates"]  # a scheduler follows each step


def test_on_other_steps_nothing_is_copied_or_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[int] = []
    seen = Seen(every=5)
    callback = SightlineTrainerCallback(memory_logger(), monitors=[seen])
    import sightline.callbacks.observed_loop as module

    original = module._copies

    def counted(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        assert callback._loop is not None
        copied.append(callback._loop.step + 1)
        return original(tensors)

    monkeypatch.setattr(module, "_copies", counted)
    train(Net(), tmp_path, [callback])
    assert sorted(seen.steps) == [1, 5, 10, 15]
    assert copied == [1, 1, 5, 5, 10, 10, 15, 15]  # weights, gradients


def test_a_resumed_run_goes_on_at_its_step(tmp_path: Path) -> None:
    def run(name: str, **options: Any) -> None:
        resume_step = options.pop("resume_step", None)
        with MetricsLogger(name, tmp_path, resume_step=resume_step) as logger:
            callback = SightlineTrainerCallback(logger, every=2, log_every=2)
            train(Net(), tmp_path / name, [callback], **options)

    run("whole")
    halves = {"save_strategy": "steps", "save_steps": 8}

    class Interruption(SightlineTrainerCallback):
        def on_step_end(self, args: Any, state: Any, control: Any, **given: Any) -> None:
            super().on_step_end(args, state, control, **given)
            if state.global_step == 11:
                raise KeyboardInterrupt

    with MetricsLogger("halves", tmp_path) as logger, pytest.raises(KeyboardInterrupt):
        train(Net(), tmp_path / "halves", [Interruption(logger, every=2, log_every=2)], **halves)
    checkpoint = str(tmp_path / "halves" / "checkpoint-8")
    run("halves", resume=checkpoint, resume_step=8, **halves)

    runs = read(tmp_path)
    whole, resumed = runs["whole"].scalars, runs["halves"].scalars
    rooms = ("gradients/", "updates/", "learning_rate", "loss", "grad_norm", "eval_loss")
    measured = [tag for tag in whole if tag.startswith(rooms) and "snr" not in tag]
    assert "updates/body_update_to_weight" in measured
    for tag in measured:
        assert whole[tag].steps.tolist() == resumed[tag].steps.tolist(), tag
        assert whole[tag].values.tolist() == resumed[tag].values.tolist(), tag


class Stopper(Monitor):
    def read(self, trainer: Any, logs: Any) -> None:
        trainer.stop("enough")


def test_a_monitor_can_stop_the_trainer(tmp_path: Path) -> None:
    callback = SightlineTrainerCallback(memory_logger(), monitors=[Stopper(every=4)])
    assert train(Net(), tmp_path, [callback]).state.global_step == 1


def test_without_transformers_the_install_line_is_told() -> None:
    code = "import sys; sys.modules['transformers'] = None\nimport sightline.callbacks.transformers"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert 'pip install "sightline[transformers]"' in answer.stderr
