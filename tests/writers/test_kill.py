"""`kill -9` for real: a logging process dies at any moment, and the run goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sightline.events import read
from sightline.logger import MetricsLogger
from tests.loaders import Shown, read_python, read_rust

PROGRAM = """
import itertools, sys, time, numpy as np
from sightline import logger
resume_step = None if sys.argv[2] == "new" else int(sys.argv[2])
log = logger.MetricsLogger("run", sys.argv[1], {"lr": 0.1}, describe=lambda tag: f"about {tag}",
                           resume_step=resume_step, flush_secs=0.02)
for step in itertools.count(0 if resume_step is None else resume_step + 1):
    log.log_metrics({"loss": float(step), "lr": 0.5}, step=step)
    if step % 50 == 0:
        log.log_histogram("weights", np.arange(1000.0) + step, step=step)
    time.sleep(0.0005)  # a step of a fast model
"""


def steps(run_dir: Path) -> list[int]:
    return [
        event.step for event in read(run_dir) if any(value.tag == "loss" for value in event.values)
    ]


def log_until_killed(log_dir: Path, resume_step: int | None) -> None:
    """Runs the program, and kills it once its file holds some hundred steps."""
    earlier = set((log_dir / "run").glob("*"))
    argument = "new" if resume_step is None else str(resume_step)
    with subprocess.Popen([sys.executable, "-c", PROGRAM, log_dir, argument]) as process:
        deadline = time.monotonic() + 60
        while (
            sum(path.stat().st_size for path in {*(log_dir / "run").glob("*tfevents*")} - earlier)
            < 40_000
        ):
            assert time.monotonic() < deadline, "the program does not log"
            assert process.poll() is None, "the program ended by itself"
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("num_lost", [0, 1, 300])
def test_a_killed_run_goes_on_without_gap_or_double_in_both_loaders(
    tmp_path: Path, num_lost: int
) -> None:
    run_dir = tmp_path / "run"
    log_until_killed(tmp_path, None)
    written = steps(run_dir)
    assert written == list(range(len(written))), "the files stay readable"
    checkpoint = written[-1] - num_lost
    log_until_killed(tmp_path, checkpoint)
    checkpoint = steps(run_dir)[-1] - num_lost
    with MetricsLogger("run", tmp_path, resume_step=checkpoint) as logger:
        logger.log_metrics({"loss": float(checkpoint + 1)})

    def check(load: Callable[[Path], Shown]) -> None:
        shown = load(tmp_path)
        series = shown.series["run"]
        assert series["loss"] == [(step, float(step)) for step in range(checkpoint + 2)]
        assert shown.steps("lr", "run") == list(range(checkpoint + 1)), "not written again"
        assert shown.steps("weights", "run") == list(range(0, checkpoint + 1, 50))
        assert shown.descriptions["run"]["loss"] == "about loss"
        assert shown.descriptions["run"]["weights"] == "about weights"

    check(read_python)
    check(read_rust)
