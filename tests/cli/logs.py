"""A small log of which every number is known."""

from __future__ import annotations

import math
from pathlib import Path

from sightline import MetricsLogger

NUM_STEPS = 80


def values_at(step: int) -> dict[str, float]:
    """What the run `baseline` logs at a step, exact in 32 bits."""
    return {
        "train/loss": 4.0 - step / 32 + (step % 2) / 16,
        "eval/accuracy": math.nan if step == 20 else 0.5 + (step % 4) / 64,
        "encoder/blocks/11/attention/projection/norm": 2.0,
        "train/lr": 0.25,
    }


def write_log(logdir: Path) -> Path:
    """Two runs: `baseline`, and `sweep/seed1` with the loss alone and fewer steps."""
    with MetricsLogger("baseline", logdir, clock=lambda: 1e9) as logger:
        for step in range(NUM_STEPS):
            logger.log_metrics(values_at(step), step=step)
    with MetricsLogger("sweep/seed1", logdir, clock=lambda: 1e9) as logger:
        for step in range(3):
            logger.log_metrics({"train/loss": 2.0 + step}, step=10 * step)
    return logdir


def event_file(logdir: Path, run: str) -> Path:
    [path] = (logdir / run).glob("events.out.tfevents.*")
    return path
