"""The real TensorBoard, started, asked and stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import urlopen

import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from sightline import board


@pytest.fixture(scope="module")
def running(logdir: Path) -> Iterator[board.Board]:
    with board.start(logdir, port=0) as running:
        yield running


def group_is_gone(leader: int, *, within_s: float = 10.0) -> bool:
    """Whether TensorBoard and its data server, one process group, are gone."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            os.killpg(leader, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def python(program: str, *args: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, **environment},
    )


def test_it_answers_with_the_runs_already_read(running: board.Board) -> None:
    with urlopen(f"{running.url}data/runs") as answer:
        assert json.load(answer) == ["digits"]


def test_a_run_that_has_only_begun_is_waited_for(tmp_path: Path) -> None:
    writer = EventFileWriter(str(tmp_path / "digits"))
    writer.flush()
    value = Summary.Value(tag="loss/total", simple_value=1.0)
    first = Event(wall_time=1e9, step=1, summary=Summary(value=[value]))
    # TensorBoard is up by then, has found no run, and looks again after five seconds.
    late = threading.Timer(2.5, lambda: (writer.add_event(first), writer.close()))
    late.start()
    with board.start(tmp_path, port=0) as running:
        late.join()
        assert "loss%2Ftotal" in running.link(["loss/total"])


def test_a_curve_keeps_all_its_points(running: board.Board) -> None:
    question = "data/plugin/scalars/scalars?tag=loss/total&run=digits"
    with urlopen(running.url + question) as answer:
        steps = [step for _, step, _ in json.load(answer)]
    assert steps == list(range(1_500))


def test_a_link_pins_what_the_runs_hold(running: board.Board) -> None:
    link = unquote(running.link(["loss/total", "masking/samples", "never/written"]))
    assert link == (
        f'{running.url}?pinnedCards=[{{"plugin":"scalars","tag":"loss/total"}},'
        '{"plugin":"images","tag":"masking/samples","runId":"defaultExperimentId/digits",'
        '"sample":0}]&smoothing=0.6#timeseries'
    )


def test_a_free_port_is_used_and_a_taken_one_gives_way(running: board.Board, logdir: Path) -> None:
    taken = urlsplit(running.url).port
    assert taken is not None
    with board.start(logdir, port=taken) as second:
        assert urlsplit(second.url).port != taken
        with urlopen(f"{second.url}data/runs") as answer:
            assert json.load(answer) == ["digits"]
    free = urlsplit(second.url).port
    assert free is not None
    with board.start(logdir, port=free) as third:
        assert urlsplit(third.url).port == free


def test_stop_leaves_no_process_behind_and_may_be_called_twice(logdir: Path) -> None:
    running = board.start(logdir, port=0)
    running.stop()
    running.stop()
    assert group_is_gone(running.pid)


def test_a_killed_parent_takes_tensorboard_with_it(logdir: Path) -> None:
    parent = python(
        "import sys; from sightline import board\n"
        "running = board.start(sys.argv[1], port=0)\n"
        "print(running.pid, flush=True)\n"
        "running.wait()",
        logdir,
    )
    assert parent.stdout is not None
    leader = int(parent.stdout.readline())
    assert not group_is_gone(leader, within_s=0.1)
    parent.kill()
    parent.communicate()
    assert group_is_gone(leader)


CTRL_C = """
import os, signal, sys, threading, time
from sightline import board

def callers(frame):
    while frame:
        yield frame.f_code.co_name
        frame = frame.f_back

def press():
    main = threading.main_thread().ident
    while "_wait" not in callers(sys._current_frames()[main]):
        time.sleep(0.01)
    os.killpg(os.getpgid(0), signal.SIGINT)

running = board.start(sys.argv[1], port=0)
print(running.pid, flush=True)
threading.Thread(target=press).start()
running.wait()
print("went on")
"""


def test_ctrl_c_ends_the_wait_in_order(logdir: Path) -> None:
    output, errors = python(CTRL_C, logdir).communicate(timeout=60)
    leader, rest = output.split("\n", 1)
    assert (rest, errors) == ("went on\n", "")
    assert group_is_gone(int(leader))


def test_a_tensorboard_that_ends_by_itself_is_an_error(logdir: Path) -> None:
    running = board.start(logdir, port=0)
    os.killpg(running.pid, signal.SIGKILL)
    with pytest.raises(RuntimeError, match="got its end with exit status -9: start it again"):
        running.wait()


def test_a_host_of_another_machine_is_one_sentence(logdir: Path) -> None:
    with pytest.raises(ConnectionError, match=r"answer on 203\.0\.113\.1:0 .*host is one of this"):
        board.start(logdir, port=0, host="203.0.113.1")


def test_a_tensorboard_that_does_not_come_is_given_up(logdir: Path) -> None:
    with pytest.raises(ConnectionError, match=r"within 0\.01 s, got 'nothing'"):
        board.start(logdir, port=0, timeout_s=0.01)


def test_a_directory_without_runs_starts_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="train first"):
        board.start(tmp_path)


def test_a_missing_tensorboard_is_named_with_the_line_that_installs_it(
    logdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ModuleNotFoundError, match=r'pip install "sightline\[board\]"'):
        board.start(logdir)


def test_the_page_is_opened_in_the_users_browser(logdir: Path, tmp_path: Path) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n', encoding="utf-8")
    browser.chmod(0o755)
    program = (
        "import sys; from sightline import board\n"
        "with board.start(sys.argv[1], port=0, open_browser=True) as running: print(running.url)"
    )
    url, errors = python(program, logdir, BROWSER=f"{browser} %s").communicate(timeout=60)
    assert errors == ""
    assert (tmp_path / "opened").read_text(encoding="utf-8") == url
