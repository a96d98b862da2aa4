"""Claim: H-JEPA learns on real photographs; what its levels are worth is measured beside it.

For each of three seeds `configs/hjepa/clothing.yaml` is trained on the 3,068 photographs of
`train/` at 64 pixels, within 30 minutes of CPU time. A linear probe over frozen features of the
target encoder then has to beat, by more than three standard errors each, the same probe over

- the encoder of the same seed before its first step,
- the pixels, as they are or averaged to smaller pictures, whichever is best for them,
- colour histograms, of 8 x 8 x 8 cells of RGB or of the three channels of HSV, likewise.

Beside it stand trainings of the same length and the same total weight with one level, and with
three levels that weigh differently. Nothing is asserted of them.

Probe: scikit-learn's logistic regression on standardised features. Its C, and which form of a
representation is taken (mean over the patches, 2 x 2 cells, or patches side by side; 8 to 64
pixels; RGB or HSV), are chosen by three-fold cross-validation on the training images, for all
representations alike. Scored are the 713 photographs of `validation/` and `test/` together; the
configuration was tuned on `train/` and `validation/`, never on `test/`, which is shown alone, too.

Standard error of a difference: the root of the sum of two squares. One is the error of the mean
over the seeds, the other that of the mean over the images, where an image scores the mean over the
seeds of (right here) - (right there). The second holds part of the first, so that the sum errs on
the side of too large; with three seeds the first is itself known only roughly.

    python -m benchmarks.hjepa_clothing --photos FOLDER [--out FOLDER] [--arm NAME] [--seed N]

What is finished is kept in `--out` and not done again, so that the work can be split over several
calls, also side by side; a change of the configuration makes it anew, one of the code does not.
Prints markdown and ends with status 1 if the claim does not hold.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import seed_everything
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from torch.nn import functional as F
from torch.utils.data import DataLoader

from sightline.diagnostics import effective_rank
from sightline.hjepa import (
    HJEPAConfig,
    HJEPAModel,
    HJEPATrainer,
    ImageSet,
    create_loss,
    create_masking,
    create_model,
)
from sightline.hjepa.data import EpochBatches, in_order, load_folder
from sightline.training import create_optimizer, knn_accuracy, load_config

CONFIG = Path(__file__).parents[1] / "configs" / "hjepa" / "clothing.yaml"
MAIN = "three levels, equal weights"
ARMS: dict[str, tuple[str, ...]] = {
    MAIN: (),
    "one level": ("model.num_hierarchies=1", "loss.hierarchy_weights=[3]"),
    "three levels, 0.5 : 0.5 : 2": ("loss.hierarchy_weights=[0.5, 0.5, 2]",),
    "three levels, 2 : 0.5 : 0.5": ("loss.hierarchy_weights=[2, 0.5, 0.5]",),
}
SEEDS = (0, 1, 2)
MOST_CPU_SECONDS = 1800.0
LEAST_STANDARD_ERRORS = 3.0
INVERSE_REGULARISATIONS = (1e-4, 1e-3, 1e-2, 1e-1)
FOLDS = 3
PICTURE_SIZES = (8, 12, 16, 32, 64)

Array = NDArray[Any]
Result = Mapping[str, Array]  # one training or one baseline, as it is kept
Forms = Mapping[str, Callable[[Tensor], Array]]


# Representations: uint8 images to one row an image.


def pixels(size: int) -> Callable[[Tensor], Array]:
    """Pixels, averaged to a smaller picture."""
    return lambda images: F.adaptive_avg_pool2d(images.float() / 255, size).flatten(1).numpy()


def rgb_histogram(images: Tensor) -> Array:
    """Pixels in each of 8 x 8 x 8 cells of colour; the root evens out the counts."""
    red, green, blue = (images.long() // 32).flatten(2).unbind(1)
    cells = (red * 64 + green * 8 + blue).numpy()
    return np.sqrt(np.stack([np.bincount(row, minlength=512) for row in cells]))


def hsv_histogram(images: Tensor) -> Array:
    """Histograms of hue, saturation and value, 16 bins each; the root evens out the counts."""
    rows = []
    for image in images.permute(0, 2, 3, 1).numpy():
        channels = np.asarray(Image.fromarray(image).convert("HSV")).reshape(-1, 3).T // 16
        rows.append(np.concatenate([np.bincount(one, minlength=16) for one in channels]))
    return np.sqrt(np.stack(rows))


def encoder_forms(model: HJEPAModel) -> Forms:
    """Frozen features of the target encoder, in three forms."""

    def cells(across: int | None) -> Callable[[Tensor], Array]:
        def features(images: Tensor) -> Array:
            found = []
            for batch in images.split(128):
                patches = model.extract_features(batch, level=0).permute(0, 3, 1, 2)
                found.append(F.adaptive_avg_pool2d(patches, across or patches.shape[-1]).flatten(1))
            return torch.cat(found).numpy()

        return features

    return {"mean": cells(1), "2 x 2 cells": cells(2), "patches": cells(None)}


PIXELS: Forms = {f"{size} x {size}": pixels(size) for size in PICTURE_SIZES}
HISTOGRAMS: Forms = {"RGB": rgb_histogram, "HSV": hsv_histogram}


# Probing.


def probe_forms(forms: Forms, parts: Mapping[str, ImageSet]) -> dict[str, Array]:
    """Probe each form of a representation.

    For form f: `f/cv` its accuracy in cross-validation, `f/right` 0 or 1 for each held-out image,
    `f/knn`, `f/rank` the effective rank of the held-out features, `f/C`.
    """
    train, held_out = parts["train"], parts["held out"]
    train_y, held_out_y = train.labels_N.numpy(), held_out.labels_N.numpy()
    result: dict[str, Any] = {}
    for name, features in forms.items():
        train_x = features(train.images_NCHW).astype(np.float64)
        held_out_x = features(held_out.images_NCHW).astype(np.float64)
        search = GridSearchCV(
            make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, tol=1e-3)),
            {"logisticregression__C": INVERSE_REGULARISATIONS},
            cv=FOLDS,
        ).fit(train_x, train_y)
        result |= {
            f"{name}/cv": search.best_score_,
            f"{name}/C": search.best_params_["logisticregression__C"],
            f"{name}/right": (search.predict(held_out_x) == held_out_y).astype(float),
            f"{name}/knn": knn_accuracy(train_x, train_y, held_out_x, held_out_y),
            f"{name}/rank": float(effective_rank(held_out_x)),
        }
    return {name: np.asarray(value) for name, value in result.items()}


def forms_of(result: Result) -> list[str]:
    """The forms of a representation that were probed."""
    return [name.removesuffix("/cv") for name in result if name.endswith("/cv")]


def best_form(results: list[Result]) -> str:
    """The form that cross-validation on the training images likes best, over all seeds."""
    return max(
        forms_of(results[0]), key=lambda form: sum(float(one[f"{form}/cv"]) for one in results)
    )


# Training.


def create_untrained(config: HJEPAConfig, train: ImageSet) -> HJEPAModel:
    """The model of a configuration before its first step."""
    seed_everything(config.seed, verbose=False)
    return create_model(config, train)


def create_trainer(config: HJEPAConfig, parts: Mapping[str, ImageSet]) -> HJEPATrainer:
    """A trainer without monitors: what is measured is the training."""
    train, plan, batch_size = parts["train"], config.training, config.data.batch_size
    model = create_untrained(config, train)
    order = EpochBatches(len(train), batch_size, seed=config.seed)
    return HJEPATrainer(
        model,
        DataLoader(train, sampler=order, batch_size=None),
        in_order(parts["held out"], batch_size),
        create_optimizer(model, name=plan.optimizer, lr=plan.lr, weight_decay=plan.weight_decay),
        create_loss(config),
        create_masking(config, model.grid_size),
        config,
        "cpu",
        callbacks=(),
    )


def train_once(config: HJEPAConfig, parts: Mapping[str, ImageSet]) -> dict[str, Array]:
    """Train, then probe; with the CPU seconds and the steps of the training."""
    trainer = create_trainer(config, parts)
    started = time.process_time()
    summary = trainer.train()
    seconds = time.process_time() - started
    if summary.stop_reason is not None:
        sys.exit(f"seed {config.seed} was stopped: {summary.stop_reason}")
    losses = {
        f"loss/{when}": np.asarray(scores["loss"])
        for when, scores in (("before", summary.untrained), ("after", summary.trained))
    }
    spent = {"seconds": np.asarray(seconds), "steps": np.asarray(summary.num_steps)}
    return probe_forms(encoder_forms(trainer.model), parts) | losses | spent


def kept(path: Path, make: Callable[[], dict[str, Any]]) -> Result:
    """What was made before, or make it now."""
    if not path.exists():
        began = time.perf_counter()
        made = make()
        unfinished = path.with_suffix(".part.npz")
        np.savez(unfinished, **made)
        unfinished.rename(path)
        print(f"{path.stem}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    with np.load(path) as file:
        return dict(file)


def config_of(arm: str, seed: int, overrides: list[str], log_dir: Path) -> HJEPAConfig:
    """The configuration of one training."""
    places = (f"seed={seed}", f"logging.log_dir={log_dir}")
    return load_config(HJEPAConfig, CONFIG, (*overrides, *ARMS[arm], *places))


def digest(config: HJEPAConfig) -> str:
    """Names what a training depends on, so that another configuration is not taken for it."""
    told = config.model_dump_json(
        exclude={"logging": True, "checkpoint": True, "evaluation": True, "data": {"data_path"}}
    )
    return hashlib.sha256(told.encode()).hexdigest()[:10]


# Judging.


def right(results: list[Result], form: str) -> Array:
    """Right answers, (seeds, held-out images); a baseline without a seed is one row."""
    return np.stack([one[f"{form}/right"] for one in results])


def difference(ours_SN: Array, theirs_SN: Array) -> tuple[float, float]:
    """Mean difference of accuracy, and its standard error (see the top)."""
    gain_SN = ours_SN - theirs_SN
    seeds, images = gain_SN.shape
    of_seeds = gain_SN.mean(axis=1).std(ddof=1) / math.sqrt(seeds)
    of_images = gain_SN.mean(axis=0).std(ddof=1) / math.sqrt(images)
    return float(gain_SN.mean()), math.hypot(of_seeds, of_images)


def spread(values: list[float], digits: int = 3) -> str:
    """Mean, and from the lowest to the highest."""
    mean = f"{statistics.fmean(values):.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def main() -> int:
    """Train what is missing, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--photos", type=Path, required=True, help="train/, validation/ and test/")
    parser.add_argument("--out", type=Path, help="what is finished is kept here")
    parser.add_argument("--arm", choices=ARMS, action="append", help="default: all")
    parser.add_argument("--seed", type=int, action="append", help="default: 0, 1 and 2")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as scratch:
        return measure(arguments, Path(scratch))


