"""From a run's folder to its model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from pydantic import ValidationError

from sightline.hjepa.build import assemble
from sightline.hjepa.config import HJEPAConfig
from sightline.hjepa.model import HJEPAModel
from sightline.hjepa.pixels import Standardize
from sightline.hjepa.run import RANKED_BY, checkpoint_folder
from sightline.training.checkpoints import CheckpointManager
from sightline.training.weights import load_weights

Which = Literal["best", "latest"]


@dataclass(frozen=True, slots=True)
class Pretrained:
    """What a checkpoint of a run holds.

    Args:
        model: The model, on the CPU, in evaluation mode.
        config: The configuration that it was trained with.
        path: The checkpoint.
        step: Optimizer steps that it was trained for.
    """

    model: HJEPAModel
    config: HJEPAConfig
    path: Path
    step: int

    def untrained(self) -> HJEPAModel:
        """The model that the run began with.

        Returns:
            It, with the weights that the seed draws, on the CPU, in evaluation mode.
        """
        pixels = self.model.context_encoder.standardize
        with torch.random.fork_rng(devices=[]):  # the caller's numbers stay as they were
            torch.manual_seed(self.config.seed)
            model = assemble(
                self.config, Standardize(pixels.mean_C11.flatten(), pixels.std_C11.flatten())
            )
        return model.eval()


def load_pretrained(run_dir: str | Path, which: Which = "best") -> HJEPAModel:
    """Build the model of a run and load its weights.

    Args:
        run_dir: Folder of the run, its folder of checkpoints, or one checkpoint.
        which: The checkpoint of the highest kNN accuracy, or the last one; where none was ranked,
            the last one.

    Returns:
        The model, on the CPU, in evaluation mode.

    Raises:
        FileNotFoundError: If there is no checkpoint.
        ValueError: If it is none of H-JEPA, is damaged, or was altered.
    """  # noqa: DOC502  what it calls raises it
    return restore(find_pretrained(run_dir, which)).model


def find_pretrained(run_dir: str | Path, which: Which = "best") -> Path:
    """The checkpoint that stands for a run.

    Args:
        run_dir: As of `load_pretrained`.
        which: Likewise.

    Returns:
        Its folder.

    Raises:
        FileNotFoundError: If there is no checkpoint.
    """  # noqa: DOC502  what it calls raises it
    folder = Path(checkpoint_folder(run_dir))
    ranked = CheckpointManager(folder, metric_name=RANKED_BY, mode="max")
    best = ranked.best() if which == "best" else None
    path = best or ranked.resolve(folder)
    assert path is not None
    return path


def restore(path: Path) -> Pretrained:
    """Read a checkpoint.

    Args:
        path: Its folder.

    Returns:
        What it holds.

    Raises:
        ValueError: If it is none of H-JEPA, is damaged, or was altered.
    """
    checkpoint = CheckpointManager.load(path)
    state = checkpoint.state
    try:
        config = HJEPAConfig.model_validate(state["blueprint"])
        pixels = (
            state["model"][f"context_encoder.standardize.{name}_C11"].flatten()
            for name in ("mean", "std")
        )
    except (KeyError, ValidationError) as error:
        raise ValueError(
            f"expected a checkpoint of an H-JEPA model with its configuration at '{path}', got one "
            f"without ({type(error).__name__}: {error}); train the run again with this version"
        ) from error
    model = assemble(config, Standardize(*pixels))
    load_weights(model, state["model"])
    return Pretrained(model.eval(), config, path, checkpoint.step)
