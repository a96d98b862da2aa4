"""Faults planted into tiny real runs are named, and a run without one is left alone.

`benchmarks/planted_failures.py` does it with sixteen faults, on real images, in minutes.
"""

import logging

import pytest
from benchmarks.faults.cases import FAULTS
from benchmarks.faults.plants import Once

from sightline.callbacks import (
    EmbeddingMonitor,
    HealthMonitor,
    ProbeMonitor,
    ProgressBarCallback,
    QualityMonitor,
)
from sightline.health import Level
from sightline.hjepa import HJEPAConfig, HJEPATrainer
from sightline.training import load_config
from tests.hjepa.conftest import TINY

AT, UNTIL = 16, 30
SLOW = EmbeddingMonitor, ProbeMonitor, ProgressBarCallback, QualityMonitor
SETTINGS = (
    "training.epochs=10",
    "training.lr=1e-2",
    "logging.log_frequency=2",
    "logging.monitor_frequency=2",
    "logging.gradient_frequency=2",
    "evaluation.eval_frequency=1000",
    "checkpoint.save_frequency=1000",
)


def verdict_on(place, plant=None):
    config = load_config(HJEPAConfig, None, (*TINY, *SETTINGS, f"logging.log_dir={place}"))
    trainer = HJEPATrainer.from_config(config, device="cpu")
    kept = [one for one in trainer.callbacks if not isinstance(one, SLOW)]
    for callback in kept:
        callback.figures_every = None
    trainer.callbacks.callbacks = kept
    if plant is not None:
        plant(trainer, AT)
    trainer.callbacks.callbacks.append(Once(UNTIL - 1, lambda: trainer.stop("long enough")))
    trainer.run()
    trainer.logger.close()
    (monitor,) = (one for one in kept if isinstance(one, HealthMonitor))
    return monitor.verdict()


def test_a_run_without_a_fault_is_left_alone(tmp_path):
    found = verdict_on(tmp_path).findings
    assert [one for one in found if one.level >= Level.ERROR] == []
    assert len([one for one in found if one.level >= Level.WARN]) <= 1


@pytest.mark.parametrize("name", ["frozen EMA", "context leaks targets", "learning rate 0"])
def test_a_planted_fault_is_named_and_nothing_else_is_an_error(name, tmp_path, caplog):
    caplog.set_level(logging.CRITICAL)
    fault = FAULTS[name]
    errors = [one for one in verdict_on(tmp_path, fault.plant).findings if one.level >= Level.ERROR]
    assert any(fault.is_named_by(one) for one in errors)
    assert all(fault.is_named_by(one) and one.first_step > AT for one in errors)
