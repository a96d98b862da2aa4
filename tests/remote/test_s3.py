"""Runs in S3: moto's server on loopback, spoken to by s3fs and by TensorBoard itself.

`gs://` takes the same way through fsspec, with gcsfs in the place of s3fs. No server for it runs
here, so that this is all that is known of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import boto3
import fsspec
import numpy as np
import pytest
from upath import UPath

from sightline.events import bucketize, event_files, read, to_path
from sightline.logger import MetricsLogger
from sightline.writers import Histogram, Jsonl, Scalar, TensorBoard, Value
from tests.loaders import Shown, read_python, read_rust
from tests.remote.server import S3Server

# Python warns of any fork of a process that has threads.
WARNINGS = ("-W", "error", "-W", "ignore::DeprecationWarning")
SLOW = 3600.0  # no upload of its own accord within a test


def steps(url: str) -> list[int]:
    return [event.step for event in read(url) if any(value.tag == "loss" for value in event.values)]


def stored_bytes(url: str) -> int:
    return sum(len(path.read_bytes()) for path in event_files(to_path(url)))


def log_session(log_dir: str, first: int, last: int, resume_step: int | None = None) -> None:
    """A session of several objects, of numbers and histograms that have descriptions."""
    with MetricsLogger(
        "run",
        log_dir,
        {"lr": 0.1},
        describe=lambda tag: f"about {tag}",
        resume_step=resume_step,
        flush_secs=SLOW,
    ) as logger:
        for step in range(first, last + 1):
            logger.log_metrics({"loss": float(step)}, step=step)
            if step % 4 == 0:
                logger.log_histogram("weights", np.arange(10.0) + step, step=step)
            if step % 10 == 9:
                logger.flush()


def loaded_remotely(url: str, folder: Path) -> Shown:
    """What TensorBoard's Python loader shows, reading the storage by itself."""
    del folder
    return read_python(url)  # type: ignore[arg-type]  it takes what TensorBoard takes


