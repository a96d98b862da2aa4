"""Every key of a configuration does something: a run with another value is another run."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch
from PIL import Image

from sightline.hjepa import HJEPAConfig, HJEPATrainer
from sightline.hjepa.block import Block
from sightline.reading import read
from sightline.training import load_config
from sightline.writers import Memory
from tests.hjepa.conftest import TINY
from tests.hjepa.keys import CHANGES, leaves

CLOCKED = re.compile("(healthy/)?(performance|system)/")
BASE = (
    *TINY,
    "data.dataset=folder",
    "data.data_path={photos}",
    "data.batch_size=8",
    "training.epochs=2",
    "training.warmup_epochs=1",
    "logging.log_dir={runs}",
    "checkpoint.save_frequency=10",
    "logging.monitor_frequency=2",
    "logging.gradient_frequency=100",
    "logging.quality_frequency=100",
    "logging.histogram_frequency=100",
    "logging.figure_frequency=100",
    "logging.system_seconds=1000",
)
Fingerprint = dict[str, Any]


def write_photos(folder: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    for part, num in (("train", 12), ("val", 6)):
        for name in "ab":
            (folder / part / name).mkdir(parents=True)
            for number in range(num):
                pixels = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / part / name / f"{number}.png")


def write_hub(folder: Path, seed: int) -> None:
    """Three splits as Parquet files, with two columns of images and of classes."""
    random = np.random.default_rng(seed)
    types = datasets.Features({
        "image": datasets.Image(),
        "label": datasets.ClassLabel(names=["a", "b"]),
        "second_image": datasets.Image(),
        "second_label": datasets.ClassLabel(names=["c", "d", "e"]),
    })
    folder.mkdir()
    for part, num in (("train", 36), ("validation", 24), ("test", 30)):
        images = [
            Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8))
            for _ in range(2 * num)
        ]
        rows = {
            "image": [None, *images[1:num]],
            "label": [number % 2 for number in range(num)],
            "second_image": images[num:],
            "second_label": [number % 3 for number in range(num)],
        }
        datasets.Dataset.from_dict(rows, features=types).to_parquet(folder / f"{part}.parquet")


class Planted(HJEPATrainer):
    """Breaks now and then, where a run shall show how it goes back."""

    breaks = 0

    def compute_loss(self, batch: Any) -> Any:
        loss, metrics = super().compute_loss(batch)
        if self.config.health.on_error == "rollback":
            self.logger.drain()  # so that the judgement is there at once
            if self.step == 4 and self.breaks < 2:
                self.breaks += 1
                loss = loss * float("nan")
        return loss, metrics


def fingerprint(trainer: HJEPATrainer, runs: Path) -> Fingerprint:
    """What a run left behind, but for what the clock says and what the configuration is."""
    num_blocks = 0

    def count(*_: Any) -> None:
        nonlocal num_blocks
        num_blocks += 1

    for module in trainer.model.modules():
        if isinstance(module, Block):
            module.register_forward_pre_hook(count)
    summary = trainer.train()
    digest = hashlib.sha256()
    for name, weight in trainer.model.state_dict().items():
        digest.update(name.encode() + weight.detach().numpy().tobytes())
    seen: Fingerprint = {
        "weights": digest.hexdigest(),
        "blocks computed": num_blocks,
        "stop_reason": summary.stop_reason,
        "files": sorted(
            re.sub(r"tfevents.*", "tfevents", str(path.relative_to(runs)))
            for path in runs.rglob("*")
        ),
    }
    logs = read(str(summary.run_dir)).runs if trainer.config.logging.tensorboard.enabled else {}
    for run in logs.values():
        for tag, series in run.scalars.items():
            values = None if CLOCKED.match(tag) else series.values.tolist()
            seen[tag] = str((series.steps.tolist(), values))
        for kind in (run.images, run.histograms, run.texts):
            seen |= {tag: [value.step for value in values] for tag, values in kind.items()}
    return seen


@pytest.fixture(scope="module")
def run_with(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Fingerprint]:
    """The fingerprint of a run of a few steps with some settings; an error is one as well."""
    folder = tmp_path_factory.mktemp("keys")
    write_photos(folder / "photos", seed=0)
    write_photos(folder / "other", seed=1)
    write_hub(folder / "hub", seed=2)
    write_hub(folder / "other_hub", seed=3)
    runs, cache_dir = folder / "runs", folder / "cache"

    @cache
    def run(settings: tuple[str, ...], again: int = 0) -> Fingerprint:
        text = "\n".join((*BASE, *settings))
        for place in ("photos", "other", "hub", "other_hub", "runs"):
            text = text.replace(f"{{{place}}}", str(folder / place))
        accounts: list[dict[str, Any]] = []
        compiled: list[dict[str, Any]] = []

        def open_account(**account: Any) -> Memory:
            accounts.append({name: account[name] for name in ("project", "entity", "tags")})
            return Memory()

        num_threads = 0

        def hire(number: int, **named: Any) -> ThreadPoolExecutor:
            nonlocal num_threads
            num_threads = max(num_threads, number)
            return ThreadPoolExecutor(number, **named)

        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_CACHE_HOME", str(cache_dir))
            patch.setattr("datasets.config.HF_DATASETS_CACHE", folder / "arrow")
            patch.setattr("sightline.hjepa.data.threads.ThreadPoolExecutor", hire)
            patch.setattr("sightline.logger.metrics.Wandb", open_account)
            patch.setattr(torch.nn.Module, "compile", lambda _, **how: compiled.append(how))
            try:
                config = load_config(HJEPAConfig, None, text.split("\n"))
                trainer = Planted.from_config(config)
            except (ValueError, OSError, RuntimeError, TypeError) as error:
                return {"error": str(error)}
            seen = fingerprint(trainer, runs)
        seen |= {
            "accounts": accounts,
            "compiled": compiled,
            "threads": num_threads,
            "files that were kept": sum(path.is_file() for path in cache_dir.rglob("*")),
        }
        shutil.rmtree(runs)
        shutil.rmtree(cache_dir, ignore_errors=True)
        return seen

    return run


def test_every_key_is_tried() -> None:
    assert set(CHANGES) == set(leaves(HJEPAConfig))


def test_a_run_of_the_same_settings_is_the_same(run_with: Callable[..., Fingerprint]) -> None:
    assert run_with(()) == run_with((), again=1)
    assert "error" not in run_with(())


@pytest.mark.parametrize("key", CHANGES)
def test_a_run_with_another_value_is_another_run(
    key: str, run_with: Callable[..., Fingerprint]
) -> None:
    value, beside = CHANGES[key]
    before, after = run_with(beside), run_with((*beside, f"{key}={value}"))
    assert before != after
