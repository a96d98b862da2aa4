"""From a configuration to what a run needs beside its model: device, checkpoints, log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import nn

from sightline.callbacks import Callback
from sightline.catalogue import describe
from sightline.events import to_path
from sightline.hjepa.block import Block
from sightline.hjepa.config import HJEPAConfig
from sightline.logger import MetricsLogger
from sightline.training.checkpoints import CheckpointManager
from sightline.training.config import flatten
from sightline.training.devices import create_fabric
from sightline.training.runs import latest_run_name, new_run_name

RANKED_BY = "eval/knn_accuracy"  # the higher, the better the checkpoint


def fabric_of(config: HJEPAConfig, device: str | torch.device | None = None) -> Fabric:
    """What moves batches and models to devices, sets the precision and joins the processes.

    Args:
        config: The whole configuration.
        device: Where to train, instead of what the configuration says.

    Returns:
        Fabric, launched.
    """
    plan = config.training
    return create_fabric(
        device or config.device,
        precision=plan.precision,
        devices=plan.devices,
        num_nodes=plan.num_nodes,
        strategy=plan.strategy,
        layers=(Block,),
    )


def compile_blocks(model: nn.Module) -> None:
    """Fuse the operations of each transformer block by torch.compile, at its first call.

    The blocks stay what they are: their weights have the same names.

    Args:
        model: Changed in place.
    """
    for part in model.modules():
        if isinstance(part, Block):
            # The number of packed tokens is another one in each step.
            part.compile(dynamic=True)


def checkpoints_of(config: HJEPAConfig, run_name: str) -> CheckpointManager:
    """The checkpoints of a run, ranked by the kNN accuracy of the frozen features.

    Args:
        config: The whole configuration.
        run_name: The run's folder in `logging.log_dir`.

    Returns:
        Their manager.
    """
    keep = config.checkpoint
    return CheckpointManager(
        keep.checkpoint_dir or Path(config.logging.log_dir, run_name, "checkpoints"),
        keep.keep_best_n,
        keep.save_frequency,
        metric_name=RANKED_BY,
        mode="max",
        # The latest may already hold what is only found a little later.
        keep_last_n=3 if config.health.on_error == "rollback" else 1,
    )


def new_name(config: HJEPAConfig, fabric: Fabric) -> str:
    """The name of a new run, which the first process finds for all.

    Args:
        config: The whole configuration.
        fabric: Joins the processes.

    Returns:
        A folder in `logging.log_dir` that is not there yet.

    Raises:
        ValueError: If the folder for its checkpoints holds those of another run.
    """
    logging = config.logging
    found = new_run_name(to_path(logging.log_dir), logging.experiment_name)
    name: str = fabric.broadcast(found)
    checkpoints = checkpoints_of(config, name)
    if checkpoints.latest() is not None:
        raise ValueError(
            f"expected no checkpoints of another run in {checkpoints.checkpoint_dir}, found "
            f"some: continue that run with --resume auto, or set another checkpoint_dir"
        )
    return name


def checkpoint_folder(place: str | Path) -> str | Path:
    """Where to look for checkpoints that a user names by a run.

    Args:
        place: A run's folder, a folder of checkpoints, a checkpoint, or `auto`.

    Returns:
        The checkpoints inside of a run's folder; anything else as it is.
    """
    inside_run = Path(place) / "checkpoints"
    return inside_run if inside_run.is_dir() else place


def find_checkpoint(config: HJEPAConfig, resume: str | None) -> Path | None:
    """The checkpoint that a run is to continue from.

    Args:
        config: The whole configuration.
        resume: A checkpoint, a folder of checkpoints, a run's folder, or `auto` for the latest
            checkpoint of the last run of this name.

    Returns:
        The checkpoint; None for a new run.
    """
    if resume is None:
        return None
    logging = config.logging
    run_name = latest_run_name(to_path(logging.log_dir), logging.experiment_name)
    checkpoints = checkpoints_of(config, run_name or logging.experiment_name)
    return checkpoints.resolve(checkpoint_folder(resume))


def open_logger(
    config: HJEPAConfig, run_name: str, callbacks: Sequence[Callback], resume_step: int | None
) -> MetricsLogger:
    """The logger that a configuration describes; its worker also feeds the callbacks' writers.

    Args:
        config: The whole configuration; it is logged.
        run_name: The run's folder in `logging.log_dir`.
        callbacks: Those of the run.
        resume_step: The step that the run continues after; None for a new run.

    Returns:
        The logger.
    """
    logging = config.logging
    logger = MetricsLogger(
        run_name,
        logging.log_dir,
        flatten(config),
        use_wandb=logging.wandb.enabled,
        use_tensorboard=logging.tensorboard.enabled,
        wandb_project=logging.wandb.project,
        wandb_entity=logging.wandb.entity,
        wandb_tags=logging.wandb.tags,
        extra_writers=[callback.writer for callback in callbacks if callback.writer],
        describe=describe,
        resume_step=resume_step,
    )
    logger.log_hparams(flatten(config))
    return logger
