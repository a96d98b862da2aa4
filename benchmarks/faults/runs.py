"""Short trainings of H-JEPA on real images: digits of 8 pixels, photographs of 32 and 64."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import torch
from benchmarks.faults.plants import Once, Plant
from torch.utils.data import DataLoader

from sightline.callbacks import ProgressBarCallback
from sightline.hjepa import (
    HJEPAConfig,
    HJEPATrainer,
    ImageSet,
    create_loss,
    create_masking,
    create_model,
)
from sightline.hjepa.data import EpochBatches, in_order, load_digits, load_folder
from sightline.training import create_optimizer, load_config

CONFIG = Path(__file__).parents[2] / "configs" / "hjepa" / "digits.yaml"
PHOTOS = Path(__file__).parents[3] / "shared" / "data" / "clothing"
STEPS = 400  # that the schedules are laid out for
WARMUP_STEPS = 40
CLOSE = 10  # steps between readings
SMALL = {
    "model.embed_dim": 48,
    "model.depth": 2,
    "model.predictor.embed_dim": 32,
    "model.predictor.depth": 1,
    "data.batch_size": 64,
}

Settings = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Base:
    """What is trained, and on what.

    Args:
        image_size: 8 for the digits, any other for the photographs at that size.
        settings: What differs from the configuration of the digits.
        steps: How long, where no fault is planted.
    """

    image_size: int
    settings: Settings = field(default_factory=dict)
    steps: int = STEPS


DIGITS = Base(8, SMALL)
PHOTOS_32 = Base(32, {**SMALL, "model.patch_size": 4, "data.batch_size": 32})
BASES = {"digits": DIGITS, "photos": PHOTOS_32}


@cache
def images(image_size: int, photos: Path) -> tuple[ImageSet, ImageSet]:
    """Training and held-out images; of the photographs every second one, to save time.

    Args:
        image_size: 8 for the digits.
        photos: Folder of the photographs.
    """
    if image_size == 8:
        return load_digits()
    train = load_folder(photos / "train", image_size)
    return (
        ImageSet(train.images_NCHW[::2], train.labels_N[::2], train.class_names),
        load_folder(photos / "validation", image_size, train.class_names),
    )


def build(base: Base, log_dir: Path, name: str, *, photos: Path = PHOTOS) -> HJEPATrainer:
    """A trainer with all monitors, every tag that is judged read every ten steps.

    Args:
        base: What is trained.
        log_dir: Folder of the runs.
        name: Name of the run.
        photos: Folder of the photographs.
    """
    train, held_out = images(base.image_size, photos)
    batch_size = base.settings.get("data.batch_size", 128)
    steps_per_epoch = len(train) // batch_size
    settings = {
        "training.epochs": -(-base.steps // steps_per_epoch),
        "training.warmup_epochs": max(1, round(WARMUP_STEPS / steps_per_epoch)),
        "evaluation.eval_frequency": max(1, base.steps // steps_per_epoch // 2),
        "checkpoint.save_frequency": 1000,
        "logging.preset": "full",
        "logging.figure_frequency": 10 * base.steps,
        "logging.log_frequency": CLOSE,
        "logging.log_dir": log_dir,
        "logging.experiment_name": name,
        "device": "cpu",
        **base.settings,
    }
    if base.image_size != 8:
        settings |= {"data.dataset": "folder", "data.data_path": photos}
        settings |= {"data.image_size": base.image_size}
    overrides = [f"{key}={value}" for key, value in settings.items()]
    config = load_config(HJEPAConfig, CONFIG, overrides)
    torch.manual_seed(config.seed)
    model = create_model(config, train)
    plan = config.training
    order = EpochBatches(len(train), batch_size, seed=config.seed)
    trainer = HJEPATrainer(
        model,
        DataLoader(train, sampler=order, batch_size=None),
        in_order(held_out, batch_size),
        create_optimizer(model, name=plan.optimizer, lr=plan.lr, weight_decay=plan.weight_decay),
        create_loss(config),
        create_masking(config, model.grid_size),
        config,
    )
    trainer.callbacks.callbacks = [
        one for one in trainer.callbacks if not isinstance(one, ProgressBarCallback)
    ]
    return trainer


def train(trainer: HJEPATrainer, *, until: int, plant: Plant | None = None, at: int = 0) -> None:
    """Train up to a step, with a fault from another on.

    Args:
        trainer: As `build` makes it.
        until: The last step.
        plant: The fault.
        at: The last step without it.
    """
    if plant is not None:
        plant(trainer, at)
    trainer.callbacks.callbacks.append(Once(until - 1, lambda: trainer.stop("long enough")))
    trainer.run()
    trainer.logger.close()
