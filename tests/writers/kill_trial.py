"""One trial of `kill -9`: a logging process dies at a random moment.

The process tells its parent, in memory that both share, which step it has logged, and when.
"""

from __future__ import annotations

import mmap
import os
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from sightline.events import read

# Logs numbers at each step and pictures now and then, as fast as told, until it is killed.
PROGRAM = """
import itertools, mmap, struct, sys, time
import numpy as np
from sightline import MetricsLogger
log_dir, resume, shared, step_secs, image_every = sys.argv[1:]
resume_step = None if resume == "new" else int(resume)
file = open(shared, "r+b")
board = mmap.mmap(file.fileno(), 0)
logger = MetricsLogger("run", log_dir, {"lr": 0.1}, describe=lambda tag: f"about {tag}",
                       resume_step=resume_step)
image = np.random.default_rng(0).integers(0, 255, (128, 128, 3), np.uint8)
for step in itertools.count(0 if resume_step is None else resume_step + 1):
    logger.log_metrics({"loss": float(step), "lr": 0.5}, step=step)
    if step % int(image_every) == 0:
        logger.log_image("image", image, step=step)
    struct.pack_into("<qd", board, 16 * (1 + step % 4096), step, time.monotonic())
    struct.pack_into("<q", board, 0, step)
    time.sleep(float(step_secs))
"""
SLOTS = 4096


class Trial(NamedTuple):
    """What one kill left.

    Args:
        num_logged: Steps that the process had logged.
        num_on_disk: Steps that can be read.
        lost_secs: Age, at the kill, of the oldest step that was lost; 0 if none was.
        num_damaged: Damaged stretches of the files, a torn tail aside.
    """

    num_logged: int
    num_on_disk: int
    lost_secs: float
    num_damaged: int


def steps(run_dir: Path, tag: str = "loss") -> list[int]:
    """The steps of a tag, in the order of the files."""
    return [
        event.step for event in read(run_dir) if any(value.tag == tag for value in event.values)
    ]


def log_until_killed(log_dir: Path, resume_step: int | None, rng: random.Random) -> Trial:
    """Start a session, kill it at a random moment, and look at what it left."""
    shared = log_dir / "board"
    shared.write_bytes(bytes(16 * (SLOTS + 1)))
    arguments = [
        str(log_dir),
        "new" if resume_step is None else str(resume_step),
        str(shared),
        str(rng.choice([0.0003, 0.001, 0.004])),
        str(rng.choice([1, 50, 10**9])),
    ]
    first = 0 if resume_step is None else resume_step + 1
    with shared.open("r+b") as file, mmap.mmap(file.fileno(), 0) as board:
        struct.pack_into("<q", board, 0, -1)
        with subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments]) as process:
            deadline = time.monotonic() + 60
            while struct.unpack_from("<q", board, 0)[0] < first:
                assert time.monotonic() < deadline, "the program does not log"
                assert process.poll() is None, "the program ended by itself"
                time.sleep(0.005)
            time.sleep(rng.uniform(0.0, 1.5))
            killed_at = time.monotonic()
            os.kill(process.pid, signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        (last_logged,) = struct.unpack_from("<q", board, 0)
        on_disk = [step for step in steps(log_dir / "run") if step >= first]
        lost_secs = 0.0
        if len(on_disk) < last_logged - first + 1:
            oldest_lost = first + len(on_disk)
            slot = 16 * (1 + oldest_lost % SLOTS)
            step, logged_at = struct.unpack_from("<qd", board, slot)
            assert step == oldest_lost, "more steps were lost than the board remembers"
            lost_secs = killed_at - logged_at
    shared.unlink()
    assert on_disk == list(range(first, first + len(on_disk))), "a step is missing or twice"
    reading = read(log_dir / "run")
    num_events = sum(1 for _ in reading)
    assert num_events > 0
    damage = [one for one in reading.damage if "ends inside" not in one.reason]
    return Trial(last_logged - first + 1, len(on_disk), lost_secs, len(damage))
