"""From a run's folder to its model."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from sightline.hjepa.build import assemble
from sightline.hjepa.config import HJEPAConfig
from sightline.hjepa.model import HJEPAModel
from sightline.hjepa.pixels import Standardize
from sightline.hjepa.run import RANKED_BY, checkpoint_folder
from sightline.training.checkpoints import CheckpointManager, load_weights


def load_pretrained(run_dir: str | Path, which: Literal["best", "latest"] = "best") -> HJEPAModel:
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
    folder = Path(checkpoint_folder(run_dir))
    ranked = CheckpointManager(folder, metric_name=RANKED_BY, mode="max")
    best = ranked.best() if which == "best" else None
    path = best or ranked.resolve(folder)
    assert path is not None
    state = CheckpointManager.load(path).state
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
    return model.eval()
