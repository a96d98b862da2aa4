"""`sightline show` as a user meets it."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import fsspec
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

import sightline
from sightline import MetricsLogger
from sightline.cli.app import app
from sightline.cli.best import Best
from sightline.cli.facts import Facts, facts_of_runs
from sightline.cli.facts_table import PLAIN, UNICODE, Alphabet, alphabet_for, facts_table, fitted
from tests.cli.logs import NUM_STEPS, event_file, values_at, write_log

LONG = "encoder/blocks/11/attention/projection/norm"

AT_80_COLUMNS = """\
tag                           last      best  trend       points  step  curve
baseline
  train/loss                 1.594   ↓ 1.562  ↘ -31 ±1%       80    79  █▇▆▅▄▃▂▁
  eval/accuracy             0.5469  ↑ 0.5469  → flat ±3%      80    79  ▁█!█▁█▁█
  encoder/bl…ojection/norm       2            → flat ±0%      80    79  ▄▄▄▄▄▄▄▄
  train/lr                    0.25            → flat ±0%      80    79  ▄▄▄▄▄▄▄▄
sweep/seed1
  train/loss                     4       ↓ 2                   3    20  ▁▅█"""

IN_ASCII = r"""
tag                last        best  trend        points  step  curve
baseline
  train/loss      1.594   min 1.562  \ -31 +-1%       80    79  ##%%**++==--..__
  eval/accuracy  0.5469  max 0.5469  = flat +-3%      80    79  _+%#!+%#_+%#_+%#""".lstrip()


@pytest.fixture
def logdir(tmp_path: Path) -> Path:
    return write_log(tmp_path / "runs")


def show(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["show", *map(str, arguments)])


def facts(logdir: Path) -> list[Facts]:
    return facts_of_runs(sightline.read(logdir).runs, lambda tag: True, Best.AUTO)


def drawn(rows: list[Facts], width: int | None, alphabet: Alphabet = UNICODE) -> str:
    file = StringIO()
    Console(file=file, width=width or 1000, color_system=None).print(
        facts_table(rows, width, alphabet), highlight=False
    )
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def test_the_table_at_80_columns(logdir: Path) -> None:
    assert drawn(facts(logdir), 80) == AT_80_COLUMNS


def test_the_table_in_ascii(logdir: Path) -> None:
    assert drawn(facts(logdir)[:2], 80, PLAIN) == IN_ASCII


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 160])
def test_no_line_is_wider_than_the_terminal_and_none_is_wrapped(logdir: Path, width: int) -> None:
    lines = drawn(facts(logdir), width).splitlines()
    assert len(lines) == 1 + 2 + 5
    assert max(map(len, lines)) <= width


def test_a_wide_terminal_shows_whole_tags_and_longer_curves(logdir: Path) -> None:
    table = drawn(facts(logdir), 160)
    assert LONG in table
    assert max(len(run) for run in re.findall("[▁-█!]+", table)) == 24


def test_columns_go_in_order_where_the_terminal_is_narrow() -> None:
    widths = {"tag": 40, "last": 6, "best": 8, "trend": 12, "points": 6, "step": 6, "curve": 24}
    assert fitted(widths, 114) == widths
    assert fitted(widths, 104) == widths | {"curve": 14}
    assert fitted(widths, 90) == widths | {"curve": 8, "tag": 32}
    assert fitted(widths, 77) == {
        "tag": 27, "last": 6, "best": 8, "trend": 12, "step": 6, "curve": 8,
    }  # fmt: skip
    assert list(fitted(widths, 40)) == ["tag", "last", "best"]
    assert fitted(widths, 20) == {"tag": 12, "last": 6}


def test_a_tag_cannot_move_the_cursor_and_wide_letters_keep_the_columns(tmp_path: Path) -> None:
    with MetricsLogger("損失", tmp_path) as logger:
        logger.log_metrics({"損失/訓練": 1.0, "[bold]loss": 2.0}, step=0)
    [row, other] = facts(tmp_path)
    evil = Facts(**{name: getattr(row, name) for name in row.__slots__} | {"tag": "a\x1b[2J\nb"})
    table = drawn([row, other, evil], 80)
    assert "\x1b" not in table
    assert "a?[2J?b" in table
    assert "[bold]loss" in table
    assert len(table.splitlines()) == 5
    lines = drawn([row], 80).splitlines()
    assert "損失/訓練" in lines[2]


def test_facts_are_those_of_what_was_logged(logdir: Path) -> None:
    by_tag = {row.tag: row for row in facts(logdir) if row.run == "baseline"}
    logged = [values_at(step)["train/loss"] for step in range(NUM_STEPS)]
    loss = by_tag["train/loss"]
    assert (loss.last, loss.last_step, loss.num_points) == (logged[-1], NUM_STEPS - 1, NUM_STEPS)
    assert (loss.best, loss.best_step) == (min(logged), logged.index(min(logged)))
    assert loss.trend is not None
    assert loss.trend.slope == pytest.approx(-1 / 32, rel=0.05)
    accuracy = by_tag["eval/accuracy"]
    assert (accuracy.best, accuracy.best_step) == (0.5 + 3 / 64, 3)
    assert accuracy.num_not_finite == 1
    assert accuracy.trend is not None
    assert accuracy.trend.direction == 0
    assert by_tag["train/lr"].best is None


def test_what_is_piped_is_neither_cut_nor_coloured(logdir: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "sightline", "show", logdir],
        capture_output=True,
        check=False,
        env=os.environ | {"COLUMNS": "40", "PYTHONIOENCODING": "utf-8"},
    )
    assert result.returncode == 0, result.stderr
    table = result.stdout.decode()
    assert LONG in table
    assert "\x1b" not in table
    assert "▁" in table
    assert result.stderr.decode() == (
        "sightline: NaN or infinity, ! in the curve: 1 point in 1 row\n"
    )


