"""Watching a training costs at most half a percent of its time, or two, as the preset says.

| preset | limit of the time of a step |
|---|---|
| economy | 0.5% |
| standard | 2% |
| full | none; it is printed |

H-JEPA trains on random images of 224 pixels, at the sizes of ViT-Tiny and ViT-Small with patches of
16. Each kind of reading comes due at steps of its own, so that what a step takes longer is what
that reading costs: time of the training thread in callbacks and logging, which the loop counts, and
CPU of the logger's worker, which takes it from a training on the CPU. After each step the worker is
waited for, so that its CPU belongs to that step. The cost of a kind is the median over its steps,
less that of steps with none; a preset's cost is the sum of the kinds by its cadences, and the
overhead is that sum over the median time of a step without it. Ends with status 1 if a limit is
broken.

    python -m benchmarks.monitor_overhead [--steps 60] [--batch-size 16] [--sizes tiny small]
"""

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader

from sightline.callbacks import PRESETS, Cadences, Callback
from sightline.hjepa import (
    HJEPAConfig,
    HJEPATrainer,
    create_loss,
    create_masking,
    create_model,
)
from sightline.hjepa.data import EpochBatches, ImageSet, in_order
from sightline.training import create_optimizer, load_config

WIDTHS = {"tiny": (192, 3), "small": (384, 6)}
LIMITS = {"economy": 0.5, "standard": 2.0}
LOG_EVERY = 10
# Steps at which each kind is due here: primes, so that most steps have one kind or none.
MEASURED = Cadences(readings=3, gradients=5, quality=7, histograms=11, figures=13)
MEASURED_LOG_EVERY = 2


class Stopwatch(Callback):
    """Notes what each step took, and lets the worker finish in between."""

    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = []
        self._worker: str | None = None

    def on_batch_begin(self, trainer: Any, batch: Any) -> None:
        """The step before is over, with all that watching it took."""
        if self.steps:
            self._note(trainer)
        self._watched, self._cpu = trainer.watching_seconds, worker_cpu_seconds()
        self._begin = time.perf_counter()
        self.steps.append({})

    def on_train_end(self, trainer: Any) -> None:
        """The last step is over."""
        self._note(trainer)

    def _note(self, trainer: Any) -> None:
        wall = time.perf_counter() - self._begin
        trainer.logger.drain()
        watched = trainer.watching_seconds - self._watched
        self.steps[-1] |= {
            "bare": wall - watched,
            "watched": watched,
            "worker": worker_cpu_seconds() - self._cpu,
        }


def worker_cpu_seconds() -> float:
    """CPU that the threads of the logger have taken so far."""
    ticks = 0
    for thread in threading.enumerate():
        if thread.name.startswith("sightline") and thread.native_id is not None:
            stat = Path(f"/proc/self/task/{thread.native_id}/stat").read_text()
            user, system = stat.rpartition(")")[2].split()[11:13]
            ticks += int(user) + int(system)
    return ticks / os.sysconf("SC_CLK_TCK")


