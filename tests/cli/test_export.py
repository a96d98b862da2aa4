"""`sightline export`: what was logged is what another program reads."""

from __future__ import annotations

import csv
import json
import math
import os
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pyarrow import csv as arrow_csv
from pyarrow import feather, parquet
from typer.testing import CliRunner, Result

from sightline import MetricsLogger
from sightline.cli.app import app
from sightline.reading import table_files
from tests.cli.logs import NUM_STEPS, event_file, values_at, write_log

Row = dict[str, Any]


@pytest.fixture
def logdir(tmp_path: Path) -> Path:
    return write_log(tmp_path / "runs")


def export(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


def logged() -> set[tuple[str, str, int, str]]:
    """Each point as run, tag, step and the text of its value."""
    points = {
        ("baseline", tag, step, repr(value))
        for step in range(NUM_STEPS)
        for tag, value in values_at(step).items()
    }
    return points | {
        ("sweep/seed1", "train/loss", 10 * step, repr(2.0 + step)) for step in range(3)
    }


def rows_of(path: Path) -> list[Row]:
    match path.suffix:
        case ".parquet":
            return parquet.read_table(path).to_pylist()
        case ".csv":
            # pyarrow takes nan for no value, unless told that an empty cell alone is none.
            options = arrow_csv.ConvertOptions(null_values=[""])
            return arrow_csv.read_csv(path, convert_options=options).to_pylist()
        case ".jsonl":
            return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        case _:
            return feather.read_table(path).to_pylist()


@pytest.mark.parametrize("ending", list(table_files.FORMATS))
def test_every_point_is_read_back(logdir: Path, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"points.{ending}"
    result = export(logdir, "-o", path)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    rows = rows_of(path)
    assert list(rows[0]) == ["run", "tag", "step", "wall_time", "value"]
    assert len(rows) == len(logged()) == 4 * NUM_STEPS + 3
    found = {(row["run"], row["tag"], row["step"], repr(float(row["value"]))) for row in rows}
    assert found == logged()
    assert {row["wall_time"] for row in rows} == {1e9}
    size = path.stat().st_size
    assert result.stderr == f"{path}: 323 points, 2 runs, 4 tags, {size:,} bytes\n"


@pytest.mark.parametrize("ending", list(table_files.FORMATS))
def test_a_wide_table_has_a_column_a_tag_and_tells_nan_from_no_point(
    logdir: Path, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"points.{ending}"
    assert export(logdir, "-o", path, "--wide").exit_code == 0
    rows = rows_of(path)
    assert [(row["run"], row["step"]) for row in rows] == [
        *(("baseline", step) for step in range(NUM_STEPS)),
        *(("sweep/seed1", 10 * step) for step in range(3)),
    ]
    for step, row in enumerate(rows[:NUM_STEPS]):
        numbers = {tag: float(number) for tag, number in row.items() if tag not in {"run", "step"}}
        assert numbers == pytest.approx(values_at(step), nan_ok=True)
    assert rows[-1]["train/loss"] == 4.0
    assert rows[-1].get("train/lr") is None
    assert math.isnan(float(rows[20]["eval/accuracy"]))


def test_csv_is_read_by_the_standard_library(logdir: Path, tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    export(logdir, "-o", path)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = {(row["run"], row["tag"], int(row["step"]), repr(float(row["value"]))) for row in rows}
    assert found == logged()


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_of_several_points_at_one_step_a_wide_table_has_the_last(
    tmp_path: Path, ending: str
) -> None:
    with MetricsLogger("run", tmp_path) as logger:
        for value in (1.0, 2.0, 3.0):
            logger.log_metrics({"loss": value}, step=0)
    path = tmp_path / f"points.{ending}"
    export(tmp_path, "-o", path, "--wide")
    assert rows_of(path) == [{"run": "run", "step": 0, "loss": 3.0}]


def test_a_tag_named_as_a_column_is_refused_where_it_would_hide_it(tmp_path: Path) -> None:
    with MetricsLogger("run", tmp_path) as logger:
        logger.log_metrics({"step": 1.0, "loss": 2.0}, step=0)
    path = tmp_path / "points.parquet"
    result = export(tmp_path, "-o", path, "--wide")
    assert result.exit_code == 2
    assert "got ['step']" in result.stderr
    assert not path.exists()
    assert export(tmp_path, "-o", path).exit_code == 0


def test_runs_and_tags_are_chosen_by_search(logdir: Path, tmp_path: Path) -> None:
    path = tmp_path / "points.jsonl"
    export(logdir, "-o", path, "--run", "seed", "--tag", "loss$")
    assert [row["value"] for row in rows_of(path)] == [2.0, 3.0, 4.0]


def test_stdout_takes_any_format(logdir: Path) -> None:
    command = [sys.executable, "-m", "sightline", "export", logdir, "-o", "-", "--format"]
    result = subprocess.run([*command, "parquet"], capture_output=True, check=True)
    table = parquet.read_table(BytesIO(result.stdout))
    assert table.num_rows == len(logged())
    assert result.stderr == b"323 points, 2 runs, 4 tags\n"
    result = subprocess.run([*command, "jsonl"], capture_output=True, check=True)
    assert len(result.stdout.splitlines()) == len(logged())


@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
def test_a_reader_that_has_gone_is_no_mistake(logdir: Path, file_format: str) -> None:
    reading_end, writing_end = os.pipe()
    os.close(reading_end)
    command = [sys.executable, "-m", "sightline", "export", logdir, "-o", "-", "--format"]
    result = subprocess.run(
        [*command, file_format], stdout=writing_end, stderr=subprocess.PIPE, check=False
    )
    os.close(writing_end)
    assert result.returncode == 1
    assert result.stderr == b""


@pytest.mark.parametrize("damage", ["disk", "interrupt"])
def test_what_was_there_stays_where_the_writing_fails(
    logdir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    path = tmp_path / "points.jsonl"
    path.write_text("before")

    def half(columns: object, file: Any, wide: bool) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device") if damage == "disk" else KeyboardInterrupt

    monkeypatch.setitem(table_files.FORMATS, "jsonl", half)
    assert export(logdir, "-o", path).exit_code == (2 if damage == "disk" else 130)
    assert path.read_text() == "before"
    assert sorted(tmp_path.iterdir()) == [path, logdir]


def test_nothing_that_matches_leaves_no_file(logdir: Path, tmp_path: Path) -> None:
    result = export(logdir, "-o", tmp_path / "points.csv", "--tag", "perplexity")
    assert result.exit_code == 1
    assert "train/loss" in result.stderr
    assert list(tmp_path.iterdir()) == [logdir]


def test_damage_is_said_and_a_problem_if_strict(logdir: Path, tmp_path: Path) -> None:
    path = event_file(logdir, "sweep/seed1")
    data = bytearray(path.read_bytes())
    data[-10] ^= 0xFF
    path.write_bytes(data)
    result = export(logdir, "-o", tmp_path / "points.csv")
    assert result.exit_code == 0
    assert f"1 damaged place skipped in {path}" in result.stderr
    assert export(logdir, "-o", tmp_path / "points.csv", "--strict").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["-o", "points.xlsx"], "among parquet, csv, jsonl, feather, arrow, got points.xlsx"),
        (["-o", "points"], "got points; or name one by --format"),
        (["-o", "-"], "expected --format with -o -"),
        (["-o", "points.csv", "--format", "excel"], "got 'excel'"),
        (["-o", "s3://bucket/points.csv"], "expected a file of this machine"),
        (["-o", "missing/points.csv"], "missing"),
        (["-o", "points.csv", "--tag", "("], "regular expression for --tag"),
    ],
)
def test_a_mistake_is_one_sentence(
    logdir: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], part: str
) -> None:
    monkeypatch.chdir(logdir)
    result = export(".", *arguments)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert part in result.stderr


def test_a_missing_pyarrow_names_its_extra_and_jsonl_needs_none(
    logdir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    result = export(logdir, "-o", tmp_path / "points.parquet")
    assert result.exit_code == 2
    assert 'pip install "sightline[frames]"' in result.stderr
    assert export(logdir, "-o", tmp_path / "points.jsonl").exit_code == 0
