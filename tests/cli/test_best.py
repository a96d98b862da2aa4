from __future__ import annotations

import pytest

from sightline.cli.best import Best, Goal, goal_of


@pytest.mark.parametrize(
    "tag",
    [
        "loss",
        "train/loss",
        "loss/h0",
        "val_loss",
        "valLoss",
        "RMSE",
        "perf/step_time_ms",
        "FID_10k",
    ],
)
def test_less_of_a_loss_is_better(tag: str) -> None:
    assert goal_of(tag) is Goal.MIN


@pytest.mark.parametrize(
    "tag",
    ["acc", "eval/kNN_accuracy", "Train/PSNR", "meanIoU", "top5", "f1", "samples_per_second"],
)
def test_more_of_an_accuracy_is_better(tag: str) -> None:
    assert goal_of(tag) is Goal.MAX


@pytest.mark.parametrize(
    "tag", ["train/lr", "epoch", "lossless", "policy/entropy", "attention_map", "17", ""]
)
def test_a_name_that_says_neither_has_no_best(tag: str) -> None:
    assert goal_of(tag) is None


def test_the_last_word_that_says_it_decides() -> None:
    assert goal_of("loss/accuracy") is Goal.MAX
    assert goal_of("accuracy/loss") is Goal.MIN


def test_an_option_decides_for_all() -> None:
    assert Best.MAX.goal("loss") is Goal.MAX
    assert Best.MIN.goal("train/lr") is Goal.MIN
    assert Best.AUTO.goal("loss") is Goal.MIN
