"""Which checkpoints of a run are kept, and which one it continues from.

A checkpoint is a directory ``step-00001234``. It is written under another name and renamed when it
is complete, so a process that dies leaves the earlier checkpoints as they were.
"""

from __future__ import annotations

import math
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from sightline.training.checkpoint_files import (
    MANIFEST,
    Checkpoint,
    CheckpointError,
    read_checkpoint,
    read_manifest,
    sync,
    write_checkpoint,
)
from sightline.training.states import unpack_state

# One that is being replaced by another of the same step is set aside as ".old".
_NAME = re.compile(r"step-(\d{8,})(\.old)?")
_UNFINISHED = ".unfinished-"


class CheckpointManager:
    """Saves checkpoints of one run and keeps the best few and the latest.

    Which checkpoints exist and how good they are is read from the directory each time, so a resumed
    run ranks its checkpoints with those of the sessions before it.

    Args:
        checkpoint_dir: Where the checkpoints lie; made when needed.
        keep_best_n: How many of the best are kept beside the latest, 0 or more.
        save_frequency: Save every this many epochs, 1 or more.
        metric_name: The metric that ranks checkpoints. One saved without it, or with NaN, is kept
            only while it is the latest.
        mode: Whether a lower (``"min"``) or a higher (``"max"``) metric is better.
        keep_last_n: How many of the latest are kept, 1 or more.

    Raises:
        ValueError: If a count or the mode is out of range.

    Example:
        >>> import tempfile, torch
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     manager = CheckpointManager(directory, keep_best_n=1)
        ...     for step, loss in ((10, 0.5), (20, 0.3), (30, 0.4)):
        ...         _ = manager.save({"w": torch.ones(2)}, step=step, epoch=0,
        ...                          metrics={"val_loss": loss})
        ...     manager.best().name, manager.latest().name, manager.load(manager.best()).step
        ('step-00000020', 'step-00000030', 20)
    """

    def __init__(
        self,
        checkpoint_dir: str | Path,
        keep_best_n: int = 3,
        save_frequency: int = 10,
        metric_name: str = "val_loss",
        mode: Literal["min", "max"] = "min",
        keep_last_n: int = 1,
    ) -> None:
        for name, count, least in (
            ("keep_best_n", keep_best_n, 0),
            ("keep_last_n", keep_last_n, 1),
            ("save_frequency", save_frequency, 1),
        ):
            if count < least:
                raise ValueError(
                    f"{name} must be at least {least}, got {count}; set it to a count of that size."
                )
        if mode not in {"min", "max"}:
            raise ValueError(f"mode must be 'min' or 'max', got {mode!r}; name one of these.")
        self.checkpoint_dir = Path(checkpoint_dir)
        self.keep_best_n = keep_best_n
        self.save_frequency = save_frequency
        self.metric_name = metric_name
        self.mode = mode
        self.keep_last_n = keep_last_n

    def should_save(self, epoch: int) -> bool:
        """Say whether a checkpoint is due.

        Args:
            epoch: The number of finished epochs.

        Returns:
            Whether it is a multiple of the save frequency, and not 0.
        """
        return epoch > 0 and epoch % self.save_frequency == 0

    def prepare(self) -> None:
        """Make the directory, so that a wrong path stops a run before it begins.

        Raises:
            OSError: If the directory cannot be made or written to.
        """
        problem = None
        try:
            self.checkpoint_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            problem = (error.strerror or str(error)).lower()
        if problem is None and not os.access(self.checkpoint_dir, os.W_OK | os.X_OK):
            problem = "one without write permission"
        if problem is not None:
            raise OSError(
                f"Expected a directory for checkpoints at '{self.checkpoint_dir}', got {problem}; "
                "set another checkpoint_dir."
            )

    def save(self, state: Any, *, step: int, epoch: int, metrics: Mapping[str, float]) -> Path:
        """Write a checkpoint, then remove those that are neither among the best nor the latest.

        A checkpoint of the same step is replaced.

        Args:
            state: Nested mappings, lists and tuples of tensors and plain scalars.
            step: The number of finished optimizer steps, 0 or more.
            epoch: The current epoch.
            metrics: The metrics at this step.

        Returns:
            The checkpoint's directory.
        """
        self.prepare()
        for leftover in self.checkpoint_dir.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(leftover)
        final = self.checkpoint_dir / f"step-{step:08d}"
        unfinished = final.with_name(_UNFINISHED + final.name)
        numbers = {name: float(value) for name, value in metrics.items()}
        write_checkpoint(
            unfinished, Checkpoint(state, step, epoch, numbers), sequence=self._next_sequence()
        )
        replaced = final.with_name(f"{final.name}.old")
        if final.exists():
            _remove(replaced)
            final.rename(replaced)
        unfinished.rename(final)
        sync(self.checkpoint_dir)
        _remove(replaced)
        self._prune(final)
        return final

    @staticmethod
    def load(path: str | Path) -> Checkpoint:
        """Read a checkpoint and check that it is whole.

        Args:
            path: The checkpoint's directory.

        Returns:
            What it holds, tensors on the CPU.
        """
        return read_checkpoint(Path(path))

    def latest(self) -> Path | None:
        """Find the checkpoint that was saved last.

        Returns:
            Its directory, or None if there is no checkpoint.
        """
        return next(reversed(self._all()), None)

    def best(self) -> Path | None:
        """Find the checkpoint with the best metric; of equals, the later one.

        Returns:
            Its directory, or None if no checkpoint has the metric.
        """
        return next(iter(self._ranked()), None)

    def before(self, step: int) -> Path | None:
        """Find the last checkpoint that holds nothing of a step, nor of later ones.

        Args:
            step: The number of an optimizer step, from 1.

        Returns:
            Its directory, or None if there is none.
        """
        earlier = {path: at for path, at in self._steps().items() if at < step}
        return max(earlier, key=earlier.__getitem__, default=None)

    def discard_after(self, step: int) -> None:
        """Remove the checkpoints of later steps, so that no run resumes from them.

        Args:
            step: The last step whose checkpoint stays.
        """
        for path, at in self._steps().items():
            if at > step:
                _remove(path)

    def resolve(self, where: str | Path) -> Path | None:
        """Find the checkpoint that a user asks to resume from.

        Args:
            where: ``"auto"`` for the latest of this run, or a checkpoint, or a directory of them.

        Returns:
            The checkpoint's directory, or None if ``"auto"`` finds none.

        Raises:
            FileNotFoundError: If there is no checkpoint at the path.
            CheckpointError: If it is a file, such as a pickle, which is never opened.
        """
        if where == "auto":
            return self.latest()
        path = Path(where)
        if path.is_file():
            raise CheckpointError(
                f"Expected a checkpoint's directory at '{path}', got a file, which is not opened: "
                "pickles run code; give a directory such as checkpoints/step-00001000."
            )
        found = path if (path / MANIFEST).is_file() else CheckpointManager(path).latest()
        if found is None:
            raise FileNotFoundError(
                f"Expected a checkpoint at '{path}', got "
                f"{'a directory without one' if path.is_dir() else 'no such directory'}; "
                "give a directory such as checkpoints/step-00001000."
            )
        return found

    def _all(self) -> dict[Path, dict[str, Any] | None]:
        # In the order of saving, each with its manifest. One that cannot be read stands last, and
        # so is an error when a run resumes from the latest; nobody ranks or removes it.
        found: dict[Path, dict[str, Any] | None] = {}
        for path in self.checkpoint_dir.glob("step-*"):
            if _NAME.fullmatch(path.name):
                try:
                    found[path] = read_manifest(path)
                except (CheckpointError, FileNotFoundError):
                    found[path] = None

        def order(path: Path) -> float:
            manifest = found[path]
            return math.inf if manifest is None else manifest["sequence"]

        return {path: found[path] for path in sorted(found, key=order)}

    def _steps(self) -> dict[Path, int]:
        """Finished steps of each checkpoint that can be read."""
        return {path: found["step"] for path, found in self._all().items() if found is not None}

    def _ranked(self) -> list[Path]:
        values: dict[Path, float] = {}
        for path, manifest in reversed(self._all().items()):
            metrics = {} if manifest is None else unpack_state(manifest["metrics"], {})
            if math.isfinite(value := metrics.get(self.metric_name, math.nan)):
                values[path] = value if self.mode == "min" else -value
        return sorted(values, key=values.__getitem__)

    def _next_sequence(self) -> int:
        return 1 + max((m["sequence"] for m in self._all().values() if m is not None), default=0)

    def _prune(self, newest: Path) -> None:
        latest = [*self._all()][-self.keep_last_n :]
        kept = {newest, *latest, *self._ranked()[: self.keep_best_n]}
        for path, manifest in self._all().items():
            if path not in kept and manifest is not None:
                _remove(path)


def _remove(path: Path) -> None:
    # Renamed first: a process that dies while it deletes must not leave half a checkpoint.
    if path.exists():
        doomed = path.with_name(_UNFINISHED + path.name + ".removed")
        path.rename(doomed)
        shutil.rmtree(doomed)
