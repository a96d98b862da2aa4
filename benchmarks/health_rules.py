"""Judging 100 series costs at most 20 us a logged step, and a log of a million points below 1 s.

Live: `Judge.update` is handed the values of one step after the other, a dictionary of 100 floats as
the logger's worker has it. Three kinds of 100 series: those of an H-JEPA run (the first 100 scalars
of the catalogue with all their limits, each at every step), 100 with a limit each, and the same 100
while five of them are sick at every step. A round runs each kind and a loop that
only walks the dictionary, one after the other; the median over the rounds and their quartiles are
printed, in CPU time, as other work shares the cores.

Files: `judge` is handed columns of a million points in all: 100 series of an H-JEPA run with 10,000
points each, and one loss with all of them, under the generic rules with their windows. Then what
`sightline check` takes for such a log in a process of its own, beside its start-up alone.
and judging. Ends with status 1 if a limit is broken.

    python -m benchmarks.health_rules [--rounds 15]
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from sightline import MetricsLogger
from sightline.catalogue import fill, rows
from sightline.health import Facts, Judge, generic, hjepa, judge

NUM_SERIES, NUM_STEPS, NUM_POINTS = 100, 1_000, 1_000_000
LIVE_LIMIT_US, FILE_LIMIT_SECS = 20.0, 1.0
FIELDS = {"l": "0", "m": "1", "i": "0", "name": "blocks.0", "module": "predictor"}
FACTS = Facts(num_samples=256, width=64, num_patches=196, warmup_steps=100, settle_steps=5_000)
SICK = 5
CONSTANT = {"epoch", "train/lr", "learning_rate/warmup_stage", "ema/momentum_current"}
CONSTANT |= {"ema/momentum_target"}
# A healthy value of each scale of values; the others are fine at 0.5.
HEALTHY = {
    "collapse/effective_rank": 30.0,
    "train/context_rank": 30.0,
    "collapse/mean_std_per_dim": 0.1,
    "collapse/min_std_per_dim": 0.05,
    "collapse/mean_similarity": 0.1,
    "collapse/dead_dimensions": 0.01,
    "eval/effective_rank": 30.0,
    "hierarchy/level0_effective_rank": 30.0,
    "masking/context_target_overlap": 0.0,
    "ema/target_gradient_norm": 0.0,
    "input/pixel_mean": 0.0,
    "input/pixel_std": 1.0,
    "masking/context_kept_frac": 0.99,
    "masking/repeated_frac": 0.1,
    "masking/unchanged_frac": 0.0,
    "gradient/global_norm_before_clip": 1.0,
    "gradients/layer_ratio/blocks.0": 1.0,
    "gradients/predictor_num_nonfinite": 0.0,
    "updates/predictor_update_to_weight": 0.001,
    "stability/loss_trend_slope": -1.0,
    "stability/loss_max_spike": 1.2,
    "performance/data_time_ms": 0.1,
    "performance/logging_overhead_frac": 0.01,
    "system/disk_free_gb": 100.0,
}


def catalogue_tags() -> list[str]:
    """The first 100 scalars that an H-JEPA run writes."""
    scalars = [row for row in rows() if row.kind == "scalar" and not row.tag.startswith("healthy/")]
    tags = dict.fromkeys(fill(row.tag, FIELDS) for row in scalars)
    assert len(tags) >= NUM_SERIES, len(tags)
    return [*tags][:NUM_SERIES]


def steps_of(tags: list[str], sick: int = 0) -> list[dict[str, float]]:
    """Values of many steps: healthy noise, but for the first few series if so many are sick."""
    rng = np.random.default_rng(0)
    level = np.array([
        HEALTHY.get(tag, 0.001 if tag.startswith("updates/") else 0.5) for tag in tags
    ])
    noise = 1 + 0.01 * rng.standard_normal((NUM_STEPS, len(tags)))
    values = level * noise
    values[:, :sick] = 1.0
    for tag in set(tags) & CONSTANT:
        values[:, tags.index(tag)] = 0.5
    return [dict(zip(tags, row, strict=True)) for row in values.tolist()]


def walk(steps: list[dict[str, float]]) -> None:
    """What the loop over the values costs by itself."""
    for values in steps:
        for _, _ in values.items():
            pass


def live(steps: list[dict[str, float]]) -> Callable[[], None]:
    """Judge steps that go on and on."""
    judging = Judge(hjepa(FACTS))
    at = 0

    def run() -> None:
        nonlocal at
        for values in steps:
            at += 10
            judging.update(at, values)

    return run


def timed(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """Seconds of one call."""
    begin = clock()
    work()
    return clock() - begin


def columns(tags: list[str], num_points: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """A log of healthy noise."""
    rng = np.random.default_rng(1)
    steps = np.arange(1, num_points + 1) * 10
    found = {}
    for tag in tags:
        values = HEALTHY.get(tag, 0.5) * (1 + 0.01 * rng.standard_normal(num_points))
        found[tag] = steps, values.astype(np.float32)
    return found


def told(name: str, numbers: list[float], unit: str) -> float:
    """Print median and quartiles."""
    low, middle, high = statistics.quantiles(numbers, n=4)
    print(f"| {name} | {middle:.2f} {unit} | {low:.2f} to {high:.2f} |")
    return middle


def main() -> int:
    """Run all and say whether the limits hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    own = catalogue_tags()
    limited = [f"updates/module{number}_update_to_weight" for number in range(NUM_SERIES)]
    kinds = {
        "walking the dictionary": lambda: walk(by_kind["catalogue"]),
    }
    by_kind = {
        "catalogue": steps_of(own),
        "limited": steps_of(limited),
        "sick": steps_of(limited, SICK),
    }
    kinds["100 series of an H-JEPA run"] = live(by_kind["catalogue"])
    kinds["100 series with a limit each"] = live(by_kind["limited"])
    kinds[f"the same, {SICK} of them sick"] = live(by_kind["sick"])
    book = hjepa(FACTS)
    with_rules = sum(bool(book.rules_for(tag)) for tag in own)
    num_rules = sum(len(book.rules_for(tag)) for tag in own)
    print(f"{with_rules} of the 100 series of an H-JEPA run have limits, {num_rules} in all\n")
    print("| a logged step | median | quartiles |\n|---|---|---|")
    taken: dict[str, list[float]] = {name: [] for name in kinds}
    for work in kinds.values():
        work()  # once without the clock: rules are made when a tag is first seen
    for _ in range(rounds):
        for name, work in kinds.items():
            taken[name].append(timed(work) / NUM_STEPS * 1e6)
    medians = {name: told(name, numbers, "us") for name, numbers in taken.items()}
    holds = medians["100 series of an H-JEPA run"] <= LIVE_LIMIT_US
    holds &= medians["100 series with a limit each"] <= LIVE_LIMIT_US

    many, one = columns(own, NUM_POINTS // NUM_SERIES), columns(["train/loss"], NUM_POINTS)
    judged = {
        "100 series of 10,000 points": lambda: judge(hjepa(FACTS), many),
        "1 loss of 1,000,000 points, generic": lambda: judge(generic(Facts()), one),
    }
    print("\n| judging a million points | median | quartiles |\n|---|---|---|")
    taken = {name: [] for name in judged}
    for _ in range(max(rounds // 3, 3)):
        for name, work in judged.items():
            taken[name].append(timed(work))
    for name, numbers in taken.items():
        holds &= told(name, numbers, "s") <= FILE_LIMIT_SECS

    print("\n| `sightline check`, a process, by the clock | median | quartiles |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        with MetricsLogger("run", folder) as logger:
            steps = many[own[0]][0].tolist()
            table = np.stack([many[tag][1] for tag in own], axis=1).tolist()
            for step, row in zip(steps, table, strict=True):
                logger.log_metrics(dict(zip(own, row, strict=True)), step=step)
        command = [sys.executable, "-m", "sightline"]
        parts = {
            "--help, which reads nothing": [*command, "check", "--help"],
            "a million points": [*command, "check", folder, "--preset", "hjepa"],
        }
        taken = {name: [] for name in parts}
        for _ in range(max(rounds // 3, 3)):
            for name, arguments in parts.items():
                taken[name].append(timed(partial(quietly, arguments), time.perf_counter))
        for name, numbers in taken.items():
            told(name, numbers, "s")
    print("\nholds" if holds else "\nBROKEN")
    return 0 if holds else 1


def quietly(command: list[str]) -> None:
    """Run a command whose verdict does not matter here."""
    subprocess.run(command, capture_output=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
