"""Early stopping ends a run when a metric no longer gets better, and not before."""

from __future__ import annotations

import logging
import math
from typing import Any, Literal, cast

import pytest
import torch

from sightline.callbacks import EarlyStopping, Trainer
from sightline.callbacks.early_stopping import NO_PROGRESS


class Loop:
    """A trainer of one step an epoch."""

    def __init__(self, end_epoch: int = 100) -> None:
        self.step = 0
        self.end_epoch = end_epoch
        self.stop_reason: str | None = None

    def stop(self, reason: str) -> None:
        self.stop_reason = self.stop_reason or reason

    def run(self, stopping: EarlyStopping, values: list[Any]) -> int:
        """Epochs that are trained when the metric takes these values; None is not measured."""
        trainer = cast(Trainer, self)
        stopping.on_train_begin(trainer)
        for value in values:
            if self.stop_reason is not None:
                break
            self.step += 1
            logs = {"other": 0.0} if value is None else {"score": value}
            stopping.on_epoch_end(trainer, self.step - 1, logs)
        return self.step


def score(mode: Literal["min", "max"] = "max", **options: Any) -> EarlyStopping:
    return EarlyStopping("score", mode=mode, **options)


@pytest.mark.parametrize(
    ("options", "values", "num_epochs"),
    [
        ({"patience": 2}, [1, 2, 3, 4, 5, 6], 6),
        ({"patience": 2}, [1, 2, 2, 2, 2, 2], 4),
        ({"patience": 2}, [1, 2, 0, 3, 0, 0, 9], 6),
        ({"patience": 1}, [1, 1, 9], 2),
        ({"patience": 2, "mode": "min"}, [3, 2, 1, 2, 3, 4], 5),
        ({"patience": 2, "min_delta": 0.5}, [1, 1.5, 1.5, 2], 3),
        ({"patience": 2, "min_delta": 0.5}, [1, 1.4, 1.6, 1.8, 2.2, 2.2, 2.7, 9], 7),
        ({"patience": 2}, [1, None, None, None, 0, None, 0, 9], 7),
        ({"patience": 2}, [1, math.nan, math.nan, 9], 3),
        ({"patience": 2}, [math.nan, math.inf, 9], 2),
        ({"patience": 2}, [torch.tensor(1.0), torch.tensor(0.5), torch.tensor(0.5), 9], 3),
    ],
)
def test_it_ends_after_so_many_evaluations_without_progress(
    options: dict[str, Any], values: list[Any], num_epochs: int
) -> None:
    loop = Loop()
    assert loop.run(score(**options), values) == num_epochs
    assert (loop.stop_reason is None) == (num_epochs == len(values))


def test_the_reason_names_the_metric_its_best_and_how_long_ago_that_was() -> None:
    loop = Loop()
    loop.run(score(patience=2), [0.25, 0.125, 0.125])
    told = "no progress: score was best at step 1 (0.25), 2 evaluations ago"
    assert loop.stop_reason == told
    assert told.startswith(NO_PROGRESS)


@pytest.mark.parametrize("cut", range(1, 7))
def test_a_resumed_run_ends_where_the_uninterrupted_one_does(cut: int) -> None:
    values = [1, 3, 2, None, math.nan, 2, 9]
    whole, first, second = Loop(), Loop(), Loop()
    assert whole.run(score(patience=3), values) == 6
    before, after = score(patience=3), score(patience=3)
    first.run(before, values[:cut])
    after.load_state_dict(before.state_dict())
    second.step = first.step
    assert second.run(after, values[cut:]) == 6
    assert second.stop_reason == whole.stop_reason


def test_without_patience_left_it_ends_at_once_and_with_more_it_goes_on() -> None:
    spent = score(patience=2)
    Loop().run(spent, [1, 0, 0])
    same, patient = score(patience=2), score(patience=4)
    for stopping in (same, patient):
        stopping.load_state_dict(spent.state_dict())
    loop = Loop()
    assert loop.run(same, [9, 9]) == 0
    assert (loop.stop_reason or "").startswith(NO_PROGRESS)
    assert Loop().run(patient, [0, 0, 0]) == 2


def test_a_run_that_is_over_anyway_is_not_ended_early() -> None:
    loop = Loop(end_epoch=3)
    loop.run(score(patience=2), [1, 0, 0])
    assert loop.stop_reason is None


def test_a_metric_that_never_comes_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        Loop(end_epoch=2).run(score(), [None, 1.0])
        assert not caplog.records
        Loop(end_epoch=2).run(score(), [None, None])
    assert "never saw its metric 'score'" in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "best"}, "'min' or 'max', got 'best'"),
        ({"mode": "min", "patience": 0}, "at least 1 evaluation, got 0"),
        ({"mode": "min", "min_delta": -0.1}, "0 or more, got -0.1"),
        ({"mode": "min", "min_delta": math.nan}, "0 or more, got nan"),
    ],
)
def test_a_bad_argument_is_refused_in_a_sentence(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EarlyStopping("score", **options)