def downloaded_and_loaded(url: str, folder: Path) -> Shown:
    """What the data server shows of a copy; it reads no such storage."""
    storage, root = fsspec.url_to_fs(url)
    for name in storage.find(root):
        target = folder / name.removeprefix(f"{root}/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(storage.cat_file(name))
    return read_rust(folder)


@pytest.mark.parametrize("load", [loaded_remotely, downloaded_and_loaded])
def test_a_loader_shows_a_run_that_was_resumed_twice(
    bucket: str, tmp_path: Path, load: Callable[[str, Path], Shown]
) -> None:
    log_session(f"{bucket}/logs", 0, 44)
    log_session(f"{bucket}/logs", 26, 60, resume_step=25)
    log_session(f"{bucket}/logs", 41, 70, resume_step=40)
    assert len(event_files(to_path(f"{bucket}/logs/run"))) > 8
    shown = load(f"{bucket}/logs", tmp_path)
    assert shown.series["run"]["loss"] == [(step, float(step)) for step in range(71)]
    assert shown.steps("weights", "run") == list(range(0, 71, 4))
    assert shown.descriptions["run"]["loss"] == "about loss"
    assert shown.descriptions["run"]["weights"] == "about weights"
    assert "lr" in str(shown.series["run"]["run/config"])


def test_tensorboard_reads_other_storages_through_fsspec(memory_dir: str, tmp_path: Path) -> None:
    log_session(f"{memory_dir}/logs", 0, 44)
    log_session(f"{memory_dir}/logs", 26, 60, resume_step=25)
    shown = loaded_remotely(f"{memory_dir}/logs", tmp_path)
    assert shown.series["run"]["loss"] == [(step, float(step)) for step in range(61)]
    assert shown.steps("weights", "run") == list(range(0, 61, 4))


def test_our_reader_reads_what_was_logged(bucket: str) -> None:
    log_session(f"{bucket}/logs", 0, 30)
    reading = read(f"{bucket}/logs/run")
    values = [(e.step, v.simple_value) for e in reading for v in e.values if v.tag == "loss"]
    assert values == [(step, float(step)) for step in range(31)]
    assert reading.damage == []
    assert [event.step for event in read(str(reading.files[0]))] == [0, 0]
    assert read(UPath(f"{bucket}/logs/run")).files == reading.files


@pytest.mark.parametrize("num_steps", [100, 1600])
def test_every_byte_is_uploaded_once(bucket: str, s3: S3Server, num_steps: int) -> None:
    """A file that is written anew at each flush would upload eight times what it holds, and 80."""
    with MetricsLogger("run", bucket, flush_secs=SLOW) as logger:
        for step in range(num_steps):
            logger.log_metrics({f"metric/{i}": 0.5 for i in range(50)}, step=step)
            if step % 10 == 9:
                logger.flush()
    puts = [request for request in s3.requests if request.method == "PUT"]
    assert len(puts) == len({put.path for put in puts}) == num_steps // 10 + 1
    assert s3.num_bytes_put == stored_bytes(f"{bucket}/run")
    assert s3.num_bytes_put < num_steps * 50 * 30


def test_the_flushes_of_the_worker_upload_nothing_before_its_time(
    bucket: str, s3: S3Server
) -> None:
    num_puts: list[int] = []

    class Counting(TensorBoard):
        def flush_if_due(self) -> None:
            super().flush_if_due()
            num_puts.append(len([r for r in s3.requests if r.method == "PUT"]))

    files = Counting(f"{bucket}/run", part_secs=SLOW)
    with MetricsLogger("run", bucket, writers=[files], flush_secs=0.002) as logger:
        for step in range(20):
            logger.log_metrics({"loss": float(step)}, step=step)
            num_before = len(num_puts)
            while len(num_puts) == num_before:
                time.sleep(0.001)
    assert set(num_puts) == {1}, "the object that shows that the place can be written to"
    assert steps(f"{bucket}/run") == list(range(20))


def test_a_network_that_fails_for_a_while_loses_nothing(
    bucket: str, s3: S3Server, capsys: pytest.CaptureFixture[str]
) -> None:
    with MetricsLogger("run", bucket, flush_secs=SLOW) as logger:
        logger.log_metrics({"loss": 0.0}, step=0)
        logger.flush()
        s3.stop()
        try:
            logger.log_metrics({"loss": 1.0}, step=1)
            with pytest.raises(OSError, match="Could not connect to the endpoint URL"):
                logger.flush()
            logger.log_metrics({"loss": 2.0}, step=2)
        finally:
            s3.start()
    assert steps(f"{bucket}/run") == [0, 1, 2]
    assert "sightline: logging works again" in capsys.readouterr().err


@pytest.mark.parametrize("status", ["503 Service Unavailable", "403 Access Denied"])
def test_what_the_server_refuses_is_kept_and_raised_at_close(
    bucket: str, s3: S3Server, status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = MetricsLogger("run", bucket, flush_secs=SLOW)
    logger.log_metrics({"loss": 0.0}, step=0)
    s3.refused_status = status
    try:
        for _ in range(2):
            with pytest.raises(OSError, match=r"refused"):
                logger.flush()
        logger.log_metrics({"loss": 1.0}, step=1)
        with pytest.raises(OSError, match=r"refused"):
            logger.close()
    finally:
        s3.refused_status = ""
    assert "training goes on" in capsys.readouterr().err
    assert steps(f"{bucket}/run") == []


def test_a_bucket_that_is_not_there_is_named_and_not_created(bucket: str) -> None:
    with pytest.raises(OSError, match=rf"got {bucket}-/logs/run: the specified bucket does not"):
        MetricsLogger("run", f"{bucket}-/logs")
    client = boto3.client("s3")
    names = [found["Name"] for found in client.list_buckets()["Buckets"]]
    client.close()
    assert bucket.removeprefix("s3://") + "-" not in names


def test_missing_credentials_are_named(bucket: str) -> None:
    program = (
        "import sys\n"
        "from sightline.logger import MetricsLogger\n"
        "MetricsLogger('run', sys.argv[1])\n"
    )
    environment = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_EC2_METADATA_DISABLED": "true"}
    answer = subprocess.run(
        [sys.executable, "-c", program, bucket],
        check=False,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path), "HOME": "/nonexistent", **environment},
    )
    assert "Unable to locate credentials" in answer.stderr.splitlines()[-1]


def test_what_another_program_puts_is_seen_at_once(bucket: str) -> None:
    """fsspec keeps listings, which would hide it."""
    name = bucket.removeprefix("s3://")
    client = boto3.client("s3")
    run_dir = to_path(f"{bucket}/run")
    for count in range(3):
        assert len(event_files(run_dir)) == count
        client.put_object(Bucket=name, Key=f"run/tfevents.{count}", Body=b"")
    client.delete_object(Bucket=name, Key="run/tfevents.0")
    assert [path.name for path in event_files(run_dir)] == ["tfevents.1", "tfevents.2"]
    client.close()


def test_a_further_file_begins_with_further_objects(bucket: str, tmp_path: Path) -> None:
    files = TensorBoard(f"{bucket}/logs/run", max_file_bytes=2000, part_secs=SLOW)
    for step in range(200):
        files.write({"loss": Scalar(float(step))}, step=step, wall_time=1.0)
        files.flush_if_due()
    files.close()
    names = [path.name for path in event_files(to_path(f"{bucket}/logs/run"))]
    assert len({name.rpartition(".")[0] for name in names}) > 2
    assert steps(f"{bucket}/logs/run") == list(range(200))
    shown = loaded_remotely(f"{bucket}/logs", tmp_path)
    assert shown.steps("loss", "run") == list(range(200))


def test_a_further_file_waits_for_a_network_that_fails(bucket: str, s3: S3Server) -> None:
    files = TensorBoard(f"{bucket}/run", max_file_bytes=500)
    s3.refused_status = "503 Service Unavailable"
    try:
        for step in range(100):
            files.write({"loss": Scalar(float(step))}, step=step, wall_time=1.0)
            if step > 50:
                with pytest.raises(OSError, match="refused"):
                    files.flush_if_due()
    finally:
        s3.refused_status = ""
    files.close()
    assert steps(f"{bucket}/run") == list(range(100))