def train(size: str, num_steps: int, batch_size: int, folder: str) -> list[dict[str, float]]:
    """Train for some steps; what each took."""
    width, heads = WIDTHS[size]
    settings = {
        "model.patch_size": 16,
        "model.embed_dim": width,
        "model.depth": 12,
        "model.num_heads": heads,
        "model.num_hierarchies": 2,
        "loss.hierarchy_weights": "[1.0, 1.0]",
        "model.predictor.embed_dim": 192,
        "model.predictor.depth": 6,
        "model.predictor.num_heads": 3,
        "data.image_size": 224,
        "data.batch_size": batch_size,
        "training.epochs": 1,
        "training.warmup_epochs": 0,
        "evaluation.eval_frequency": 1000,
        "checkpoint.save_frequency": 1000,
        "logging.log_dir": folder,
        "logging.log_frequency": MEASURED_LOG_EVERY,
        "logging.monitor_frequency": MEASURED.readings,
        "logging.gradient_frequency": MEASURED.gradients,
        "logging.quality_frequency": MEASURED.quality,
        "logging.histogram_frequency": MEASURED.histograms,
        "logging.figure_frequency": MEASURED.figures,
    }
    config = load_config(HJEPAConfig, None, [f"{key}={value}" for key, value in settings.items()])
    images = torch.randint(0, 256, (num_steps * batch_size, 3, 224, 224), dtype=torch.uint8)
    data = ImageSet(images, torch.arange(len(images)) % 10, tuple(map(str, range(10))))
    held_out = ImageSet(images[:batch_size], data.labels_N[:batch_size], data.class_names)
    model = create_model(config, held_out)
    trainer = HJEPATrainer(
        model,
        DataLoader(data, sampler=EpochBatches(len(data), batch_size, seed=0), batch_size=None),
        in_order(held_out, batch_size),
        create_optimizer(model, lr=1e-4, weight_decay=0.05),
        create_loss(config),
        create_masking(config, model.grid_size),
        config,
        "cpu",
    )
    stopwatch = Stopwatch()
    trainer.callbacks.callbacks.insert(0, stopwatch)
    trainer.callbacks.callbacks = [
        callback
        for callback in trainer.callbacks
        if type(callback).__name__ not in {"ProbeMonitor", "ProgressBarCallback"}
    ]
    trainer.run()
    trainer.logger.close()
    return stopwatch.steps


def costs_of_kinds(steps: list[dict[str, float]]) -> dict[str, tuple[float, float]]:
    """Seconds of the training thread and of the worker that each kind takes, beyond none."""
    due = {**asdict(MEASURED), "log": MEASURED_LOG_EVERY}
    by_kinds: dict[frozenset[str], list[tuple[float, float]]] = {}
    for number, step in enumerate(steps[1:], 2):  # the first has everything
        kinds = frozenset(kind for kind, every in due.items() if number % every == 0)
        by_kinds.setdefault(kinds, []).append((step["watched"], step["worker"]))
    medians = {
        kinds: tuple(map(statistics.median, zip(*taken, strict=True)))
        for kinds, taken in by_kinds.items()
    }
    nothing = medians[frozenset()]
    costs = {"nothing": nothing}
    for kind in due:
        alone = medians[frozenset({kind})]
        costs[kind] = (alone[0] - nothing[0], max(0.0, alone[1] - nothing[1]))
    return costs


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--sizes", nargs="+", choices=list(WIDTHS), default=list(WIDTHS))
    arguments = parser.parse_args()
    is_broken = False
    for size in arguments.sizes:
        with tempfile.TemporaryDirectory() as folder:
            steps = train(size, arguments.steps, arguments.batch_size, folder)
        bare = [step["bare"] for step in steps[1:]]
        low, step_time, high = statistics.quantiles(bare, n=4)
        print(
            f"\nViT-{size.title()}/16 at 224, batch {arguments.batch_size}, {len(steps)} steps on "
            f"the CPU: a step takes {step_time:.2f} s ({low:.2f} to {high:.2f})\n"
        )
        costs = costs_of_kinds(steps)
        print("| a reading of | training thread, ms | worker, ms of CPU |\n|---|---|---|")
        for kind, (thread, worker) in costs.items():
            print(f"| {kind} | {1e3 * thread:.2f} | {1e3 * worker:.0f} |")
        print("\n| preset | training thread | with the worker's CPU | limit |\n|---|---|---|---|")
        for preset, cadences in PRESETS.items():
            every = {"nothing": 1, "log": LOG_EVERY, **asdict(cadences)}
            thread, both = (
                100 * sum(cost(costs[kind]) / every[kind] for kind in costs) / step_time
                for cost in (lambda one: one[0], sum)
            )
            is_broken |= both > LIMITS.get(preset, float("inf"))
            limit = f"{LIMITS[preset]}%" if preset in LIMITS else "none"
            print(f"| {preset} | {thread:.2f}% | {both:.2f}% | {limit} |")
    return int(is_broken)


if __name__ == "__main__":
    sys.exit(main())
