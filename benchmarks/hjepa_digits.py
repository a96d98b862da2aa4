"""Claim: `make train` learns. H-JEPA on handwritten digits, three seeds, against no training at all.

For each seed the configuration of `make train` is trained as it is, and the frozen target encoder is
probed before and after on the 360 held-out images. Beside it stand the raw pixels under the same
probes: on images this small they are hard to beat, and the table says so.

Run: `python benchmarks/hjepa_digits.py` (about eight minutes on two cores). It prints a markdown
table and exits with 1 if a claim does not hold.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch

from sightline.hjepa import HJEPAConfig, HJEPATrainer
from sightline.hjepa.data import load_digits
from sightline.training import load_config, probe, standard_error

CONFIG = Path(__file__).parents[1] / "configs" / "hjepa" / "digits.yaml"
LABELS = {
    "knn_accuracy": "kNN",
    "few_label_accuracy": "linear probe, 5 labels a class",
    "linear_probe_accuracy": "linear probe, all labels",
    "effective_rank": "effective rank",
}
AT_LEAST = {"knn_accuracy": 0.88, "few_label_accuracy": 0.72}
MOST_SECONDS = 180.0
MOST_GB = 2.0


def raw_pixels() -> dict[str, float]:
    """The same probes on pixels."""
    sets = load_digits()
    (train_x, train_y), (test_x, test_y) = (
        (part.images_NCHW.flatten(1).float().numpy(), part.labels_N.numpy()) for part in sets
    )
    scores = probe(train_x, train_y, test_x, test_y)
    return {
        "knn_accuracy": scores.knn,
        "few_label_accuracy": scores.few_label,
        "linear_probe_accuracy": scores.linear,
    }


def main() -> int:
    """Train, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, action="append", help="default: 0, 1 and 2")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE")
    arguments = parser.parse_args()
    seeds = arguments.seed or [0, 1, 2]

    torch.set_num_threads(arguments.threads)
    before, after, seconds = [], [], []
    num_images = 0
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            places = (f"seed={seed}", f"logging.log_dir={folder}")
            config = load_config(HJEPAConfig, CONFIG, (*arguments.overrides, *places))
            started = time.perf_counter()
            summary = HJEPATrainer.from_config(config).train()
            seconds.append(time.perf_counter() - started)
        before.append(summary.untrained)
        after.append(summary.trained)
        num_images = summary.num_images
    memory_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    pixels = raw_pixels()

    def spread(scores: list[dict[str, float]], name: str) -> str:
        values = [score[name] for score in scores]
        digits = 1 if name == "effective_rank" else 3
        low, middle, high = min(values), statistics.median(values), max(values)
        return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"

    print(f"Median (lowest to highest) of seeds {seeds}, {num_images} held-out images.\n")
    print("| frozen features | untrained | trained | raw pixels |\n|---|---|---|---|")
    for name, label in LABELS.items():
        raw = f"{pixels[name]:.3f}" if name in pixels else "-"
        print(f"| {label} | {spread(before, name)} | {spread(after, name)} | {raw} |")
    slowest = max(seconds)
    print(f"\nSeconds a run, probes and logging included: {[round(s) for s in seconds]}; ", end="")
    print(f"largest memory of the process: {memory_gb:.2f} GB.\n")

    failures = [
        f"{name} of a seed is {score[name]:.3f}, below {least}"
        for name, least in AT_LEAST.items()
        for score in after
        if score[name] < least
    ]
    for seed, untrained, trained in zip(seeds, before, after, strict=True):
        ours, theirs = (score["linear_probe_accuracy"] for score in (trained, untrained))
        error = (
            standard_error(ours, num_images) ** 2 + standard_error(theirs, num_images) ** 2
        ) ** 0.5
        print(
            f"Seed {seed}: linear probe +{ours - theirs:.3f}, {(ours - theirs) / error:.1f} standard errors of the difference."
        )
        if ours - theirs <= 3 * error:
            failures.append(f"linear probe of seed {seed} gains less than 3 standard errors")
    if slowest > MOST_SECONDS:
        failures.append(f"a run took {slowest:.0f} s, more than {MOST_SECONDS:.0f}")
    if memory_gb > MOST_GB:
        failures.append(f"the process took {memory_gb:.2f} GB, more than {MOST_GB}")
    print(
        "\n".join(["", *(f"FAILED: {failure}" for failure in failures)])
        if failures
        else "\nAll hold."
    )
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
