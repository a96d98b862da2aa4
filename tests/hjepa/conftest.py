"""A configuration small enough to train in a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sightline.hjepa import HJEPAConfig
from sightline.training import load_config

TINY = (
    "model.embed_dim=16",
    "model.depth=1",
    "model.num_heads=2",
    "model.predictor.embed_dim=8",
    "model.predictor.depth=1",
    "model.predictor.num_heads=2",
    "data.batch_size=256",
    "masking.num_masks=2",
    "masking.mask_scale=[0.2, 0.4]",
    "training.warmup_epochs=1",
    "logging.log_frequency=1",
    "logging.monitor_frequency=3",
    "logging.figure_frequency=100",
    "evaluation.eval_frequency=2",
    "checkpoint.save_frequency=1",
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoded images of a test lie in the test's own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def tiny_config(tmp_path: Path) -> Callable[..., HJEPAConfig]:
    """Makes tiny configurations whose runs lie in the test's own folder."""

    def make(*overrides: str, **named: Any) -> HJEPAConfig:
        place = (f"logging.log_dir={tmp_path / 'runs'}", "logging.experiment_name=tiny")
        return load_config(HJEPAConfig, None, (*TINY, *place, *overrides))

    return make
