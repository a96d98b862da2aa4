"""The default monitors in a plain torch loop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

import sightline
from sightline import MetricsLogger, read
from sightline.callbacks import Callback, GradientMonitor, Monitor, Need, default_monitors
from sightline.callbacks.observed_loop import ObservedLoop
from sightline.events import RunStatus
from sightline.writers import Memory, RunEnd
from tests.callbacks.default_tags import CLOCKED, default_tags, due
from tests.loaders import read_python

WIDTH = 8


def create(seed: int = 0) -> tuple[nn.Sequential, torch.optim.AdamW]:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, WIDTH), nn.Tanh(), nn.Linear(WIDTH, 1))
    return model, torch.optim.AdamW(model.parameters(), lr=1e-2)


def loss_and_features(model: nn.Sequential, step: int) -> tuple[Tensor, Tensor]:
    x = torch.randn(16, 4, generator=torch.Generator().manual_seed(step))
    features = model[:2](x)
    return (model[2](features) - x[:, :1]).square().mean(), features


def train(
    model: nn.Sequential,
    optimizer: Any,
    w: Any,
    steps: range,
    *,
    zero_before: bool = True,
    set_to_none: bool = True,
) -> None:
    for step in steps:
        loss, features = loss_and_features(model, step)
        loss.backward()
        optimizer.step()
        if zero_before:
            optimizer.zero_grad(set_to_none=set_to_none)
        if w is not None:
            w.step(loss=loss, features=features, num_samples=16)
        if not zero_before:
            optimizer.zero_grad(set_to_none=set_to_none)


class Seen(Monitor):
    """Keeps what it was shown."""

    reading_needs: ClassVar[Need] = Need.GRADIENTS | Need.WEIGHTS_BEFORE

    def __init__(self, every: int) -> None:
        super().__init__(every=every)
        self.gradients: dict[int, dict[str, Tensor]] = {}
        self.weights: dict[int, tuple[dict[str, Tensor], dict[str, Tensor]]] = {}
        self.rates: dict[int, list[float]] = {}

    def read(self, trainer: Any, logs: Any) -> None:
        step = trainer.step
        self.gradients[step] = dict(trainer.gradients)
        now = {name: weight.detach().clone() for name, weight in trainer.parameters.items()}
        self.weights[step] = (dict(trainer.weights_before), now)
        self.rates[step] = list(trainer.learning_rates)


def memory_logger() -> MetricsLogger:
    return MetricsLogger("run", "runs", writers=[Memory()])


def test_exactly_the_expected_tags_are_written_at_the_expected_steps(tmp_path: Path) -> None:
    model, optimizer = create()
    with (
        MetricsLogger("run", tmp_path) as logger,
        sightline.watch(
            model, logger, every=4, log_every=3, figures_every=6, optimizer=optimizer
        ) as w,
    ):
        train(model, optimizer, w, range(1, 17))
    shown = read_python(tmp_path / "run").series["."]
    names = [name for name, _ in model.named_parameters()]
    expected = default_tags(names, 16, every=4, log_every=3, times=["samples_per_second"])
    expected |= {f"{kind}/{name}": [1] for kind in ("weights", "gradients") for name in names}
    expected |= {"collapse/similarity": [1, 4, 8, 12, 16], "gradient/flow": due(6, 16)}
    expected["custom_scalars__config__"] = [0]
    found = {tag: [step for step, _ in points] for tag, points in shown.items()}
    assert {tag: steps for tag, steps in found.items() if not CLOCKED.match(tag)} == expected


@pytest.mark.parametrize("zero_before", [True, False])
@pytest.mark.parametrize("set_to_none", [True, False])
def test_gradients_and_weights_are_those_of_the_step_wherever_they_are_zeroed(
    zero_before: bool, set_to_none: bool
) -> None:
    seen = Seen(every=3)
    model, optimizer = create()
    with sightline.watch(model, memory_logger(), optimizer=optimizer, monitors=[seen]) as w:
        train(model, optimizer, w, range(1, 8), zero_before=zero_before, set_to_none=set_to_none)
    check_against_a_plain_loop(seen)


def test_without_the_optimizer_they_are_read_at_the_call() -> None:
    seen = Seen(every=3)
    model, optimizer = create()
    with sightline.watch(model, memory_logger(), monitors=[seen]) as w:
        train(model, optimizer, w, range(1, 8), zero_before=False)
    check_against_a_plain_loop(seen)
    assert seen.rates[3] == []


def check_against_a_plain_loop(seen: Seen) -> None:
    assert sorted(seen.gradients) == [1, 3, 6]
    model, optimizer = create()
    for step in range(1, 8):
        before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
        loss_and_features(model, step)[0].backward()
        gradients = {name: w.grad.clone() for name, w in model.named_parameters()}
        optimizer.step()
        optimizer.zero_grad()
        if step in seen.gradients:
            after = dict(model.named_parameters())
            for name in gradients:
                assert torch.equal(seen.gradients[step][name], gradients[name])
                assert torch.equal(seen.weights[step][0][name], before[name])
                assert torch.equal(seen.weights[step][1][name], after[name])


def test_a_watched_training_ends_with_the_same_bits() -> None:
    plain, optimizer = create()
    train(plain, optimizer, None, range(1, 13))
    watched, optimizer = create()
    with (
        memory_logger() as logger,
        sightline.watch(
            watched, logger, every=2, log_every=1, figures_every=4, optimizer=optimizer
        ) as w,
    ):
        train(watched, optimizer, w, range(1, 13))
    for one, other in zip(plain.parameters(), watched.parameters(), strict=True):
        assert torch.equal(one, other)


def test_on_other_steps_nothing_is_copied_or_read(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, int]] = []
    loops: list[ObservedLoop] = []
    training = threading.current_thread()
    model, optimizer = create()

    def count(owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def counted(*arguments: Any, **options: Any) -> Any:
            if threading.current_thread() is training:  # the logger's worker reads when it likes
                calls.append((name, loops[0].step))
            return original(*arguments, **options)

        monkeypatch.setattr(owner, name, counted)

    with memory_logger() as logger:
        monitors = [m for m in default_monitors(every=5, log_every=5) if isinstance(m, Monitor)]
        monitors = [m for m in monitors if type(m).__name__ != "SystemMonitor"]
        with sightline.watch(
            model, logger, optimizer=optimizer, monitors=monitors, log_every=5
        ) as w:
            loops.append(w._loop)
            for monitor in monitors:
                count(type(monitor), "read")
            for name in ("clone", "item", "cpu", "tolist", "__float__", "__bool__"):
                count(Tensor, name)
            count(nn.Module, "named_parameters")
            count(MetricsLogger, "log_metrics")
            for step in range(1, 13):
                loss, features = loss_and_features(model, step)
                loss.backward()
                before = len(calls)
                # AdamW reads its own counter of steps here.
                optimizer.step()
                own = [call for call in calls[before:] if call[0] not in {"item", "__float__"}]
                calls[before:] = own
                optimizer.zero_grad()
                w.step(loss=loss, features=features)
            monkeypatch.undo()
    # Before the step ends the loop stands at the one before.
    assert {step for _, step in calls} <= {0, 1, 4, 5, 9, 10}
    assert ("read", 5) in calls
    assert ("clone", 4) in calls


def test_a_copy_on_a_step_that_is_not_due_would_be_seen() -> None:
    class Greedy(Seen):
        @property
        def needs(self) -> Need:
            return self.reading_needs

    model, optimizer = create()
    greedy = Greedy(every=100)
    with sightline.watch(model, memory_logger(), optimizer=optimizer, monitors=[greedy]) as w:
        train(model, optimizer, w, range(1, 3))
        loss_and_features(model, 3)[0].backward()
        optimizer.step()
        assert w._loop.weights_before.keys() == dict(model.named_parameters()).keys()
        w.step()
        assert w._loop.weights_before == {}


def test_learning_rates_are_those_of_the_step_although_a_scheduler_follows() -> None:
    seen = Seen(every=1)
    model, optimizer = create()
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    with sightline.watch(model, memory_logger(), optimizer=optimizer, monitors=[seen]) as w:
        for step in range(1, 4):
            loss_and_features(model, step)[0].backward()
            optimizer.step()
            scheduler.step()
            w.step()
    assert seen.rates == {1: [1e-2], 2: [5e-3], 3: [2.5e-3]}


def test_accumulated_batches_are_one_step() -> None:
    seen = Seen(every=1)
    model, optimizer = create()
    with sightline.watch(model, memory_logger(), optimizer=optimizer, monitors=[seen]) as w:
        for batch in range(6):
            loss_and_features(model, batch)[0].backward()
            if batch % 2:
                optimizer.step()
                optimizer.zero_grad()
                w.step()
    assert sorted(seen.gradients) == [1, 2, 3]
    model, _ = create()
    for batch in range(2):
        loss_and_features(model, batch)[0].backward()
    for name, weight in model.named_parameters():
        assert torch.equal(seen.gradients[1][name], weight.grad)


def test_two_optimizers_are_one_step() -> None:
    seen = Seen(every=1)
    model, _ = create()
    first = torch.optim.SGD(model[0].parameters(), lr=0.1)
    second = torch.optim.SGD(model[2].parameters(), lr=0.2)
    with sightline.watch(model, memory_logger(), optimizer=[first, second], monitors=[seen]) as w:
        for optimizer in (first, second):
            loss_and_features(model, 1)[0].backward()
            optimizer.step()
            model.zero_grad()
        w.step()
    before, after = seen.weights[1]
    assert seen.rates == {1: [0.1, 0.2]}
    for name, gradient in seen.gradients[1].items():
        rate = 0.1 if name.startswith("0") else 0.2
        torch.testing.assert_close(after[name], before[name] - rate * gradient)


def test_a_run_that_raises_is_written_to_its_last_step_and_has_failed(tmp_path: Path) -> None:
    model, optimizer = create()
    memory = Memory()

    def loop() -> None:
        with (
            MetricsLogger("run", tmp_path, extra_writers=[memory]) as logger,
            sightline.watch(model, logger, log_every=1, optimizer=optimizer) as w,
        ):
            train(model, optimizer, w, range(1, 4))
            raise KeyError("batch")

    with pytest.raises(KeyError, match="batch"):
        loop()
    run = read(tmp_path / "run").run
    assert run.scalars["train/loss"].steps.tolist() == [1, 2, 3]
    [end] = [one.value for one in memory.written if isinstance(one.value, RunEnd)]
    assert end.status is RunStatus.FAILURE
    assert not optimizer._optimizer_step_pre_hooks
    assert not optimizer._optimizer_step_post_hooks


@pytest.mark.parametrize("is_loaded_inside", [True, False])
def test_a_resumed_run_goes_on_as_if_it_had_not_stopped(
    tmp_path: Path, is_loaded_inside: bool
) -> None:
    def watch(model: nn.Module, logger: MetricsLogger, optimizer: Any) -> Any:
        return sightline.watch(
            model, logger, every=2, log_every=2, histograms_every=100, optimizer=optimizer
        )

    model, optimizer = create()
    with MetricsLogger("whole", tmp_path) as logger, watch(model, logger, optimizer) as w:
        train(model, optimizer, w, range(1, 21))

    model, optimizer = create()
    with MetricsLogger("halves", tmp_path) as logger, watch(model, logger, optimizer) as w:
        train(model, optimizer, w, range(1, 12))
        state = w.state_dict()
    torch.save(state, tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt")
    with MetricsLogger("halves", tmp_path, resume_step=11) as logger:
        w = watch(model, logger, optimizer)
        if not is_loaded_inside:
            w.load_state_dict(state)
        with w:
            if is_loaded_inside:
                w.load_state_dict(state)
            train(model, optimizer, w, range(12, 21))
            assert w.num_steps == 20

    runs = read(tmp_path)
    whole, halves = runs["whole"].scalars, runs["halves"].scalars
    measured = [tag for tag in whole if not tag.startswith(("performance/", "system/"))]
    assert "gradients/0_snr" in measured
    assert "stability/loss_trend_slope" in measured
    for tag in measured:
        assert whole[tag].steps.tolist() == halves[tag].steps.tolist(), tag
        assert whole[tag].values.tolist() == halves[tag].values.tolist(), tag


def test_start_step_says_where_the_steps_begin() -> None:
    seen = Seen(every=5)
    model, optimizer = create()
    with sightline.watch(
        model, memory_logger(), optimizer=optimizer, monitors=[seen], start_step=12
    ) as w:
        train(model, optimizer, w, range(13, 22))
    assert sorted(seen.gradients) == [15, 20]


def logged(**metrics: Any) -> dict[str, list[tuple[int, float]]]:
    memory = Memory()
    model, _ = create()
    with (
        MetricsLogger("run", "runs", writers=[memory]) as logger,
        sightline.watch(model, logger, monitors=[], log_every=2) as w,
    ):
        for _ in range(3):
            w.step(**metrics)
        w.validation(loss=torch.tensor(0.25), accuracy=1)
    return memory.scalars()


def test_metrics_are_logged_under_train_and_val() -> None:
    loss = torch.tensor(2.0, requires_grad=True) * 2
    assert logged(loss=loss, accuracy=0.5, **{"memory/used": 3}) == {
        "train/loss": [(1, 4.0), (2, 4.0)],
        "train/accuracy": [(1, 0.5), (2, 0.5)],
        "memory/used": [(1, 3.0), (2, 3.0)],
        "val/loss": [(3, 0.25)],
        "val/accuracy": [(3, 1.0)],
    }


def test_tokens_are_averaged() -> None:
    memory = Memory()
    model, _ = create()
    tokens = torch.randn(16, 3, WIDTH)
    with (
        MetricsLogger("run", "runs", writers=[memory]) as logger,
        sightline.watch(model, logger) as w,
    ):
        w.step(features=tokens)
        w.step()
    [(step, found)] = memory.scalars()["train/target_std"]
    assert step == 1
    assert found == pytest.approx(float(tokens.mean(1).std(0, correction=0).mean()), rel=1e-5)


class Stopper(Callback):
    def on_batch_end(self, trainer: Any, batch: Any, logs: Any) -> None:
        trainer.stop("enough")


def test_a_monitor_can_ask_to_stop() -> None:
    with sightline.watch(create()[0], memory_logger(), monitors=[Stopper()]) as w:
        assert w.stop_reason is None
        w.step()
        assert w.stop_reason == "enough"


def test_a_step_that_a_grad_scaler_skipped_leaves_no_gap_in_the_training() -> None:
    model, optimizer = create()
    with (
        memory_logger() as logger,
        sightline.watch(
            model, logger, optimizer=optimizer, monitors=[GradientMonitor(every=1)]
        ) as w,
    ):
        w.step(loss=float("inf"))
        train(model, optimizer, w, range(1, 3))
        assert w.num_steps == 3


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda w: w.step(features=torch.zeros(3)), ValueError, "shape"),
        (lambda w: w.step(loss=torch.zeros(3)), ValueError, "expected a number"),
    ],
)
def test_what_cannot_be_watched_is_refused_at_once(
    call: Callable[[Any], None], error: type[Exception], message: str
) -> None:
    with sightline.watch(create()[0], memory_logger()) as w, pytest.raises(error, match=message):
        call(w)


def test_a_call_outside_the_block_and_a_model_that_is_none_are_refused() -> None:
    w = sightline.watch(create()[0], memory_logger())
    with pytest.raises(RuntimeError, match="open block"):
        w.step()
    with pytest.raises(TypeError, match="torch module"):
        sightline.watch({"w": 1}, memory_logger())
