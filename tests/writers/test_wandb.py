from __future__ import annotations

import json
import os
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PILImage
from PIL import ImageSequence

from sightline.events import RunStatus, bucketize, pr_curve
from sightline.logger import MetricsLogger
from sightline.writers import (
    Audio,
    Histogram,
    HParams,
    Image,
    Mesh,
    PRCurve,
    Row,
    RunEnd,
    Scalar,
    Table,
    Text,
    Video,
    Wandb,
)
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


def media(directory: Path, ending: str) -> Path:
    """The only file of a run that ends so."""
    (path,) = directory.rglob(f"files/media/**/*{ending}")
    return path


def test_videos_and_sounds_are_kept_as_files_that_play(tmp_path: Path) -> None:
    frames = np.arange(24, dtype=np.uint8).reshape(2, 3, 4, 1) * 10
    samples = np.array([[0, 100], [-100, 32767]], np.int16)
    writer = Wandb(directory=tmp_path)
    values = {"v": Video(frames, 4, "HWC", "a caption"), "a": Audio(samples, 8000, "TC")}
    writer.write(values, step=1, wall_time=1.5e9)
    writer.close()
    (row,) = logged(tmp_path)
    assert (row["v._type"], row["v.caption"]) == ("video-file", "a caption")
    assert row["a._type"] == "audio-file"
    with PILImage.open(media(tmp_path, ".gif")) as gif:
        shown = [np.asarray(one.convert("L")) for one in ImageSequence.Iterator(gif)]
    np.testing.assert_array_equal(shown, frames[..., 0])
    with wave.open(str(media(tmp_path, ".wav"))) as sound:
        assert sound.getframerate() == 8000
        assert sound.readframes(2) == samples.astype("<i2").tobytes()


def test_tables_and_curves_are_kept_as_tables(tmp_path: Path) -> None:
    writer = Wandb(directory=tmp_path)
    table = Table(("class", "recall"), (("cat", 0.5), ("dög", None)))
    curve = PRCurve(pr_curve([True, False, True], [0.9, 0.6, 0.4], 3))
    writer.write({"t": table, "pr": curve}, step=1, wall_time=1.5e9)
    writer.close()
    kept = [json.loads(path.read_text()) for path in tmp_path.rglob("media/**/*.table.json")]
    by_width = {len(one["columns"]): one for one in kept}
    assert by_width[2]["columns"] == ["class", "recall"]
    assert by_width[2]["data"] == [["cat", 0.5], ["dög", None]]
    assert by_width[3]["columns"] == ["threshold", "recall", "precision"]
    assert by_width[3]["data"] == [[0, 1, 2 / 3], [0.5, 0.5, 0.5], [1, 0, 0]]
    assert '"pr"' in json.dumps(wandb_file.config(run_file(tmp_path)))  # the chart of the curve


def test_meshes_are_kept_as_objects_and_points_as_clouds(tmp_path: Path) -> None:
    corners = np.eye(3, dtype=np.float32)[None]
    colors = np.full((1, 3, 3), 255, np.uint8)
    writer = Wandb(directory=tmp_path)
    writer.write(
        {
            "mesh": Mesh(corners, np.array([[[0, 1, 2]]], np.int32)),
            "cloud": Mesh(corners, None, colors),
        },
        step=1,
        wall_time=1.5e9,
    )
    writer.close()
    assert media(tmp_path, ".obj").read_text() == "v 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 2 3\n"
    assert json.loads(media(tmp_path, ".pts.json").read_text())[1] == [0, 1, 0, 255, 255, 255]


def test_hyperparameters_are_configuration_and_a_failure_is_the_exit_code(tmp_path: Path) -> None:
    for folder, status in (("fine", RunStatus.SUCCESS), ("failed", RunStatus.FAILURE)):
        (tmp_path / folder).mkdir()
        writer = Wandb(directory=tmp_path / folder, config={"seed": 1})
        writer.write({"h": HParams({"lr": 0.1}, 1.5e9)}, step=0, wall_time=1.5e9)
        writer.write({"e": RunEnd(status, 1.6e9)}, step=0, wall_time=1.6e9)
        writer.close()
        path = run_file(tmp_path / folder)
        (end,) = [r.exit.exit_code for r in wandb_file.records(path) if r.HasField("exit")]
        assert end == (status == RunStatus.FAILURE)
        settings = wandb_file.config(path)
        assert (settings["seed"], settings["lr"]) == (1, 0.1)


def test_a_with_block_that_fails_is_the_exit_code_without_settings_too(tmp_path: Path) -> None:
    writer = Wandb(directory=tmp_path)
    with pytest.raises(KeyError), MetricsLogger("run", tmp_path, writers=[writer]):
        raise KeyError("x")
    (end,) = [
        r.exit.exit_code for r in wandb_file.records(run_file(tmp_path)) if r.HasField("exit")
    ]
    assert end == 1


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
