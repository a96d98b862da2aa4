"""Findings reach the terminal, the event files and, where it must be, the trainer."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from sightline.callbacks import HealthMonitor
from sightline.health import hjepa
from sightline.logger import MetricsLogger
from sightline.writers import Memory, Text


def watch(tag: str, value: float) -> tuple[list[str], Memory]:
    """Log one value under a health monitor: why the trainer was stopped, and what was written."""
    monitor = HealthMonitor(hjepa(num_samples=256, width=64, warmup_steps=0, settle_steps=0))
    assert monitor.writer is not None
    memory, reasons = Memory(), []
    with MetricsLogger("run", "runs", writers=[memory, monitor.writer]) as logger:
        trainer: Any = SimpleNamespace(step=7, logger=logger, stop=reasons.append)
        logger.log_metrics({tag: value}, step=7)
        logger.flush()
        monitor.on_batch_end(trainer, None, {})
        monitor.on_batch_end(trainer, None, {})
    return reasons, memory


def alerts(memory: Memory) -> list[str]:
    return [
        written.value.markdown
        for written in memory.written
        if written.tag == "run/alerts" and isinstance(written.value, Text)
    ]


def test_a_leak_is_told_once_with_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("sightline").propagate = True
    reasons, memory = watch("masking/context_target_overlap", 0.25)
    (alert,) = alerts(memory)
    assert "masking/context_target_overlap" in alert
    assert "step 7" in alert
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert reasons == []


def test_a_loss_that_is_not_a_number_stops_the_trainer() -> None:
    reasons, memory = watch("train/loss", float("inf"))
    assert reasons == ["train/loss is inf"]
    assert len(alerts(memory)) == 1


def test_a_healthy_value_is_not_worth_a_word() -> None:
    assert watch("train/loss", 0.5)[0] == []
    assert alerts(watch("train/loss", 0.5)[1]) == []
