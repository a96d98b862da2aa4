"""Who writes where several processes train one model."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sightline import MetricsLogger, read
from sightline.logger.ranks import process_rank
from sightline.writers import Memory

# Each rank is started as torchrun starts it, and they meet over gloo.
PROGRAM = """
import os, sys, torch
from sightline import MetricsLogger
rank = int(os.environ["RANK"])
torch.distributed.init_process_group(
    "gloo", init_method=f"file://{sys.argv[1]}/meet", rank=rank, world_size=2
)
with MetricsLogger("run", sys.argv[1], ranks=sys.argv[2]) as logger:
    for step in range(3):
        logger.log_metrics({"loss": torch.tensor(10.0 * rank + step)}, step=step)
torch.distributed.destroy_process_group()
"""


def train(log_dir: Path, ranks: str) -> dict[str, list[float]]:
    """What two ranks leave: the loss by run."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", PROGRAM, log_dir, ranks],
            env=os.environ | {"RANK": str(rank), "WORLD_SIZE": "2"},
        )
        for rank in range(2)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    return {name: run.scalars["loss"].values.tolist() for name, run in read(log_dir).runs.items()}


def test_the_first_rank_alone_writes(tmp_path: Path) -> None:
    assert train(tmp_path, "first") == {"run": [0.0, 1.0, 2.0]}


def test_each_rank_may_have_a_run_of_its_own(tmp_path: Path) -> None:
    assert train(tmp_path, "each") == {"run": [0.0, 1.0, 2.0], "run/rank1": [10.0, 11.0, 12.0]}


@pytest.mark.parametrize(
    ("environ", "rank"),
    [
        ({}, 0),
        ({"RANK": "3", "WORLD_SIZE": "8"}, 3),
        ({"RANK": "3"}, 0),  # of one process: somebody else's variable
        ({"RANK": "", "WORLD_SIZE": ""}, 0),
        ({"SLURM_PROCID": "2", "SLURM_NTASKS": "4"}, 2),
        ({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"}, 1),
        ({"RANK": "0", "WORLD_SIZE": "2", "SLURM_PROCID": "5", "SLURM_NTASKS": "8"}, 0),
    ],
)
def test_the_rank_is_what_the_launcher_says(environ: dict[str, str], rank: int) -> None:
    assert process_rank(environ) == rank


def test_what_a_later_rank_adds_itself_is_written_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    memory = Memory()
    with MetricsLogger("run", tmp_path, extra_writers=[memory]) as logger:
        logger.log_metrics({"loss": 1.0}, step=0)
    assert memory.scalars() == {"loss": [(0, 1.0)]}
    assert list(tmp_path.iterdir()) == []
