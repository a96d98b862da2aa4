"""One checkpoint on disk: whole or absent, and never executed.

A checkpoint is a directory of two files. ``tensors.safetensors`` holds the tensors.
``manifest.json`` holds everything else: the format, step, epoch, metrics, the state's scalars, the
size and SHA-256 of the tensor file, and a SHA-256 of its own. They tell that a file was altered,
and are no signature of who wrote it. Nothing in either file can run.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from sightline.training.states import pack_state, unpack_state

FORMAT = "sightline-checkpoint"
VERSION = 1
MANIFEST = "manifest.json"
TENSORS = "tensors.safetensors"


class CheckpointError(ValueError):
    """A checkpoint that is damaged or of another format; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint holds.

    Args:
        state: The state as it was saved, its tensors on the CPU.
        step: The number of finished optimizer steps.
        epoch: The epoch it was saved in.
        metrics: The metrics it was saved with.
    """

    state: Any
    step: int
    epoch: int
    metrics: dict[str, float]


def write_checkpoint(directory: Path, checkpoint: Checkpoint, *, sequence: int = 0) -> None:
    """Write a checkpoint and wait until it is on the disk.

    Args:
        directory: Where to; it is made, and must not exist yet.
        checkpoint: What to write. The state is made of nested mappings, lists and tuples of tensors
            and plain scalars.
        sequence: Its place among the checkpoints of a run, in the order of saving. Steps do not
            give that order: a run may go back to an earlier one.
    """
    tree, tensors = pack_state(checkpoint.state)
    directory.mkdir()
    save_file(tensors, directory / TENSORS)
    manifest = {
        "format": FORMAT,
        "version": VERSION,
        "sequence": sequence,
        "step": checkpoint.step,
        "epoch": checkpoint.epoch,
        "metrics": pack_state(checkpoint.metrics)[0],
        "files": {TENSORS: _fingerprint(directory / TENSORS)},
        "state": tree,
    }
    write_manifest(directory, manifest)
    for path in (directory / TENSORS, directory / MANIFEST, directory):
        sync(path)


def write_manifest(directory: Path, manifest: dict[str, Any]) -> None:
    """Write a checkpoint's manifest, with a number that tells whether it was altered since.

    Args:
        directory: The checkpoint.
        manifest: All that it holds; an earlier such number is replaced.
    """
    sealed = {**manifest, "sha256": _seal(manifest)}
    (directory / MANIFEST).write_text(json.dumps(sealed, allow_nan=False), "utf-8")


def read_checkpoint(directory: Path) -> Checkpoint:
    """Read a checkpoint and check that it is whole.

    Args:
        directory: The checkpoint.

    Returns:
        What it holds, tensors on the CPU.

    Raises:
        CheckpointError: If it is damaged or of another format.
    """
    manifest = read_manifest(directory)
    got = _fingerprint(directory / TENSORS)
    try:
        saved = manifest["files"][TENSORS]
        if got != saved:
            raise CheckpointError(
                f"Expected the {saved['size']} bytes that were saved in '{directory / TENSORS}', "
                f"got {got['size']} bytes that differ; remove it and resume from another."
            )
        return Checkpoint(
            state=unpack_state(manifest["state"], load_file(directory / TENSORS)),
            step=manifest["step"],
            epoch=manifest["epoch"],
            metrics=unpack_state(manifest["metrics"], {}),
        )
    except CheckpointError:
        raise
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise CheckpointError(
            f"Expected a whole checkpoint at '{directory}', got a damaged one ({error}); "
            "remove it and resume from another."
        ) from error


def read_manifest(directory: Path) -> dict[str, Any]:
    """Read a checkpoint's manifest and check that it is one.

    Args:
        directory: The checkpoint.

    Returns:
        The manifest, with all keys that `write_checkpoint` writes.

    Raises:
        FileNotFoundError: If there is none.
        CheckpointError: If it is damaged or of another format.
    """
    try:
        manifest = json.loads((directory / MANIFEST).read_text("utf-8"))
    except OSError as error:
        raise FileNotFoundError(
            f"Expected a checkpoint with a {MANIFEST} at '{directory}', got "
            f"{(error.strerror or str(error)).lower()}; give a directory such as "
            "checkpoints/step-00001000."
        ) from error
    except ValueError as error:
        raise CheckpointError(
            f"Expected a whole checkpoint at '{directory}', got a damaged manifest ({error}); "
            "remove it and resume from another."
        ) from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise CheckpointError(
            f"Expected a checkpoint of the format {FORMAT!r} at '{directory}', got something "
            "else; give a checkpoint that sightline saved."
        )
    if manifest.get("version") != VERSION:
        raise CheckpointError(
            f"Expected a checkpoint of version {VERSION} at '{directory}', got "
            f"{manifest.get('version')}; use the sightline release that saved it."
        )
    needed = {"sequence", "step", "epoch", "metrics", "files", "state", "sha256"}
    missing = needed - manifest.keys()
    if missing:
        raise CheckpointError(
            f"Expected a whole manifest at '{directory}', got one without {min(missing)!r}; "
            "remove it and resume from another."
        )
    if manifest["sha256"] != _seal(manifest):
        raise CheckpointError(
            f"Expected the manifest that was saved at '{directory}', got a damaged one that "
            "differs from it; remove it and resume from another."
        )
    if type(manifest["step"]) is not int:
        raise CheckpointError(
            f"Expected a whole number of steps at '{directory}', got a damaged one with "
            f"{manifest['step']!r}; remove it and resume from another."
        )
    return manifest


def sync(path: Path) -> None:
    """Wait until a file's content, or a directory's list of names, is on the disk.

    Args:
        path: The file or directory.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _seal(manifest: dict[str, Any]) -> str:
    content = {name: value for name, value in manifest.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _fingerprint(path: Path) -> dict[str, int | str]:
    if not path.is_file():
        return {"size": 0, "sha256": ""}
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return {"size": file.tell(), "sha256": digest.hexdigest()}
