"""Findings reach the terminal, the event files and, where it must be, the trainer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from sightline.callbacks import HealthMonitor
from sightline.health import Facts, Finding, RuleBook, hjepa
from sightline.logger import MetricsLogger
from sightline.writers import Memory, Text

FACTS = Facts(num_samples=256, width=64)


def watch(tag: str, value: float, **options: Any) -> tuple[list[str], Memory]:
    """Log one value under a health monitor: why the trainer was stopped, and what was written."""
    monitor = HealthMonitor(hjepa(FACTS), **options)
    assert monitor.writer is not None
    memory, reasons = Memory(), []
    with MetricsLogger("run", "runs", writers=[memory, monitor.writer]) as logger:
        trainer: Any = SimpleNamespace(step=7, logger=logger, stop=reasons.append)
        monitor.on_train_begin(trainer)
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


def test_a_leak_stops_a_run_that_is_to_stop() -> None:
    reasons, _ = watch("masking/context_target_overlap", 0.25, on_error="stop")
    assert reasons == ["masking/context_target_overlap is 0.25"]


@pytest.mark.parametrize("on_error", ["warn", "stop"])
def test_a_warning_never_stops_a_run(on_error: str) -> None:
    reasons, memory = watch("stability/loss_max_spike", 9.0, on_error=on_error)
    assert reasons == []
    assert len(alerts(memory)) == 1


def test_whoever_wants_to_know_is_told() -> None:
    told: list[Finding] = []
    watch("masking/context_target_overlap", 0.25, notify=told.append)
    assert [(finding.rule, finding.first_step) for finding in told] == [("leak", 7)]


def test_what_a_run_is_judged_by_stands_in_its_log() -> None:
    _, memory = watch("train/loss", 0.5)
    (text,) = [one.value for one in memory.written if one.tag == "run/health"]
    assert isinstance(text, Text)
    found = text.markdown.removeprefix("```json").removesuffix("```")
    assert RuleBook.from_json(found) == hjepa(FACTS)


def test_a_trainer_that_cannot_go_back_is_not_asked_to() -> None:
    with pytest.raises(ValueError, match="expected a trainer that can roll back"):
        watch("train/loss", 0.5, on_error="rollback")


def test_each_step_has_one_alert_as_the_data_server_shows_one() -> None:
    monitor, memory = HealthMonitor(hjepa(FACTS)), Memory()
    assert monitor.writer is not None
    with MetricsLogger("run", "runs", writers=[memory, monitor.writer]) as logger:
        trainer: Any = SimpleNamespace(step=7, logger=logger, stop=lambda reason: None)
        leak, spike = "masking/context_target_overlap", "stability/loss_max_spike"
        logger.log_metrics({leak: 0.25, spike: 9.0}, step=7)
        logger.flush()
        monitor.on_batch_end(trainer, None, {})
        logger.log_metrics({"train/loss": float("nan")}, step=7)
        monitor.on_train_end(trainer)
    told = [written for written in memory.written if written.tag == "run/alerts"]
    assert [written.step for written in told] == [7, 8]
    first, second = alerts(memory)
    assert leak in first
    assert spike in first
    assert "train/loss" in second