def test_an_encoding_without_blocks_gets_ascii(logdir: Path) -> None:
    assert alphabet_for("utf-8") is UNICODE
    assert alphabet_for("ascii") is alphabet_for("latin-1") is alphabet_for("no-such") is PLAIN
    result = subprocess.run(
        [sys.executable, "-m", "sightline", "show", logdir],
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert result.returncode == 0, result.stderr
    assert b"min 1.562" in result.stdout


def test_json_has_the_same_facts(logdir: Path) -> None:
    result = show(logdir, "--json", "--run", "baseline", "--tag", "acc|loss")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["damage"] == []
    accuracy, loss = document["scalars"]
    assert (accuracy["tag"], loss["tag"]) == ("eval/accuracy", "train/loss")
    assert loss["run"] == "baseline"
    assert loss["goal"] == "min"
    assert loss["last"] == values_at(NUM_STEPS - 1)["train/loss"]
    assert loss["trend"]["direction"] == "falling"
    assert accuracy["num_not_finite"] == 1
    assert accuracy["curve"].count("NaN") == 1


def test_a_last_value_that_is_not_finite_is_a_string_in_json(tmp_path: Path) -> None:
    with MetricsLogger("run", tmp_path) as logger:
        logger.log_metrics({"loss": float("-inf")}, step=0)
    [loss] = json.loads(show(tmp_path, "--json").stdout)["scalars"]
    assert loss["last"] == "-Infinity"
    assert loss["best"] is None
    assert loss["trend"] is None


def test_rows_are_sorted_within_their_run(logdir: Path) -> None:
    def tags(*arguments: str) -> list[str]:
        rows = json.loads(show(logdir, "--json", *arguments).stdout)["scalars"]
        assert [row["run"] for row in rows] == ["baseline"] * 4 + ["sweep/seed1"]
        return [row["tag"] for row in rows[:4]]

    assert tags() == [LONG, "eval/accuracy", "train/loss", "train/lr"]
    assert tags("--sort", "logged") == ["train/loss", "eval/accuracy", LONG, "train/lr"]
    assert tags("--sort", "last") == [LONG, "train/loss", "eval/accuracy", "train/lr"]
    assert tags("--sort", "best")[:2] == ["train/loss", "eval/accuracy"]
    assert tags("--sort", "trend")[-1] == "train/loss"


def test_the_best_value_can_be_asked_for(logdir: Path) -> None:
    document = json.loads(show(logdir, "--json", "--best", "max", "--tag", "loss").stdout)
    assert document["scalars"][0]["best"] == max(
        values_at(step)["train/loss"] for step in range(NUM_STEPS)
    )


def test_nothing_that_matches_is_a_problem_and_says_what_there_is(logdir: Path) -> None:
    result = show(logdir, "--tag", "perplexity")
    assert result.exit_code == 1
    assert "baseline" in result.stderr
    assert "train/loss" in result.stderr
    assert result.stdout == ""


def test_damage_is_said_on_stderr_and_a_problem_if_strict(logdir: Path) -> None:
    path = event_file(logdir, "baseline")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    result = show(logdir)
    assert result.exit_code == 0
    assert "train/loss" in result.stdout
    assert re.search(rf"1 damaged place skipped in {re.escape(str(path))}, at byte", result.stderr)
    assert show(logdir, "--strict").exit_code == 1
    assert json.loads(show(logdir, "--json").stdout)["damage"][0]["path"] == str(path)
    assert show(logdir, "--strict", "--run", "seed1").exit_code == 0


def test_a_torn_end_is_told_apart_from_damage(logdir: Path) -> None:
    path = event_file(logdir, "baseline")
    path.write_bytes(path.read_bytes()[:-3])
    assert f"{path} ends inside a record, at byte" in show(logdir).stderr


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["nowhere"], "nowhere"),
        ([".", "--tag", "("], "regular expression for --tag, got '('"),
        ([".", "--run", "*"], "regular expression for --run, got '*'"),
        ([".", "--follow"], "expected a terminal for --follow"),
    ],
)
def test_a_mistake_is_one_sentence(
    logdir: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], part: str
) -> None:
    monkeypatch.chdir(logdir)
    result = show(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert part in result.stderr


def test_a_url_is_read_as_a_directory(logdir: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.put(str(logdir), "/show-logs", recursive=True)
    remote = json.loads(show("memory://show-logs", "--json").stdout)
    assert remote["scalars"] == json.loads(show(logdir, "--json").stdout)["scalars"]


def test_following_shows_what_is_appended_and_ends_by_ctrl_c(tmp_path: Path) -> None:
    with MetricsLogger("live", tmp_path) as logger:
        logger.log_metrics({"loss": 0.5}, step=1)
        logger.flush()
        parent, child = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "sightline", "show", tmp_path, "-f", "--every-secs", "0.05"],
            stdout=child,
            stderr=subprocess.PIPE,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "80"},
        )
        os.close(child)
        screen = b""
        while b"0.5" not in screen:
            screen += os.read(parent, 4096)
        logger.log_metrics({"loss": 0.125}, step=2)
        logger.flush()
        while b"0.125" not in screen:
            screen += os.read(parent, 4096)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
        os.close(parent)
    assert process.returncode == 0, stderr
    assert stderr == b""


def test_help_loads_nothing_that_only_a_command_needs() -> None:
    code = (
        "import sys, sightline.cli.app\n"
        "heavy = {'torch', 'pyarrow', 'sightline.reading', 'sightline.diagnostics', 'rich.live'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert answer.stdout.decode().strip() == "[]"
