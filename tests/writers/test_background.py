from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from sightline.events import read
from sightline.logger import MetricsLogger
from sightline.writers import (
    Background,
    Fanout,
    Histogram,
    Image,
    Memory,
    Row,
    Scalar,
    TensorBoard,
    Text,
    Value,
)
from sightline.writers.grid import LINE_HEIGHT
from tests.disk import no_space_left, room_for

SLOW = 3600.0  # no flush of its own accord within a test


class Gated(Memory):
    """Stands still until it is let through, and notes which thread uses it."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.threads: set[int] = set()
        self.num_flushes = 0

    def write(self, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
        self.entered.set()
        assert self.gate.wait(timeout=30)
        self.threads.add(threading.get_ident())
        super().write(values, step=step, wall_time=wall_time)

    def flush(self) -> None:
        self.num_flushes += 1


class Failing(Memory):
    """Fails at chosen steps."""

    def __init__(self, *bad_steps: int) -> None:
        super().__init__()
        self.bad_steps = bad_steps

    def write(self, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
        if step in self.bad_steps:
            raise OSError(f"step {step} does not fit")
        super().write(values, step=step, wall_time=wall_time)


def log(writer: Background, step: int) -> None:
    writer.write({"loss": Scalar(float(step))}, step=step, wall_time=0.0)


def test_the_caller_neither_converts_nor_writes() -> None:
    class Number:
        converted_by = 0

        def __float__(self) -> float:
            self.converted_by = threading.get_ident()
            return 0.5

    memory, number = Gated(), Number()
    memory.gate.set()
    writer = Background(memory, flush_secs=SLOW)
    writer.write({"loss": Scalar(number)}, step=0, wall_time=0.0)
    writer.close()
    assert memory.scalars() == {"loss": [(0, 0.5)]}
    assert memory.threads == {number.converted_by}
    assert threading.get_ident() not in memory.threads


def test_the_caller_does_not_wait_for_a_writer_that_stands_still() -> None:
    gated = Gated()
    writer = Background(gated, flush_secs=0.001)
    log(writer, 0)
    assert gated.entered.wait(timeout=30)
    for step in range(1, 500):
        log(writer, step)
    assert gated.written == []
    gated.gate.set()
    writer.close()
    assert [step for step, _ in gated.scalars()["loss"]] == list(range(500))


def test_a_full_queue_makes_the_caller_wait_and_loses_nothing() -> None:
    gated = Gated()
    writer = Background(gated, flush_secs=SLOW, max_queue=2)
    caller = threading.Thread(target=lambda: [log(writer, step) for step in range(20)])
    caller.start()
    assert gated.entered.wait(timeout=30)
    caller.join(timeout=0.2)
    assert caller.is_alive()
    gated.gate.set()
    caller.join(timeout=30)
    writer.close()
    assert [step for step, _ in gated.scalars()["loss"]] == list(range(20))


def test_waiting_histograms_take_no_more_memory_than_allowed() -> None:
    gated = Gated()
    writer = Background(gated, flush_secs=SLOW, max_queue_bytes=10_000)
    values: dict[str, Value] = {"h": Histogram(np.zeros(1000))}  # 8,000 bytes
    caller = threading.Thread(
        target=lambda: [writer.write(values, step=step, wall_time=0.0) for step in range(5)]
    )
    caller.start()
    assert gated.entered.wait(timeout=30)
    caller.join(timeout=0.2)
    assert caller.is_alive()
    gated.gate.set()
    caller.join(timeout=30)
    writer.close()
    assert [item.step for item in gated.written] == list(range(5))


def test_what_is_flushed_can_be_read_by_others(tmp_path: Path) -> None:
    writer = Background(TensorBoard(tmp_path), flush_secs=SLOW)
    for step in range(3):
        log(writer, step)
    writer.flush()
    assert [event.step for event in read(tmp_path) if event.values] == [0, 1, 2]
    writer.close()


def test_values_reach_the_disk_without_being_asked_for() -> None:
    memory = Gated()
    memory.gate.set()
    writer = Background(memory, flush_secs=0.01)
    log(writer, 0)
    assert memory.entered.wait(timeout=30)
    writer.close()
    assert memory.num_flushes > 0


class Sparing(Memory):
    """Puts off the flushes that nobody waits for, and notes all of them."""

    def __init__(self) -> None:
        super().__init__()
        self.flushes: list[str] = []
        self.was_due = threading.Event()

    def flush(self) -> None:
        self.flushes.append("awaited")

    def flush_if_due(self) -> None:
        self.flushes.append("routine")
        self.was_due.set()


def test_a_writer_may_put_off_the_flushes_that_nobody_waits_for() -> None:
    sparing = Sparing()
    writer = Background(Fanout([sparing]), flush_secs=0.01)
    log(writer, 0)
    assert sparing.was_due.wait(timeout=30)
    assert set(sparing.flushes) == {"routine"}
    writer.flush()
    assert "awaited" in sparing.flushes
    num_awaited = sparing.flushes.count("awaited")
    writer.drain()
    assert sparing.flushes.count("awaited") == num_awaited + 1
    writer.close()


def test_an_error_is_kept_reported_once_and_raised_while_all_else_is_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing = Failing(1, 3)
    writer = Background(failing, flush_secs=SLOW)
    for step in range(5):
        log(writer, step)
    with pytest.raises(OSError, match="step 1 does not fit") as raised:
        writer.flush()
    assert raised.value.__notes__ == ["and 1 more errors while logging"]
    assert failing.scalars() == {"loss": [(0, 0.0), (2, 2.0), (4, 4.0)]}
    log(writer, 5)
    writer.close()
    assert failing.scalars()["loss"][-1] == (5, 5.0)
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "sightline: logging failed, training goes on: OSError: step 1 does not fit"


def test_an_error_that_nobody_flushed_for_is_raised_at_close() -> None:
    writer = Background(Failing(0), flush_secs=SLOW)
    log(writer, 0)
    with pytest.raises(OSError, match="step 0"):
        writer.close()
    writer.close()


def test_a_value_that_cannot_be_converted_costs_no_other(
    capsys: pytest.CaptureFixture[str],
) -> None:
    memory = Memory()
    writer = Background(memory, flush_secs=SLOW)
    values: dict[str, Value] = {
        "too bright": Image(np.full((4, 4), 255.0)),
        "loss": Scalar(1.0),
        "complex": Histogram(np.ones(3) * 1j),
    }
    writer.write(values, step=0, wall_time=0.0)
    with pytest.raises(ValueError, match=r"expected pixels from 0 to 1.*got 255 to 255"):
        writer.close()
    assert memory.scalars() == {"loss": [(0, 1.0)]}
    assert "in the value logged as 'too bright'" in capsys.readouterr().err


def test_a_full_disk_does_not_stop_training_and_is_raised_at_close(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    memory, files = Memory(), TensorBoard(tmp_path)
    writer = Background(Fanout([files, memory]), flush_secs=SLOW)
    with room_for(70, files.path):
        for step in range(50):
            log(writer, step)
        with pytest.raises(OSError, match="File too large"):
            writer.flush()
        log(writer, 50)
        with pytest.raises(OSError, match="File too large"):
            writer.close()
    assert len(memory.scalars()["loss"]) == 51
    assert "File too large" in capsys.readouterr().err
    on_disk = [event.step for event in read(tmp_path) if event.values]
    assert on_disk == list(range(len(on_disk)))
    assert 0 < len(on_disk) < 3


def test_with_room_again_a_disk_that_was_full_has_every_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = TensorBoard(tmp_path)
    writer = Background(files, flush_secs=SLOW)
    with room_for(70, files.path):
        log(writer, 0)
        log(writer, 1)
        log(writer, 2)
        with pytest.raises(OSError, match="File too large"):
            writer.flush()
    log(writer, 3)
    writer.close()
    reading = read(tmp_path)
    assert [event.step for event in reading if event.values] == [0, 1, 2, 3]
    assert reading.damage == []


def test_a_disk_that_recovers_is_no_error_any_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = TensorBoard(tmp_path)
    writer = Background(files, flush_secs=SLOW)
    with no_space_left(files._file._file.fileno()):
        for step in range(3):
            log(writer, step)
            writer.drain()
    log(writer, 3)
    writer.close()
    assert [event.step for event in read(tmp_path) if event.values] == [0, 1, 2, 3]
    failed, works = capsys.readouterr().err.splitlines()
    assert "No space left on device" in failed
    assert works == "sightline: logging works again, what waited is written"


def test_a_server_that_does_not_answer_keeps_the_files_waiting_for_nothing(
    tmp_path: Path,
) -> None:
    server = Gated()
    writer = Background(
        Fanout([TensorBoard(tmp_path), Background(server, is_inner=True)]), flush_secs=0.01
    )
    log(writer, 0)
    assert server.entered.wait(timeout=30)
    writer.write({"image": Image(np.zeros((4, 4)), "seen")}, step=1, wall_time=0.0)
    deadline = time.monotonic() + 30
    while [event.step for event in read(tmp_path) if event.values] != [0, 1]:
        assert time.monotonic() < deadline, "the files wait for the server"
        time.sleep(0.01)
    server.gate.set()
    writer.close()
    assert [item.tag for item in server.written] == ["loss", "image"]
    image = server.written[1].value
    assert isinstance(image, Image)
    assert image.pixels[0].shape[0] == 4 + LINE_HEIGHT, "its caption is drawn once"


def test_what_an_inner_writer_could_not_write_is_raised_at_close() -> None:
    writer = Background(Fanout([Memory(), Background(Failing(1), is_inner=True)]), flush_secs=SLOW)
    log(writer, 1)
    writer.flush()
    with pytest.raises(OSError, match="step 1 does not fit"):
        writer.close()


def test_an_alert_is_on_disk_without_anybody_asking(tmp_path: Path) -> None:
    logger = MetricsLogger("run", tmp_path, flush_secs=SLOW)
    logger.log_alert("the loss is not a number", step=3)
    deadline = time.monotonic() + 30
    while not [event for event in read(tmp_path / "run") if event.values]:
        assert time.monotonic() < deadline, "the alert waits"
        time.sleep(0.01)
    logger.close()


def test_a_value_that_a_writer_does_not_support_is_left_out() -> None:
    class OnlyText(Memory):
        supports: frozenset[type] = frozenset({Text})

    memory = OnlyText()
    writer = Background(memory, flush_secs=SLOW)
    writer.write({"a": Scalar(1.0), "b": Text("hi")}, step=0, wall_time=0.0)
    log(writer, 1)
    writer.close()
    assert [item.tag for item in memory.written] == ["b"]


def test_writing_to_a_closed_writer_is_an_error() -> None:
    writer = Background(Memory())
    writer.close()
    with pytest.raises(RuntimeError, match="closed"):
        log(writer, 0)


def test_a_full_queue_may_drop_the_oldest_and_logs_how_many(tmp_path: Path) -> None:
    gated = Gated()
    writer = Background(gated, flush_secs=SLOW, max_queue=4, overflow="drop_oldest")
    log(writer, 0)
    writer.wake()
    assert gated.entered.wait(timeout=30)
    for step in range(1, 21):
        log(writer, step)
    gated.gate.set()
    writer.close()
    scalars = gated.scalars()
    assert [step for step, _ in scalars["loss"]] == [0, 17, 18, 19, 20]
    assert scalars["logging/dropped_calls"][-1][1] == 16.0


def test_a_full_queue_of_pictures_may_drop_the_oldest(tmp_path: Path) -> None:
    gated = Gated()
    writer = Background(gated, flush_secs=SLOW, max_queue_bytes=10_000, overflow="drop_oldest")
    values: dict[str, Value] = {"h": Histogram(np.zeros(1000))}  # 8,000 bytes
    writer.write(values, step=0, wall_time=0.0)
    assert gated.entered.wait(timeout=30)
    for step in range(1, 5):
        writer.write(values, step=step, wall_time=0.0)
    gated.gate.set()
    writer.close()
    assert [item.step for item in gated.written if item.tag == "h"] == [0, 4]
    assert gated.scalars()["logging/dropped_calls"][-1][1] == 3.0


def test_an_unknown_overflow_is_refused() -> None:
    with pytest.raises(ValueError, match="expected overflow block or drop_oldest, got 'drop'"):
        Background(Memory(), overflow="drop")  # type: ignore[arg-type]


def test_numbers_do_not_wait_behind_pictures() -> None:
    gated = Gated()
    writer = Background(gated, flush_secs=SLOW)
    for step in range(3):
        writer.write({"image": Image(np.zeros((4, 4)))}, step=step, wall_time=0.0)
    assert gated.entered.wait(timeout=30)
    log(writer, 7)
    gated.gate.set()
    writer.close()
    assert [item.tag for item in gated.written].index("loss") <= 1


def test_a_writer_that_takes_rows_gets_many_steps_in_one_call() -> None:
    class Rows(Gated):
        def __init__(self) -> None:
            super().__init__()
            self.batches: list[list[Row]] = []

        def write_rows(self, rows: list[Row]) -> None:
            self.batches.append(rows)

    writer_of_rows = Rows()
    writer = Background(writer_of_rows, flush_secs=SLOW)
    for step in range(100):
        if step % 2:
            writer.put(Row(("loss", "lr"), (float(step), 0.5), step, 0.0))
        else:
            values: dict[str, Value] = {"loss": Scalar(step), "lr": Scalar(np.float32(0.5))}
            writer.write(values, step=step, wall_time=0.0)
    writer.close()
    rows = [row for batch in writer_of_rows.batches for row in batch]
    assert rows == [Row(("loss", "lr"), (float(i), 0.5), i, 0.0) for i in range(100)]
    assert len(writer_of_rows.batches) <= 3
    assert all(type(number) is float for row in rows for number in row.numbers)


@pytest.mark.parametrize("limit", ["flush_secs", "max_queue", "max_queue_bytes"])
def test_a_limit_of_nothing_is_refused(limit: str) -> None:
    with pytest.raises(ValueError, match="expected positive limits"):
        Background(Memory(), **{limit: 0})


def test_a_program_that_ends_without_closing_loses_nothing(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from sightline.writers import Background, Scalar, TensorBoard\n"
        "writer = Background(TensorBoard(sys.argv[1]), flush_secs=3600)\n"
        "writer.write({'loss': Scalar(0.5)}, step=3, wall_time=0.0)\n"
    )
    subprocess.run([sys.executable, "-c", program, tmp_path], check=True)
    assert [event.step for event in read(tmp_path) if event.values] == [3]


FORK = [sys.executable, "-W", "ignore::DeprecationWarning", "-c"]  # threads and fork: on purpose


def test_a_forked_process_is_told_instead_of_waiting_for_ever() -> None:
    program = (
        "import os\n"
        "from sightline.writers import Background, Memory, Scalar\n"
        "writer = Background(Memory())\n"
        "writer.write({'loss': Scalar(0.5)}, step=3, wall_time=0.0)\n"
        "if os.fork():\n"
        "    os._exit(os.waitstatus_to_exitcode(os.wait()[1]))\n"
        "writer.flush()\n"  # it has nothing of its own to write
        "try:\n"
        "    writer.write({'loss': Scalar(0.5)}, step=3, wall_time=0.0)\n"
        "except RuntimeError as error:\n"
        "    assert 'fork' in str(error)\n"
        "else:\n"
        "    os._exit(1)\n"
    )
    subprocess.run([*FORK, program], check=True, timeout=60)


@pytest.mark.parametrize("end", ["os._exit(0)", "sys.exit()"])
def test_a_fork_neither_doubles_nor_loses_what_its_parent_logged(tmp_path: Path, end: str) -> None:
    program = (
        "import os, sys\n"
        "from sightline.writers import Background, Fanout, Jsonl, Scalar, TensorBoard\n"
        "files = Fanout([TensorBoard(sys.argv[1]), Jsonl(sys.argv[1] + '/log.jsonl')])\n"
        "writer = Background(files, flush_secs=3600)\n"
        "for step in range(100):\n"
        "    writer.write({'loss': Scalar(step)}, step=step, wall_time=0.0)\n"
        "    if step % 30 == 7:\n"
        "        if not os.fork():\n"
        f"            {end}\n"
        "        os.wait()\n"
    )
    subprocess.run([*FORK, program, tmp_path], check=True, timeout=60)
    assert [event.step for event in read(tmp_path) if event.values] == list(range(100))
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 100


def test_a_fork_that_logs_has_a_run_of_its_own(tmp_path: Path) -> None:
    program = (
        "import multiprocessing, sys\n"
        "from sightline.writers import Background, Scalar, TensorBoard\n"
        "writer = Background(TensorBoard(sys.argv[1]), flush_secs=3600)\n"
        "def log(step):\n"
        "    writer.write({'loss': Scalar(step)}, step=step, wall_time=0.0)\n"
        "log(0)\n"
        "child = multiprocessing.get_context('fork').Process(target=log, args=(1,))\n"
        "child.start()\n"
        "child.join()\n"
        "log(2)\n"
        "writer.close()\n"
        "print(child.pid)\n"
    )
    answer = subprocess.run(
        [*FORK, program, tmp_path], check=True, timeout=60, capture_output=True, text=True
    )
    assert [event.step for event in read(tmp_path) if event.values] == [0, 2]
    child = tmp_path / f"fork{answer.stdout.strip()}"
    assert [event.step for event in read(child) if event.values] == [1]


def test_the_workers_of_a_data_loader_log_to_runs_named_after_them(tmp_path: Path) -> None:
    program = (
        "import sys, torch\n"
        "from sightline import MetricsLogger\n"
        "class Data(torch.utils.data.Dataset):\n"
        "    def __len__(self): return 8\n"
        "    def __getitem__(self, index):\n"
        "        logger.log_metrics({'index': index}, step=index)\n"
        "        return index\n"
        "with MetricsLogger('run', sys.argv[1]) as logger:\n"
        "    for epoch in range(2):\n"
        "        loader = torch.utils.data.DataLoader(Data(), num_workers=2,"
        " multiprocessing_context='fork')\n"
        "        for step, batch in enumerate(loader):\n"
        "            logger.log_metrics({'batch': batch[0]}, step=8 * epoch + step)\n"
    )
    subprocess.run([*FORK, program, tmp_path], check=True, timeout=120)
    steps = {
        path.name: [event.step for event in read(path) if event.values]
        for path in [tmp_path / "run", *(tmp_path / "run").glob("worker*")]
    }
    assert steps == {
        "run": list(range(16)),
        "worker0": [0, 2, 4, 6] * 2,
        "worker1": [1, 3, 5, 7] * 2,
    }


def test_sigterm_writes_everything_and_ends_the_process_as_it_would_have(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from sightline import MetricsLogger\n"
        "logger = MetricsLogger('run', sys.argv[1], flush_secs=3600)\n"
        "logger.log_metrics({'loss': 1.0}, step=3)\n"
        "logger.log_metrics({'lr': 1.0}, step=4, commit=False)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "signal.pause()\n"
    )
    result = subprocess.run([sys.executable, "-c", program, tmp_path], check=False, timeout=60)
    assert result.returncode == -signal.SIGTERM
    assert [event.step for event in read(tmp_path / "run") if event.values] == [3, 4]


def test_a_sigterm_handler_of_the_user_stays_in_place(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(7))\n"
        "from sightline import MetricsLogger\n"
        "logger = MetricsLogger('run', sys.argv[1], flush_secs=3600)\n"
        "logger.log_metrics({'loss': 1.0}, step=3)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "signal.pause()\n"
    )
    result = subprocess.run([sys.executable, "-c", program, tmp_path], check=False, timeout=60)
    assert result.returncode == 7
    assert [event.step for event in read(tmp_path / "run") if event.values] == [3]
