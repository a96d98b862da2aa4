"""`kill -9` for real: a logging process dies at any moment, and the run goes on."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from sightline.logger import MetricsLogger
from tests.loaders import Shown, read_python, read_rust
from tests.writers.kill_trial import log_until_killed, steps

MAX_LOST_SECS = 1.0


@pytest.mark.parametrize("seed", range(5))
def test_a_run_that_is_killed_twice_loses_a_second_and_no_loader_sees_a_seam(
    tmp_path: Path, seed: int
) -> None:
    rng = random.Random(seed)
    run_dir = tmp_path / "run"
    first = log_until_killed(tmp_path, None, rng)
    checkpoint = max(-1, steps(run_dir)[-1] - rng.choice([0, 1, 300])) if first.num_on_disk else -1
    second = log_until_killed(tmp_path, checkpoint, rng)
    for trial in (first, second):
        assert trial.lost_secs <= MAX_LOST_SECS, trial
        assert trial.num_damaged == 0, "the files stay readable"
    pictures = steps(run_dir, "image")
    last = steps(run_dir)[-1] if second.num_on_disk else checkpoint
    with MetricsLogger("run", tmp_path, resume_step=last) as logger:
        logger.log_metrics({"loss": float(last + 1)})

    def check(load: Callable[[Path], Shown]) -> None:
        shown = load(tmp_path)
        series = shown.series["run"]
        assert series["loss"] == [(step, float(step)) for step in range(last + 2)]
        assert shown.steps("lr", "run") == list(range(last + 1)), "not written again"
        assert shown.steps("image", "run") == [step for step in pictures if step <= last]
        if last >= 0:  # what tells about it is on disk with its first value
            assert shown.descriptions["run"]["loss"] == "about loss"

    check(read_python)
    check(read_rust)
