"""Claim: `make train` learns. H-JEPA on handwritten digits, three seeds, against no training.

For each seed the configuration of `make train` is trained as it is, and the frozen target encoder
is probed before and after on the 360 held-out images. Beside it stand the raw pixels under the same
probes: on images this small they are hard to beat, and the table says so.

The gain of the linear probe is compared image by image: an image scores the mean over the seeds of
(right after training) - (right before), and the standard error is that of the mean over the images.
Images are independent of each other; the seeds, which share them, are not counted as if they were.

Run: `python benchmarks/hjepa_digits.py`, about eight minutes on two cores. It prints markdown and
exits with 1 if a claim does not hold.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from sightline.hjepa import HJEPAConfig, HJEPAModel, HJEPASummary, HJEPATrainer
from sightline.hjepa.data import in_order, load_digits
from sightline.hjepa.evaluation import features_of
from sightline.training import load_config, probe
from sightline.training.probes import linear_probe_predictions

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


def right_answers(model: HJEPAModel) -> np.ndarray:
    """Whether the linear probe is right on each held-out image, as 0 and 1."""
    train, test = (
        features_of(model, in_order(part, 128), torch.device("cpu")) for part in load_digits()
    )
    return (linear_probe_predictions(*train, *test) == test[1]).astype(float)


def run(seed: int, overrides: list[str]) -> tuple[HJEPASummary, np.ndarray, float]:
    """Train once: the summary, the gain of each held-out image, the seconds that it took."""
    with tempfile.TemporaryDirectory() as folder:
        places = (f"seed={seed}", f"logging.log_dir={folder}")
        config = load_config(HJEPAConfig, CONFIG, (*overrides, *places))
        trainer = HJEPATrainer.from_config(config)
        before = right_answers(trainer.model)
        started = time.perf_counter()
        summary = trainer.train()
        seconds = time.perf_counter() - started
        if summary.stop_reason is not None:
            sys.exit(f"seed {seed} was stopped: {summary.stop_reason}")
        return summary, right_answers(trainer.model) - before, seconds


def spread(values: list[float], digits: int) -> str:
    """Median, lowest and highest."""
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def main() -> int:
    """Train, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, action="append", help="default: 0, 1 and 2")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE")
    arguments = parser.parse_args()
    seeds = arguments.seed or [0, 1, 2]
    torch.set_num_threads(arguments.threads)

    runs = [run(seed, arguments.overrides) for seed in seeds]
    before = [summary.untrained for summary, _, _ in runs]
    after = [summary.trained for summary, _, _ in runs]
    seconds = [seconds for _, _, seconds in runs]
    num_images, num_steps = runs[0][0].num_images, runs[0][0].num_steps
    memory_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    pixels = raw_pixels()

    print(f"Seeds {seeds}, {num_steps} steps, {num_images} held-out images: median (range).\n")
    print("| frozen features | untrained | trained | raw pixels |\n|---|---|---|---|")
    for name, label in LABELS.items():
        digits = 1 if name == "effective_rank" else 3
        cells = [spread([scores[name] for scores in side], digits) for side in (before, after)]
        cells.append(f"{pixels[name]:.3f}" if name in pixels else "-")
        print(f"| {label} | {' | '.join(cells)} |")

    gain_N = np.mean([gain for _, gain, _ in runs], axis=0)
    gain, error = gain_N.mean(), gain_N.std(ddof=1) / num_images**0.5
    print(
        f"\nLinear probe: +{gain:.3f} over the untrained encoder, standard error {error:.3f} "
        f"({gain / error:.1f} standard errors).\n"
        f"Seconds of training, probes and logging included: {[round(s) for s in seconds]}; "
        f"largest memory of the process: {memory_gb:.2f} GB; "
        f"{arguments.threads} threads, torch {torch.__version__}."
    )

    failures = [
        f"{name} of a seed is {scores[name]:.3f}, below {least}"
        for name, least in AT_LEAST.items()
        for scores in after
        if scores[name] < least
    ]
    if gain <= 3 * error:
        failures.append("the linear probe gains less than 3 standard errors")
    if max(seconds) > MOST_SECONDS:
        failures.append(f"a run took {max(seconds):.0f} s, more than {MOST_SECONDS:.0f}")
    if memory_gb > MOST_GB:
        failures.append(f"the process took {memory_gb:.2f} GB, more than {MOST_GB}")
    print("\n" + ("\n".join(f"FAILED: {failure}" for failure in failures) or "All claims hold."))
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
