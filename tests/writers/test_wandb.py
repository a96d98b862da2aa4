from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightline.events import bucketize
from sightline.logger import MetricsLogger
from sightline.writers import Histogram, Image, Row, Scalar, Text, Wandb
from sightline.writers.protocol import fork_of
from tests.writers import wandb_file


def run_file(directory: Path) -> Path:
    (path,) = directory.rglob("*.wandb")
    return path


def logged(directory: Path) -> list[dict[str, Any]]:
    """The rows that were logged, without what W&B adds of its own."""
    own = {"_step", "_runtime", "_timestamp"}
    rows = wandb_file.history(run_file(directory))
    return [{key: row[key] for key in row if key not in own} for row in rows]


def test_an_offline_run_holds_every_value_at_its_step(tmp_path: Path) -> None:
    writer = Wandb(project="p", directory=tmp_path, config={"lr": 0.1}, name="n", tags=["t"])
    writer.write({"loss": Scalar(0.5), "note": Text("hi")}, step=5, wall_time=0.0)
    writer.write({"loss": Scalar(0.25)}, step=3, wall_time=0.0)  # late, and kept all the same
    writer.write(
        {
            "h": Histogram(bucketize(np.arange(4.0))),
            "i": Image((np.zeros((2, 3, 1), np.uint8),), "c"),
        },
        step=6,
        wall_time=0.0,
    )
    writer.close()
    rows = wandb_file.history(run_file(tmp_path))
    assert [(row["global_step"], row.get("loss")) for row in rows] == [
        (5, 0.5),
        (3, 0.25),
        (6, None),
    ]
    assert rows[0]["note"] == "hi"
    assert sum(rows[2]["h.values"]) == 4
    assert (rows[2]["i.width"], rows[2]["i.caption"]) == (3, "c")
    (run,) = [r.run for r in wandb_file.records(run_file(tmp_path)) if r.HasField("run")]
    assert (run.project, run.display_name, list(run.tags)) == ("p", "n", ["t"])
    assert wandb_file.config(run_file(tmp_path))["lr"] == 0.1


def test_rows_of_one_step_travel_together_unless_they_repeat_a_tag(tmp_path: Path) -> None:
    writer = Wandb(directory=tmp_path)
    writer.write_rows([
        Row(("a",), (1.0,), 1, 1.5e9),
        Row(("b", "c"), (2.0, 3.0), 1, 1.5e9),
        Row(("b",), (4.0,), 1, 1.6e9),
        Row(("a",), (5.0,), 2, 1.6e9),
    ])
    writer.write_rows([Row(("b",), (float("nan"),), 2, 1.6e9)])
    writer.close()
    assert logged(tmp_path) == [
        {"global_step": 1, "a": 1, "b": 2, "c": 3},
        {"global_step": 1, "b": 4},
        {"global_step": 2, "a": 5},
        {"global_step": 2, "b": pytest.approx(np.nan, nan_ok=True)},
    ]
    times = [row["_timestamp"] for row in wandb_file.history(run_file(tmp_path))]
    assert times == [1.5e9, 1.6e9, 1.6e9, 1.6e9]


def test_a_value_that_wandb_cannot_show_costs_no_other(tmp_path: Path) -> None:
    writer = Wandb(directory=tmp_path)
    with pytest.raises(Exception, match=r"axes|dimension|shape|Un-supported"):
        writer.write(
            {"odd": Image((np.zeros((2, 2, 7), np.uint8),)), "loss": Scalar(0.5)},
            step=1,
            wall_time=1.5e9,
        )
    writer.close()
    assert logged(tmp_path) == [{"global_step": 1, "loss": 0.5}]


def test_a_run_that_continues_keeps_its_id(tmp_path: Path) -> None:
    ids = []
    for session, resume_step in enumerate([None, 4, None]):
        folder = tmp_path / str(session)
        folder.mkdir()
        writer = Wandb(
            directory=folder, id_file=tmp_path / "run" / "wandb_run_id", resume_step=resume_step
        )
        writer.write({"loss": Scalar(0.5)}, step=5 * session, wall_time=1.5e9)
        writer.close()
        assert logged(folder) == [{"global_step": 5 * session, "loss": 0.5}]
        (run,) = [r.run for r in wandb_file.records(run_file(folder)) if r.HasField("run")]
        ids.append(run.run_id)
    first, continued, fresh = ids
    assert first == continued != fresh
    assert (tmp_path / "run" / "wandb_run_id").read_text().strip() == fresh


def test_the_logger_continues_its_run_of_wandb(tmp_path: Path) -> None:
    for resume_step in (None, 2):
        with MetricsLogger("run", tmp_path, use_wandb=True, resume_step=resume_step) as logger:
            logger.log_metrics({"loss": 1.5})
    paths = sorted(tmp_path.rglob("*.wandb"))
    assert [[row["global_step"] for row in wandb_file.history(path)] for path in paths] == [
        [0],
        [3],
    ]
    assert len({path.name for path in paths}) == 1  # run-<id>.wandb


def test_a_forked_process_leaves_the_run_alone(tmp_path: Path) -> None:
    writer = Wandb(directory=tmp_path)
    assert fork_of(writer, "worker0") is None
    writer.close()


def test_a_run_that_cannot_start_says_what_to_do(tmp_path: Path) -> None:
    program = """
from sightline.writers import Wandb
Wandb(directory=".", mode="online")
"""
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env=dict(os.environ, HOME=str(tmp_path), WANDB_API_KEY="", NETRC=str(tmp_path / "netrc")),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "RuntimeError: expected Weights & Biases to start, got: No API key" in answer.stderr
    assert 'run "wandb login", or set WANDB_MODE=offline' in answer.stderr


def test_the_logger_feeds_wandb_and_tensorboard_alike(tmp_path: Path) -> None:
    with MetricsLogger(
        "run", tmp_path, {"lr": 0.1}, use_wandb=True, wandb_project="p", wandb_tags=("a", "b")
    ) as logger:
        logger.log_metrics({"loss": 1.5}, step=2, prefix="train/")
    (row,) = [row for row in wandb_file.history(run_file(tmp_path)) if "train/loss" in row]
    assert (row["global_step"], row["train/loss"]) == (2, 1.5)
    assert len(list((tmp_path / "run").glob("*tfevents*"))) == 1


def test_a_missing_wandb_is_said_with_the_line_that_installs_it() -> None:
    program = (
        "import sys; sys.modules['wandb'] = None; from sightline.writers import Wandb; Wandb()"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert answer.stderr.splitlines()[-1] == (
        'ModuleNotFoundError: wandb is not installed; run: pip install "sightline[wandb]"'
    )
