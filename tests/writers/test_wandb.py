from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from sightline.events import bucketize
from sightline.logger import MetricsLogger
from sightline.writers import Histogram, Image, Scalar, Text, Wandb
from tests.writers import wandb_file


def run_file(directory: Path) -> Path:
    (path,) = directory.rglob("*.wandb")
    return path


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
