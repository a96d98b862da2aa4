from __future__ import annotations

import json
import math
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator
from contextlib import chdir, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
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
    Mlflow,
    PRCurve,
    Row,
    RunEnd,
    Scalar,
    Table,
    Text,
    Video,
)
from sightline.writers import mlflow as module
from sightline.writers.mlflow_names import mlflow_name, mlflow_path, tag_of

if (
    TYPE_CHECKING
):  # it takes seconds to import, which the collection of other tests need not wait for
    from mlflow import MlflowClient


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database: making one takes a second, so tests share it."""
    from mlflow import MlflowClient

    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    with chdir(folder):  # MLflow makes a folder for files, wherever it is
        MlflowClient(uri)
    return uri


@pytest.fixture
def make(store: str, tmp_path: Path) -> Iterator[Callable[..., Mlflow]]:
    """Makes writers into an experiment of the test's own."""
    made: list[Mlflow] = []

    def make_one(**arguments: Any) -> Mlflow:
        writer = Mlflow(
            tracking_uri=store,
            experiment=str(tmp_path),
            artifact_location=str(tmp_path / "artifacts"),
            **arguments,
        )
        made.append(writer)
        return writer

    yield make_one
    for writer in made:
        writer.close()


@pytest.fixture
def client(store: str) -> MlflowClient:
    from mlflow import MlflowClient

    return MlflowClient(store)


def history(client: MlflowClient, run_id: str, name: str) -> list[tuple[int, float]]:
    return [(m.step, m.value) for m in client.get_metric_history(run_id, name)]


def files(client: MlflowClient, run_id: str, folder: str | None = None) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for entry in client.list_artifacts(run_id, folder):
        if entry.is_dir:
            found |= files(client, run_id, entry.path)
        else:
            found[entry.path] = Path(client.download_artifacts(run_id, entry.path))
    return found


def test_numbers_are_metrics_at_their_step_and_time(
    make: Callable[..., Mlflow], client: MlflowClient
) -> None:
    writer = make(run_name="n", tags={"owner": "me"})
    writer.write({"train/loss": Scalar(0.5)}, step=5, wall_time=1.5e9)
    writer.write({"train/loss": Scalar(0.25)}, step=3, wall_time=1.5e9 + 0.25)  # late
    writer.flush()
    (late, first) = sorted(
        client.get_metric_history(writer.run_id, "train/loss"), key=lambda m: m.step
    )
    assert (first.step, first.value, first.timestamp) == (5, 0.5, 1_500_000_000_000)
    assert (late.step, late.value, late.timestamp) == (3, 0.25, 1_500_000_000_250)
    run = client.get_run(writer.run_id)
    assert (run.info.run_name, run.data.tags["owner"], run.info.status) == ("n", "me", "RUNNING")
    writer.close()
    assert client.get_run(writer.run_id).info.status == "FINISHED"


