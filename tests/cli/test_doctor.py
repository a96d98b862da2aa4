"""`sightline doctor` as a user meets it."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sightline import MetricsLogger
from sightline.cli.app import app
from sightline.health.doctor.ports import DEFAULT_PORT
from tests.health.doctor.files import NOW, event_file, flip, record_offsets, write_scalars


@pytest.fixture(scope="module")
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def doctor(*arguments: str | Path | int) -> Result:
    return CliRunner().invoke(app, ["doctor", *map(str, arguments)])


def test_where_all_is_well_there_is_a_short_table(tmp_path, port):
    with MetricsLogger("run", tmp_path) as logger:
        for step in range(5):
            logger.log_metrics({"loss": 1.0}, step=step)
    result = doctor(tmp_path, "--port", port)
    assert result.exit_code == 0, result.output
    subjects = [line.split()[0] for line in result.stdout.splitlines()[1:] if line]
    assert subjects[:4] == ["versions", "extras", "gpu", "port"]
    assert subjects[4:-1] == [
        "disk", "flushing", "records", "steps", "writers", "clock", "pictures", "size",
    ]  # fmt: skip
    assert result.stdout.endswith("All is well.\n")


def test_what_costs_data_is_told_with_its_remedy_and_ends_with_1(tmp_path, port):
    write_scalars(tmp_path, [(0, NOW + step) for step in range(9)])
    flip(event_file(tmp_path), record_offsets(event_file(tmp_path))[1] + 14)
    result = doctor(tmp_path, "--port", port)
    assert result.exit_code == 1
    assert "All is well" not in result.stdout
    assert "error records: `events.out.tfevents" in result.stdout
    assert "error steps: All 8 points of `loss` in run `.` are at step 0" in result.stdout
    assert "\n  Pass the step with each call" in result.stdout


def test_a_warning_alone_ends_with_0(tmp_path, port):
    write_scalars(tmp_path, [(0, 9e9)])
    result = doctor(tmp_path, "--port", port)
    assert "warning clock: " in result.stdout
    assert result.exit_code == 0


def test_json_says_the_same_to_machines(tmp_path, port):
    write_scalars(tmp_path, [(step, NOW + step) for step in range(9)])
    result = doctor(tmp_path, "--json", "--large-gb", "0.0000001", "--port", port)
    document = json.loads(result.stdout)
    assert document["logdir"] == str(tmp_path)
    checks = {check["subject"]: check for check in document["checks"]}
    assert checks["steps"] == {
        "subject": "steps", "level": "fine", "found": "9 points", "complaints": [],
    }  # fmt: skip
    [complaint] = checks["size"]["complaints"]
    assert complaint["level"] == checks["size"]["level"] == "warn"
    assert complaint["run"] == "."
    assert complaint["remedy"] == "Log scalars every few steps, or their mean over them."


def test_without_a_log_directory_the_environment_is_examined(tmp_path, monkeypatch, port):
    monkeypatch.chdir(tmp_path)
    result = doctor("--port", port)
    assert result.exit_code == 0
    assert "steps" not in result.stdout
    write_scalars(tmp_path / "runs" / "a", [(0, NOW)])
    assert "1 file in 1 run" in doctor("--port", port).stdout


def test_a_directory_without_event_files_is_a_usage_error(tmp_path, port):
    result = doctor(tmp_path / "typo", "--port", port)
    assert result.exit_code == 2
    assert "expected an event file or a directory with event files" in result.stderr
    assert doctor(tmp_path, "--port", "0").exit_code == 2
    assert doctor("--host", "203.0.113.1").exit_code == 2


def test_the_help_states_the_exit_codes_and_the_port():
    text = " ".join(doctor("--help").output.split())
    assert "Exit codes: 0 fine" in text
    assert str(DEFAULT_PORT) in text
