"""What is wrong with a log directory: each illness made for real, and a healthy twin beside it."""

from __future__ import annotations

import io
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import fsspec
import numpy as np
import pytest
from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from torch.utils.tensorboard import SummaryWriter

from sightline import MetricsLogger
from sightline.health import Level
from sightline.health.doctor import examine_log
from sightline.health.doctor.clocks import check_clocks
from sightline.health.doctor.complaint import Complaint
from sightline.health.doctor.damage import check_damage
from sightline.health.doctor.event_file import Writer
from sightline.health.doctor.flushing import check_flushing, runs_here
from sightline.health.doctor.pictures import check_pictures
from sightline.health.doctor.sizes import check_sizes, embedding_bytes
from sightline.health.doctor.steps import check_steps
from sightline.health.doctor.writers import check_writers
from tests.health.doctor.files import (
    NOW,
    event_file,
    facts_of,
    flip,
    record_offsets,
    write_image,
    write_scalars,
)


def only(complaints: tuple[Complaint, ...]) -> Complaint:
    [one] = complaints
    assert one.what.endswith(".")
    assert one.remedy.endswith(".")
    return one


def write_healthy(logdir: Path) -> None:
    with MetricsLogger("run", logdir) as logger:
        for step in range(20):
            logger.log_metrics({"train/loss": 1 / (1 + step)}, step=step)
        logger.log_image("p", np.zeros((8, 8, 3), np.uint8), step=19)
        logger.log_histogram("h", np.arange(9.0), step=19)
        logger.log_hparams({"lr": 0.1}, {"final": 1.0})
        logger.log_embedding("e", np.eye(4), step=19)


def test_a_healthy_log_has_no_complaint(tmp_path):
    write_healthy(tmp_path)
    checkups = examine_log(tmp_path)
    assert [one for checkup in checkups for one in checkup.complaints] == []
    subjects = [one.subject for one in checkups]
    assert subjects == [
        "disk", "flushing", "records", "steps", "writers", "clock", "pictures", "size",
    ]  # fmt: skip


def test_a_resumed_run_is_healthy(tmp_path):
    for first in (0, 10):
        with MetricsLogger("run", tmp_path, resume_step=first or None) as logger:
            for step in range(first + 1, first + 15):
                logger.log_metrics({"loss": 1.0}, step=step)
    files = facts_of(tmp_path)
    assert len(files) == 2
    assert check_steps(files).complaints == ()
    assert check_writers(files).complaints == ()


def test_one_file_and_a_storage_are_examined_like_a_directory(tmp_path):
    write_scalars(tmp_path, [(0, NOW), (0, NOW)])
    path = event_file(tmp_path)
    storage = fsspec.filesystem("memory")
    storage.pipe(f"/doctor/run/{path.name}", path.read_bytes())
    try:
        for logdir in (path, "memory://doctor"):
            checkups = {one.subject: one for one in examine_log(logdir)}
            assert "All 2 points of `loss`" in only(checkups["steps"].complaints).what
            assert checkups["size"].found == f"{path.stat().st_size} bytes in 1 run"
    finally:
        storage.rm("/doctor", recursive=True)


def test_a_run_that_goes_on_some_steps_before_its_end_is_healthy(tmp_path):
    write_scalars(tmp_path, [(step, NOW + step) for step in range(40)], number=0)
    write_scalars(tmp_path, [(step, NOW + 99 + step) for step in range(30, 70)], number=1)
    assert check_steps(facts_of(tmp_path)).complaints == ()


def test_an_empty_file_beside_values_is_waited_for_where_another_process_writes_it(tmp_path):
    write_scalars(tmp_path, [(0, NOW)])
    name = f"events.out.tfevents.1700000000.{platform.node()}"
    (tmp_path / f"{name}.{os.getpid()}.7").touch()  # this process wrote the values
    assert check_flushing(facts_of(tmp_path), now=time.time()).complaints == ()
    (tmp_path / f"{name}.{os.getppid()}.0").touch()
    one = only(check_flushing(facts_of(tmp_path), now=time.time()).complaints)
    assert f"process {os.getppid()}, which began it, still runs" in one.what


def test_a_summary_writer_without_a_value_is_found_while_its_process_runs(tmp_path):
    writer = SummaryWriter(tmp_path)
    try:
        files = facts_of(tmp_path)
        assert check_flushing(files, now=time.time()).complaints == ()  # it has just begun
        one = only(check_flushing(files, now=time.time() + 600).complaints)
        writer.add_scalar("loss", 1.0, 0)
    finally:
        writer.close()
    assert one.level is Level.ERROR
    assert f"process {os.getpid()}" in one.what
    assert "10 min ago" in one.what
    assert "flush()" in one.remedy
    assert check_flushing(facts_of(tmp_path), now=time.time() + 600).complaints == ()