def test_many_steps_travel_in_requests_of_a_thousand_numbers(
    make: Callable[..., Mlflow], client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = make()
    sizes = []
    send = writer._client.log_batch

    def counted(run_id: str, metrics: Any) -> None:
        sizes.append(len(metrics))
        send(run_id, metrics=metrics)

    monkeypatch.setattr(writer._client, "log_batch", counted)
    tags = tuple(f"m{i}" for i in range(5))
    writer.write_rows([Row(tags, (1.0,) * 5, step, 1.5e9 + step) for step in range(250)])
    writer.flush()
    assert sizes == [1000, 250]
    assert history(client, writer.run_id, "m4") == [(step, 1.0) for step in range(250)]


def test_not_a_number_survives_and_infinity_is_the_largest_float(
    make: Callable[..., Mlflow], client: MlflowClient
) -> None:
    writer = make()
    for step, number in enumerate([math.nan, math.inf, -math.inf, 1e300]):
        writer.write({"odd": Scalar(number)}, step=step, wall_time=1.5e9)
    writer.flush()
    (nan, inf, minus_inf, large) = history(client, writer.run_id, "odd")
    assert math.isnan(nan[1])
    assert [inf, minus_inf, large] == [
        (1, sys.float_info.max),
        (2, -sys.float_info.max),
        (3, 1e300),
    ]


LEGAL_TAGS = st.text(
    st.one_of(st.sampled_from("_x0040F./ @:"), st.characters(exclude_categories=("Cc", "Cs"))),
    min_size=1,
    max_size=20,
).filter(lambda tag: not tag.startswith("/"))


@given(LEGAL_TAGS)
@example("_x0040_")
@example("_x0040@")
@example("..")
@example("a//b/")
def test_a_name_is_one_that_mlflow_takes_and_gives_its_tag_back(tag: str) -> None:
    from mlflow.utils.validation import _validate_metric_name

    _validate_metric_name(mlflow_name(tag))
    assert ":" not in mlflow_name(tag)  # which it refuses on Windows
    assert tag_of(mlflow_name(tag)) == tag
    assert mlflow_path(tag).isascii()
    assert tag_of(mlflow_path(tag)) == tag


def test_any_tag_is_logged_and_one_that_is_too_long_costs_no_other(
    make: Callable[..., Mlflow], client: MlflowClient
) -> None:
    writer = make()
    tags = ["top@1", "a//b", "../up", "größe", "weights[0]", "plain/name_1"]
    with pytest.raises(ValueError, match="at most 250 characters for MLflow, got 300"):
        writer.write(dict.fromkeys(["x" * 300, *tags], Scalar(2.0)), step=1, wall_time=1.5e9)
    writer.flush()
    metrics = client.get_run(writer.run_id).data.metrics
    assert {tag_of(name): number for name, number in metrics.items()} == dict.fromkeys(tags, 2.0)
    assert {"top_x0040_1", "größe", "plain/name_1"} <= metrics.keys()


def test_pictures_texts_and_histograms_are_files_that_name_their_step(
    make: Callable[..., Mlflow], client: MlflowClient
) -> None:
    writer = make()
    pixels = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    buckets = bucketize([0.0, 1.0, 1.0, math.nan], num_buckets=2)
    writer.write(
        {
            "recon/größe": Image((pixels,), "c"),
            "two": Image((pixels[..., :1], pixels[..., 1:2]), is_grid=False),
            "note": Text("| ü |"),
            "weights/conv": Histogram(buckets),
        },
        step=7,
        wall_time=1.5e9,
    )
    found = files(client, writer.run_id)
    (png,) = [p for p in found if p.endswith(".png") and "recon" in p]
    assert png.startswith("images/recon~gr_x00F6__x00DF_e+step+7+timestamp+1500000000000")
    np.testing.assert_array_equal(np.asarray(PILImage.open(found[png])), pixels)
    grey = sorted(p for p in found if p.startswith("images/two~") and p.endswith(".png"))
    assert [np.asarray(PILImage.open(found[p])).tolist() for p in grey] == [
        pixels[..., 0].tolist(),
        pixels[..., 1].tolist(),
    ]
    assert found["texts/note/step_0000000007.md"].read_text(encoding="utf-8") == "| ü |"
    counted = json.loads(found["histograms/weights/conv/step_0000000007.json"].read_text())
    assert counted == {"edges": [0, 0.5, 1], "counts": [1, 2], "num_nan": 1, "num_inf": 0}


def test_videos_sounds_tables_curves_and_meshes_are_files(
    make: Callable[..., Mlflow], client: MlflowClient
) -> None:
    writer = make()
    frames = np.arange(24, dtype=np.uint8).reshape(2, 3, 4, 1) * 10
    samples = np.array([[0], [-100], [32767]], np.int16)
    corners = np.stack([np.eye(3, dtype=np.float32)] * 2)
    writer.write(
        {
            "v": Video(frames, 4),
            "a": Audio(samples, 8000),
            "t": Table(("class", "recall"), (("cat", 0.5), ("dög", math.nan))),
            "pr": PRCurve(pr_curve([True, False, True], [0.9, 0.6, 0.4], 3)),
            "m": Mesh(corners),
        },
        step=7,
        wall_time=1.5e9,
    )
    found = files(client, writer.run_id)
    with PILImage.open(found["videos/v/step_0000000007.gif"]) as gif:
        shown = [np.asarray(one.convert("L")) for one in ImageSequence.Iterator(gif)]
    np.testing.assert_array_equal(shown, frames[..., 0])
    with wave.open(str(found["sounds/a/step_0000000007.wav"])) as sound:
        assert sound.readframes(3) == samples.astype("<i2").tobytes()
    table = json.loads(found["tables/t/step_0000000007.json"].read_text())
    assert table == {"columns": ["class", "recall"], "rows": [["cat", 0.5], ["dög", "NaN"]]}
    curve = json.loads(found["pr_curves/pr/step_0000000007.json"].read_text())
    at_half = dict(zip(curve["columns"], curve["rows"][1], strict=True))
    assert at_half == {
        **{"threshold": 0.5, "tp": 1, "fp": 1, "tn": 0, "fn": 1},
        **{"precision": 0.5, "recall": 0.5},
    }
    cloud = found["meshes/m/step_0000000007_1.obj"].read_text()
    assert cloud == "v 1 0 0\nv 0 1 0\nv 0 0 1\np 1 2 3\n"


def test_hyperparameters_are_parameters_and_a_failure_is_the_status_of_the_run(
    make: Callable[..., Mlflow], client: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = make(config={"seed": 1})
    writer.write({"h": HParams({"lr": 0.1, "seed": 1.0}, 1.5e9)}, step=0, wall_time=1.5e9)
    assert capsys.readouterr().err == ""
    writer.write({"e": RunEnd(RunStatus.FAILURE, 1.6e9)}, step=0, wall_time=1.6e9)
    writer.close()
    run = client.get_run(writer.run_id)
    assert (run.info.status, run.data.params) == ("FAILED", {"seed": "1", "lr": "0.1"})


@pytest.mark.parametrize("hparams", [{}, {"lr": 0.1}])
def test_a_with_block_that_fails_makes_a_failed_run_with_settings_and_without(
    make: Callable[..., Mlflow], client: MlflowClient, tmp_path: Path, hparams: dict[str, float]
) -> None:
    ended = {}
    for fails in (False, True):
        writer = make()
        with suppress(KeyError), MetricsLogger("run", tmp_path, writers=[writer]) as logger:
            if hparams:
                logger.log_hparams(hparams)
            logger.log_metrics({"loss": 1.0}, step=0)
            if fails:
                raise KeyError("x")
        ended[fails] = client.get_run(writer.run_id).info.status
    assert ended == {False: "FINISHED", True: "FAILED"}


def test_the_configuration_becomes_parameters_and_what_does_not_fit_is_said(
    make: Callable[..., Mlflow], client: MlflowClient, capsys: pytest.CaptureFixture[str]
) -> None:
    small = {f"p{i}": i for i in range(150)}  # more than a request takes
    writer = make(config={"model": {"width": 64}, "lr": 0.1, **small})
    params = client.get_run(writer.run_id).data.params
    assert params == {"model.width": "64", "lr": "0.1", **{k: str(v) for k, v in small.items()}}
    assert capsys.readouterr().err == ""
    again = make(run_id=writer.run_id, config={"lr": 0.2, "new": 1, "prompt": "y" * 7000})
    assert again.run_id == writer.run_id
    params = client.get_run(writer.run_id).data.params
    assert (params["lr"], params["new"], params["prompt"]) == ("0.1", "1", "y" * 6000)
    assert capsys.readouterr().err == (
        "sightline: of the configuration, MLflow keeps 'lr' as '0.1', not '0.2'; 6000 of the 7000 "
        "characters of 'prompt'; the file config.json of the run has all of it\n"
    )
    whole = json.loads(files(client, writer.run_id)["config.json"].read_text())
    assert (whole["lr"], len(whole["prompt"])) == (0.2, 7000)


def test_numbers_wait_while_the_store_does_not_answer(
    make: Callable[..., Mlflow], client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow.exceptions import MlflowException

    writer = make()

    def refuse(*_: Any, **__: Any) -> None:
        raise MlflowException("no route to host")

    with monkeypatch.context() as broken:
        # The database of this test is always there; a lost server looks like this.
        broken.setattr(writer._client, "log_batch", refuse)
        writer.write_rows([Row(("loss",), (0.5,), step, 1.5e9) for step in range(1500)])
        with pytest.raises(ConnectionError, match="take 1500 numbers, got: no route to host"):
            writer.flush()
        writer.write({"loss": Scalar(0.25)}, step=1500, wall_time=1.5e9)
    writer.flush()
    assert history(client, writer.run_id, "loss") == [
        *((step, 0.5) for step in range(1500)),
        (1500, 0.25),
    ]


def test_numbers_that_the_store_refuses_are_an_error_and_hold_up_no_others(
    make: Callable[..., Mlflow], client: MlflowClient
) -> None:
    from mlflow.exceptions import MlflowException

    writer = make()
    client.delete_run(writer.run_id)
    writer.write({"loss": Scalar(0.5)}, step=0, wall_time=1.5e9)
    writer.flush()
    client.restore_run(writer.run_id)
    with pytest.raises(MlflowException, match="active"):
        writer.write({"loss": Scalar(0.25)}, step=1, wall_time=1.5e9)
    writer.close()
    assert history(client, writer.run_id, "loss") == [(1, 0.25)]


def test_more_numbers_than_memory_should_hold_drop_the_oldest(
    make: Callable[..., Mlflow], client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    writer = make()
    with pytest.raises(OverflowError, match="before 3 numbers wait, got 2 more"):
        writer.write_rows([Row(("loss",), (0.5,), step, 1.5e9) for step in range(5)])
    writer.close()
    assert history(client, writer.run_id, "loss") == [(2, 0.5), (3, 0.5), (4, 0.5)]


def test_the_logger_continues_its_run_of_mlflow(
    store: str, client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where MLflow keeps files of its own accord
    arguments: dict[str, Any] = {
        "use_tensorboard": False,
        "use_mlflow": True,
        "mlflow_experiment": "logger",
        "mlflow_tracking_uri": store,
    }
    with MetricsLogger("run", tmp_path, {"lr": 0.1}, **arguments) as logger:
        logger.log_metrics({"loss": 1.5}, step=2, prefix="train/")
    with MetricsLogger("run", tmp_path, {"lr": 0.1}, resume_step=2, **arguments) as logger:
        logger.log_metrics({"loss": 0.5}, prefix="train/")
    with MetricsLogger("run", tmp_path, **arguments) as logger:
        logger.log_metrics({"loss": 0.1}, prefix="train/")
    experiment = client.get_experiment_by_name("logger")
    assert experiment is not None
    fresh, continued = client.search_runs([experiment.experiment_id])
    assert history(client, continued.info.run_id, "train/loss") == [(2, 1.5), (3, 0.5)]
    assert history(client, fresh.info.run_id, "train/loss") == [(0, 0.1)]
    assert (continued.data.params, continued.info.run_name) == ({"lr": "0.1"}, "run")
    assert "texts/run/config/step_0000000002.md" in files(client, continued.info.run_id)


def test_a_server_that_is_not_there_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(ConnectionError, match=r"expected MLflow at http://127.0.0.1:9, got: "):
        Mlflow(tracking_uri="http://127.0.0.1:9", experiment="e")


def test_a_missing_mlflow_is_said_with_the_line_that_installs_it() -> None:
    program = (
        "import sys; sys.modules['mlflow'] = None; from sightline.writers import Mlflow; Mlflow()"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert answer.stderr.splitlines()[-1] == (
        'ModuleNotFoundError: mlflow is not installed; run: pip install "sightline[mlflow]"'
    )
