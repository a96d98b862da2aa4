"""An embedding of 2,000 x 256 is written in at most 10 ms, as about 2 MB.

Ours and torch's SummaryWriter.add_embedding write the same vectors with the same labels in turn,
the order changing from round to round, each into a run of its own that grows by a step a round.
Ours is timed twice: what the training loop waits for, and what the writer takes in all. Prints
medians, quartiles and sizes; ends with status 1 when the writer takes longer than 10 ms or more
than 2.2 MB a step.

    python benchmarks/embeddings.py [--rounds 15]
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.utils.tensorboard import SummaryWriter

from sightline import MetricsLogger
from sightline.writers import Embedding, TensorBoard

NUM_POINTS, NUM_DIMENSIONS = 2000, 256
LIMIT_MS, LIMIT_MB = 10.0, 2.2


def milliseconds(action: Callable[[], object]) -> float:
    """Time that one call takes."""
    start = time.perf_counter()
    action()
    return 1e3 * (time.perf_counter() - start)


def folder_mb(folder: Path) -> float:
    """Size of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    vectors = torch.randn(NUM_POINTS, NUM_DIMENSIONS, generator=torch.Generator().manual_seed(0))
    labels = [str(label) for label in np.arange(NUM_POINTS) % 10]

    with tempfile.TemporaryDirectory() as scratch:
        ours = TensorBoard(Path(scratch, "ours"))
        logger = MetricsLogger("logger", scratch)
        theirs = SummaryWriter(str(Path(scratch, "theirs")))

        def write_ours(step: int) -> None:
            embedding = Embedding(vectors, labels).on_host()
            ours.write({"z": embedding}, step=step, wall_time=0.0)

        writers: dict[str, Callable[[int], None]] = {
            "sightline, the writer": write_ours,
            "sightline, the caller": lambda step: logger.log_embedding(
                "z", vectors, step, metadata=labels
            ),
            "SummaryWriter": lambda step: theirs.add_embedding(vectors, labels, global_step=step),
        }
        times_ms: dict[str, list[float]] = {name: [] for name in writers}
        for step in range(rounds + 1):
            names = list(writers) if step % 2 else list(writers)[::-1]
            for name in names:
                took_ms = milliseconds(lambda name=name, step=step: writers[name](step))
                logger.flush()  # or its worker would run beside the next one
                if step > 0:  # the first imports and compiles
                    times_ms[name].append(took_ms)
        for writer in (ours, logger, theirs):
            writer.close()
        num_steps = rounds + 1
        sizes_mb = {
            "sightline, the writer": folder_mb(Path(scratch, "ours")) / num_steps,
            "sightline, the caller": folder_mb(Path(scratch, "logger")) / num_steps,
            "SummaryWriter": folder_mb(Path(scratch, "theirs")) / num_steps,
        }

    print(
        f"Python {platform.python_version()}, torch {torch.__version__}, {platform.machine()}, "
        f"{os.cpu_count()} cores, {rounds} rounds in turn"
    )
    for name, samples in times_ms.items():
        low, median, high = statistics.quantiles(samples, n=4)
        print(
            f"{name:<22} median {median:7.2f} ms   quartiles {low:.2f} to {high:.2f} ms   "
            f"{sizes_mb[name]:.2f} MB a step"
        )
    ours_ms = statistics.median(times_ms["sightline, the writer"])
    ratio = statistics.median(times_ms["SummaryWriter"]) / ours_ms
    print(f"{ratio:.0f} times as fast as SummaryWriter; limits {LIMIT_MS} ms and {LIMIT_MB} MB")
    return int(ours_ms > LIMIT_MS or sizes_mb["sightline, the writer"] > LIMIT_MB)


if __name__ == "__main__":
    sys.exit(main())
