"""`--resume` goes on where it can, and refuses in one sentence what it cannot trust."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner, Result

from sightline.cli.app import app
from sightline.training.checkpoint_files import MANIFEST, TENSORS, write_manifest
from tests.hjepa.conftest import TINY

SHORT = ("training.epochs=2", "training.stop_after_epochs=1")


def train(log_dir: Path, *arguments: str) -> Result:
    """`sightline train hjepa` into a folder of runs."""
    return CliRunner().invoke(
        app, ["train", "hjepa", *TINY, f"logging.log_dir={log_dir}", *arguments]
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs with one checkpoint."""
    log_dir = tmp_path_factory.mktemp("saved")
    assert train(log_dir, *SHORT).exit_code == 0
    return log_dir


class Evil:
    """What makes a file when it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.proof,)


def truncate(checkpoint: Path, proof: Path) -> None:
    tensors = (checkpoint / TENSORS).read_bytes()
    (checkpoint / TENSORS).write_bytes(tensors[: len(tensors) // 2])


def flip_a_bit(checkpoint: Path, proof: Path) -> None:
    tensors = bytearray((checkpoint / TENSORS).read_bytes())
    tensors[len(tensors) // 2] ^= 1
    (checkpoint / TENSORS).write_bytes(tensors)


def truncate_the_manifest(checkpoint: Path, proof: Path) -> None:
    text = (checkpoint / MANIFEST).read_text()
    (checkpoint / MANIFEST).write_text(text[: len(text) // 2])


def alter_the_manifest(checkpoint: Path, proof: Path) -> None:
    manifest = json.loads((checkpoint / MANIFEST).read_text())
    (checkpoint / MANIFEST).write_text(json.dumps(manifest | {"step": 4}))


def put_a_pickle_there(checkpoint: Path, proof: Path) -> None:
    (checkpoint / TENSORS).write_bytes(pickle.dumps(Evil(proof)))


def put_torch_s_pickle_there(checkpoint: Path, proof: Path) -> None:
    with (checkpoint / TENSORS).open("wb") as file:
        torch.save(Evil(proof), file)


def forge(**changes: Any) -> Callable[[Path, Path], None]:
    """Alters the state as one who knows the format."""

    def alter(checkpoint: Path, proof: Path) -> None:
        manifest = json.loads((checkpoint / MANIFEST).read_text())
        manifest["state"] |= changes
        manifest["state"] = {k: v for k, v in manifest["state"].items() if v is not None}
        write_manifest(checkpoint, manifest)

    return alter


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, "bytes that differ"),
        (flip_a_bit, "bytes that differ"),
        (truncate_the_manifest, "a damaged manifest"),
        (alter_the_manifest, "a damaged one that differs"),
        (put_a_pickle_there, "bytes that differ"),
        (put_torch_s_pickle_there, "bytes that differ"),
        (forge(optimizer=None), "without 'optimizer'"),
        (forge(run_name=None), "without 'run_name'"),
        (forge(run_name="../elsewhere"), "got '../elsewhere'"),
        (forge(run_name="/elsewhere"), "got '/elsewhere'"),
    ],
)
@pytest.mark.parametrize("is_named", [True, False], ids=["by its path", "auto"])
def test_a_checkpoint_that_was_altered_is_refused_in_one_sentence_and_runs_nothing(
    saved: Path, tmp_path: Path, damage: Any, message: str, is_named: bool
) -> None:
    runs, proof = tmp_path / "runs", tmp_path / "it ran"
    shutil.copytree(saved, runs)
    (checkpoint,) = (runs / "hjepa" / "checkpoints").glob("step-*")
    damage(checkpoint, proof)
    before = sorted(tmp_path.rglob("*"))
    result = train(runs, *SHORT, "--resume", str(checkpoint) if is_named else "auto")
    assert result.exit_code == 2, result.output
    assert result.output.startswith("sightline: Expected")
    assert len(result.output.strip().splitlines()) == 1
    assert message in result.output
    assert sorted(tmp_path.rglob("*")) == before  # nothing ran, nothing was written


def test_a_pickle_is_refused_in_one_sentence_and_runs_nothing(tmp_path: Path) -> None:
    torch.save(Evil(tmp_path / "it ran"), tmp_path / "evil.pt")
    command = [sys.executable, "-m", "sightline", "train", "hjepa", "--resume", "evil.pt"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stdout == ""
    told = "sightline: Expected a checkpoint's directory at 'evil.pt', got a file, which is not"
    assert result.stderr.startswith(told)
    assert len(result.stderr.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["evil.pt"]


def test_a_run_without_progress_ends_well_and_goes_on_when_it_is_given_more_patience(
    tmp_path: Path,
) -> None:
    settings = (
        "training.epochs=9",
        "evaluation.eval_frequency=1",
        "training.early_stopping.metric=val/loss",
        "training.early_stopping.min_delta=100",
    )
    again = ("--resume", "auto")
    for resume, patience, num_epochs in (((), 2, 3), (again, 2, 3), (again, 4, 5)):
        given = f"training.early_stopping.patience={patience}"
        result = train(tmp_path, *settings, given, *resume)
        assert result.exit_code == 0, result.output
        told = " ".join(result.output.split())
        assert "Stopped early: no progress: val/loss was best at step 5 (" in told
        assert f"), {patience} evaluations ago." in told
        assert "with more training.early_stopping.patience and --resume auto goes on" in told
        (checkpoint,) = (tmp_path / "hjepa" / "checkpoints").glob(f"step-{5 * num_epochs:08d}")
        assert json.loads((checkpoint / MANIFEST).read_text())["step"] == 5 * num_epochs