@pytest.mark.parametrize("load", [loaded_remotely, downloaded_and_loaded])
def test_a_run_that_somebody_removes_goes_on_and_says_so(
    bucket: str, tmp_path: Path, load: Callable[[str, Path], Shown]
) -> None:
    files = TensorBoard(f"{bucket}/logs/run", describe=lambda tag: "text", part_secs=0)
    values: dict[str, Value] = {"h": Histogram(bucketize([1.0, 2.0])), "loss": Scalar(0.5)}
    for step in range(3):
        files.write(values, step=step, wall_time=1.0)
        files.flush_if_due()
    for path in event_files(to_path(f"{bucket}/logs/run")):
        path.unlink()
    files.write(values, step=3, wall_time=1.0)
    files.flush_if_due()
    with pytest.raises(FileNotFoundError, match="logging goes on in a new file"):
        files.write(values, step=4, wall_time=1.0)
    files.close()
    shown = load(f"{bucket}/logs", tmp_path)
    assert shown.steps("h", "run") == shown.steps("loss", "run") == [3, 4]
    assert shown.descriptions["run"] == {"h": "text", "loss": "text"}


FORKING = """
import multiprocessing, sys
from sightline.logger import MetricsLogger

def work(logger, first):
    for step in range(first, first + 3):
        logger.log_metrics({"loss": float(step)}, step=step)

logger = MetricsLogger("run", sys.argv[1])
logger.log_metrics({"loss": 0.0}, step=0)
logger.flush()
context = multiprocessing.get_context("fork")
children = [context.Process(target=work, args=(logger, 10 * n)) for n in (1, 2)]
for child in children:
    child.start()
logger.log_metrics({"loss": 1.0}, step=1)
for child in children:
    child.join(60)
    assert child.exitcode == 0, child.exitcode
logger.close()
"""


def run_program(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *WARNINGS, "-c", program, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_forked_process_logs_to_a_run_of_its_own(bucket: str) -> None:
    """Its connection is its own, too: that of its parent would not survive the fork."""
    answer = run_program(FORKING, bucket)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert steps(f"{bucket}/run") == [0, 1]
    storage, root = fsspec.url_to_fs(f"{bucket}/run")
    storage.invalidate_cache()
    forks = [entry["name"] for entry in storage.ls(root, detail=True) if entry["size"] == 0]
    assert sorted(steps(f"s3://{fork}") for fork in forks) == [[10, 11, 12], [20, 21, 22]]


def test_a_program_that_ends_without_closing_loses_nothing(bucket: str) -> None:
    program = (
        "import sys\n"
        "from sightline.logger import MetricsLogger\n"
        "logger = MetricsLogger('run', sys.argv[1])\n"
        "logger.log_metrics({'loss': 0.5}, step=3)\n"
    )
    answer = run_program(program, bucket)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert steps(f"{bucket}/run") == [3]


def test_a_killed_program_loses_what_came_after_its_last_upload(bucket: str) -> None:
    program = (
        "import os, signal, sys\n"
        "from sightline.logger import MetricsLogger\n"
        "logger = MetricsLogger('run', sys.argv[1], flush_secs=3600)\n"
        "for step in range(100):\n"
        "    logger.log_metrics({'loss': float(step)}, step=step)\n"
        "    if step == 59:\n"
        "        logger.flush()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert run_program(program, bucket).returncode == -9
    assert steps(f"{bucket}/run") == list(range(60))
    with MetricsLogger("run", bucket, resume_step=39) as logger:
        for step in range(40, 50):
            logger.log_metrics({"loss": float(step)}, step=step)
    assert steps(f"{bucket}/run") == list(range(50))


def test_wandb_keeps_its_files_on_the_disk(
    memory_dir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import wandb

    wandb.teardown()  # it keeps the working directory of the first run of a process
    monkeypatch.chdir(tmp_path)
    with MetricsLogger("run", memory_dir, use_wandb=True) as logger:
        logger.log_metrics({"loss": 0.5}, step=0)
    assert [path.name for path in tmp_path.iterdir()] == ["wandb"]
    assert steps(f"{memory_dir}/run") == [0]


def test_lines_of_json_refuse_a_url(bucket: str) -> None:
    with pytest.raises(ValueError, match="expected a path on the disk, got s3://"):
        Jsonl(f"{bucket}/log.jsonl")


def test_options_of_the_storage_are_handed_on(bucket: str, s3: S3Server) -> None:
    options = json.dumps({"endpoint_url": s3.url, "key": "nobody", "secret": "nothing"})
    program = (
        "import json, os, sys\n"
        "for name in [name for name in os.environ if name.startswith('AWS_')]:\n"
        "    del os.environ[name]\n"
        "from upath import UPath\n"
        "from sightline.logger import MetricsLogger\n"
        "with MetricsLogger('run', UPath(sys.argv[1], **json.loads(sys.argv[2]))) as logger:\n"
        "    logger.log_metrics({'loss': 0.5}, step=7)\n"
    )
    answer = run_program(program, bucket, options)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert steps(f"{bucket}/run") == [7]