def test_an_empty_file_of_a_process_that_is_gone_is_found(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    (tmp_path / f"events.out.tfevents.1700000000.{platform.node()}.{gone.pid}.0").touch()
    one = only(check_flushing(facts_of(tmp_path), now=NOW + 864_000).complaints)
    assert "10 days ago and holds nothing at all" in one.what
    assert "no longer runs" in one.what
    write_scalars(tmp_path, [(0, NOW)])
    beside = check_flushing(facts_of(tmp_path), now=NOW + 864_000)
    assert beside.complaints == ()
    assert "1 empty beside" in beside.found


def test_a_process_of_another_machine_is_not_taken_for_one_of_this():
    assert runs_here(Writer(platform.node(), os.getpid(), 0.0))
    assert not runs_here(Writer("somewhere-else", os.getpid(), 0.0))


def test_steps_that_were_never_passed_are_found(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        for _ in range(30):
            writer.add_scalar("loss", 1.0)
    one = only(check_steps(facts_of(tmp_path)).complaints)
    assert "All 30 points of `loss` in run `.` are at step 0" in one.what


def test_steps_that_repeat_and_that_go_back_are_found(tmp_path):
    write_scalars(tmp_path / "twice", [(step // 2, NOW + step) for step in range(40)])
    write_scalars(tmp_path / "epochs", [(step % 10, NOW + step) for step in range(40)])
    back, twice = check_steps(facts_of(tmp_path)).complaints
    assert "20 of 40 points of `loss` in run `twice` repeat the step before them" in twice.what
    assert "`loss` in run `epochs` go back 3 times, by up to 9" in back.what


def test_a_training_that_begins_again_in_the_folder_of_another_is_found(tmp_path):
    write_scalars(tmp_path, [(step, NOW + step) for step in range(40)], number=0)
    write_scalars(tmp_path, [(step, NOW + 100 + step) for step in range(5)], number=1)
    files = facts_of(tmp_path)
    one = only(check_steps(files).complaints)
    assert one.level is Level.WARN
    assert "again at step 0 and so hides 40 earlier points of `loss`" in one.what
    assert check_writers(files).complaints == ()


def test_a_graph_that_is_logged_twice_is_fine(tmp_path):
    writer = EventFileWriter(str(tmp_path))
    for _ in range(2):
        writer.add_event(Event(graph_def=b"\x0a\x00", wall_time=NOW))
    writer.close()
    files = facts_of(tmp_path)
    assert [tag.kind for tag in files[0].timelines] == ["graph"]
    assert check_steps(files).complaints == ()


def test_two_writers_at_once_are_found_and_named(tmp_path):
    script = (
        "import sys, sightline; now = iter(range(1_700_000_000, 1_800_000_000))\n"
        "with sightline.MetricsLogger('run', sys.argv[1], clock=lambda: float(next(now))) as one:\n"
        "    [one.log_metrics({'loss': 1.0}, step=step) for step in range(50)]"
    )
    with SummaryWriter(tmp_path / "run") as writer:
        for step in range(50):
            writer.add_scalar("loss", 1.0, step, walltime=NOW + step)
            writer.add_scalar("mine", 1.0, step, walltime=NOW + step)
        other = subprocess.Popen([sys.executable, "-c", script, tmp_path])
        assert other.wait() == 0
    files = facts_of(tmp_path)
    one = only(check_writers(files).complaints)
    assert f"process {os.getpid()} on {platform.node()}" in one.what
    assert f"process {other.pid} on {platform.node()}" in one.what
    assert "both wrote `loss` into run `run` for 4" in one.what
    assert one.level is Level.ERROR
    assert check_steps(files).complaints == ()


def test_two_writers_with_tags_or_steps_of_their_own_are_fine(tmp_path):
    write_scalars(tmp_path, [(step, NOW + step) for step in range(9)], "train", number=0)
    write_scalars(tmp_path, [(step, NOW + step) for step in range(9)], "val", number=1)
    write_scalars(tmp_path, [(100 + step, NOW + step) for step in range(9)], "val", number=2)
    assert check_writers(facts_of(tmp_path)).complaints == ()


def test_a_clock_ahead_of_this_one_is_found(tmp_path):
    write_scalars(tmp_path, [(step, NOW + step) for step in range(9)])
    files = facts_of(tmp_path)
    one = only(check_clocks(files, now=NOW - 7200).complaints)
    assert "2023-11-14 22:13:28 UTC, 2 h ahead" in one.what
    assert one.level is Level.WARN
    assert check_clocks(files, now=NOW).complaints == ()


def test_a_clock_that_was_set_back_is_found_and_a_resume_is_not(tmp_path):
    times = [NOW, NOW + 1, NOW - 299, NOW - 298]
    write_scalars(tmp_path / "slip", list(enumerate(times)))
    write_scalars(tmp_path / "back", [(9 - step, time) for step, time in enumerate(times)])
    one = only(check_clocks(facts_of(tmp_path), now=NOW + 10).complaints)
    assert "backward 1 time in `loss` of run `slip`, by up to 5 min" in one.what


def webp() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "WEBP")
    return file.getvalue()


@pytest.mark.parametrize(
    ("encoded", "named", "level"),
    [
        (np.zeros((4, 4, 3), np.uint8).tobytes(), "no picture file", Level.ERROR),
        (b"", "no picture file", Level.ERROR),
        (webp(), "WebP", Level.WARN),
    ],
)
def test_pictures_of_another_format_are_found(tmp_path, encoded, named, level):
    write_image(tmp_path, encoded, num=3)
    one = only(check_pictures(facts_of(tmp_path)).complaints)
    assert "3 pictures of `picture`" in one.what
    assert named in one.what
    assert one.level is level


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "GIF", "BMP"])
def test_pictures_that_tensorboard_shows_are_fine(tmp_path, format_):
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, format_)
    write_image(tmp_path, file.getvalue())
    assert check_pictures(facts_of(tmp_path)).complaints == ()


def test_large_pictures_of_a_tensor_are_looked_at_too(tmp_path):
    with MetricsLogger("run", tmp_path) as logger:
        logger.log_image("p", np.random.default_rng(0).random((200, 200, 3)), step=0)
    path = event_file(tmp_path / "run")
    assert check_pictures(facts_of(tmp_path)).complaints == ()
    flip(path, path.read_bytes().index(b"\x89PNG"))
    files = facts_of(tmp_path)
    assert "1 picture of `p`" in only(check_pictures(files).complaints).what
    assert len(files[0].damage) == 1


def test_a_damaged_record_is_found_and_a_torn_end_only_when_nobody_writes(tmp_path):
    write_scalars(tmp_path, [(step, NOW + step) for step in range(9)])
    path = event_file(tmp_path)
    offset = record_offsets(path)[4]
    flip(path, offset + 14)
    one = only(check_damage(facts_of(tmp_path), now=time.time()).complaints)
    assert f"1 damaged place of 42 bytes, at byte {offset:,}: the checksum" in one.what
    assert one.level is Level.ERROR
    flip(path, offset + 14)
    path.write_bytes(path.read_bytes()[:-3])
    files = facts_of(tmp_path)
    late = time.time() + 600
    assert check_damage(files, now=time.time()).complaints == ()
    assert check_damage(files, now=late).complaints == ()  # this process wrote it, and runs
    torn = only(check_damage(files, now=late, is_running=lambda writer: False).complaints)
    assert "ends inside a record" in torn.what
    assert torn.level is Level.WARN


def test_a_large_run_says_what_takes_the_bytes(tmp_path):
    with MetricsLogger("big", tmp_path) as logger:
        logger.log_metrics({"loss": 1.0}, step=0)
        logger.log_embedding("features", np.zeros((3000, 64), np.float32), step=0)
        logger.log_image("p", np.random.default_rng(0).random((200, 200, 3)), step=0)
    with SummaryWriter(str(tmp_path / "torch")) as writer:
        writer.add_embedding(np.zeros((2000, 64)), tag="codes", global_step=7)
    with MetricsLogger("small", tmp_path) as logger:
        logger.log_metrics({"loss": 1.0}, step=0)
    files = facts_of(tmp_path)
    embeddings = embedding_bytes(tmp_path, {file.run for file in files})
    big, torch_ = check_sizes(files, embeddings, large_bytes=250_000).complaints
    assert "Run `big` takes" in big.what
    assert "embeddings 768 kB (tag `projector/features" in big.what
    assert "images 1" in big.what
    assert "fewer vectors" in big.remedy
    assert "tag `codes" in torch_.what
    assert check_sizes(files, embeddings).complaints == ()