def measure(arguments: argparse.Namespace, scratch: Path) -> int:
    """All of it, with a folder for what nobody needs afterwards."""
    out = arguments.out or scratch / "out"
    out.mkdir(parents=True, exist_ok=True)
    seeds, arms = arguments.seed or list(SEEDS), arguments.arm or list(ARMS)
    overrides = [*arguments.overrides, f"data.data_path={arguments.photos}"]
    size = config_of(MAIN, 0, overrides, scratch).data.image_size
    train = load_folder(arguments.photos / "train", size)
    validation, test = (
        load_folder(arguments.photos / part, size, train.class_names)
        for part in ("validation", "test")
    )
    held_out = ImageSet(
        torch.cat([validation.images_NCHW, test.images_NCHW]),
        torch.cat([validation.labels_N, test.labels_N]),
        train.class_names,
    )
    parts = {"train": train, "held out": held_out}

    def run(arm: str, seed: int) -> Result:
        config = config_of(arm, seed, overrides, scratch)
        name = f"{arm}-{seed}-{digest(config)}".replace(" ", "_")
        return kept(out / f"{name}.npz", lambda: train_once(config, parts))

    def untrained(seed: int) -> Result:
        config = config_of(MAIN, seed, overrides, scratch)
        return kept(
            out / f"untrained-{seed}-{digest(config)}.npz",
            lambda: probe_forms(encoder_forms(create_untrained(config, train)), parts),
        )

    trained = {arm: [run(arm, seed) for seed in seeds] for arm in arms}
    others = {
        "untrained encoder": [untrained(seed) for seed in seeds],
        "pixels": [kept(out / f"pixels-{size}.npz", lambda: probe_forms(PIXELS, parts))],
        "colour histograms": [
            kept(out / f"histograms-{size}.npz", lambda: probe_forms(HISTOGRAMS, parts))
        ],
    }
    return report(trained, others, seeds, len(validation))


def report(
    trained: dict[str, list[Result]],
    others: dict[str, list[Result]],
    seeds: list[int],
    num_validation: int,
) -> int:
    """Print the tables; 1 if the claim does not hold."""
    rows = {**trained, **others}
    form = {name: best_form(results) for name, results in rows.items()}
    num_images = right(next(iter(rows.values())), form[next(iter(rows))]).shape[1]
    print(f"Seeds {seeds}, {num_images} held-out photographs: mean (lowest to highest seed).\n")
    print("| representation | form | linear probe | of `test/` alone | kNN | effective rank |")
    print("|---|---|---|---|---|---|")
    for name, results in rows.items():
        right_SN = right(results, form[name])
        cells = [
            spread(list(right_SN.mean(axis=1))),
            spread(list(right_SN[:, num_validation:].mean(axis=1))),
            spread([float(one[f"{form[name]}/knn"]) for one in results]),
            spread([float(one[f"{form[name]}/rank"]) for one in results], 0),
        ]
        print(f"| {name} | {form[name]} | {' | '.join(cells)} |")

    print(
        "\n| form of the features | " + " | ".join(names := [*trained, "untrained encoder"]) + " |"
    )
    print("|---|" + "---|" * len(names))
    for one in forms_of(rows[names[0]][0]):
        cells = [spread(list(right(rows[name], one).mean(axis=1))) for name in names]
        print(f"| {one} | {' | '.join(cells)} |")

    print(
        "\n| training | steps | CPU seconds | held-out loss before | after |\n|---|---|---|---|---|"
    )
    for arm, results in trained.items():
        seconds = spread([float(one["seconds"]) for one in results], 0)
        losses = [
            spread([float(one[f"loss/{when}"]) for one in results]) for when in ("before", "after")
        ]
        print(f"| {arm} | {int(results[0]['steps'])} | {seconds} | {' | '.join(losses)} |")

    if MAIN not in trained or len(seeds) < 2:
        print("\nNothing to judge without the main configuration and two seeds.")
        return 0
    failures = []
    ours_SN = right(trained[MAIN], form[MAIN])
    print(
        f"\n| {MAIN}, against | difference | standard error | standard errors |\n|---|---|---|---|"
    )
    for name, results in rows.items():
        if name == MAIN:
            continue
        gain, error = difference(ours_SN, right(results, form[name]))
        print(f"| {name} | {gain:+.3f} | {error:.3f} | {gain / error:+.1f} |")
        if name in others and gain <= LEAST_STANDARD_ERRORS * error:
            failures.append(f"{name}: {gain / error:.1f} standard errors")
    slowest = max(float(one["seconds"]) for results in trained.values() for one in results)
    if slowest > MOST_CPU_SECONDS:
        failures.append(f"a training took {slowest:.0f} s of CPU time")
    print("\n" + ("\n".join(f"FAILED: {failure}" for failure in failures) or "The claim holds."))
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
