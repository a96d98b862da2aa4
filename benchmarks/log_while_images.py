"""While the worker encodes pictures, the training loop hardly notices.

| claim | limit |
|---|---|
| `log_metrics` with ten numbers, while pictures wait to be encoded | 99% <= 50 us |
| a loop of pure Python, while pictures wait to be encoded | at most 10% slower |

Pictures of 512 x 512 as floats are queued, enough to keep the worker busy all the while.
Then a loop of pure Python is timed in turns with and without a busy worker: what it loses is the
interpreter lock, since there are two cores. What a picture takes the caller stands beside what
torch's SummaryWriter takes, which encodes at the caller. Ends with status 1 if a claim does not
hold.

    python -m benchmarks.log_while_images [--rounds 7]
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from sightline import MetricsLogger

NUM_PICTURES = 40
SIZE = 512


def pure_python(num: int = 400_000) -> float:
    """Seconds that a loop of pure Python takes."""
    start = time.perf_counter()
    total = 0
    for number in range(num):
        total += number
    return time.perf_counter() - start


def queue_pictures(logger: MetricsLogger, picture: np.ndarray, start: int) -> list[float]:
    """Queue pictures; microseconds that each took the caller."""
    times = []
    for step in range(start, start + NUM_PICTURES):
        begin = time.perf_counter()
        logger.log_image("picture", picture, step=step)
        times.append(1e6 * (time.perf_counter() - begin))
    return times


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    picture = np.random.default_rng(0).random((SIZE, SIZE, 3)).astype(np.float32)
    metrics = {f"metric/{index}": float(index) for index in range(10)}
    idle, busy, call_us, picture_us = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        logger = MetricsLogger("run", folder)
        for number in range(rounds):
            logger.flush()
            idle.append(min(pure_python() for _ in range(5)))
            picture_us += queue_pictures(logger, picture, number * NUM_PICTURES)
            busy += [min(pure_python() for _ in range(5))]
            for step in range(500):
                pure_python(4_000)
                begin = time.perf_counter()
                logger.log_metrics(metrics, step=number * 500 + step)
                call_us.append(1e6 * (time.perf_counter() - begin))
            was_busy = logger._writer._waiting.num_calls > 0  # the worker still had something to do
            assert was_busy, "expected more pictures to be waiting; raise NUM_PICTURES"
        logger.close()
        theirs_us = summary_writer(Path(folder), picture)
    slower = [b / i - 1 for b, i in zip(busy, idle, strict=True)]
    call_us.sort()
    p99 = call_us[int(0.99 * len(call_us))]
    print(f"{rounds} rounds, {len(call_us)} calls of log_metrics while pictures are encoded")
    print(
        f"log_metrics, 10 numbers: median {statistics.median(call_us):.1f} us, 99% {p99:.1f} us, "
        f"longest {call_us[-1]:.0f} us, limit of 99% 50 us"
    )
    print(
        f"pure Python is slower by: median {statistics.median(slower):.1%}, "
        f"{min(slower):.1%} to {max(slower):.1%}, limit 10%"
    )
    print(
        f"log_image at the caller: median {statistics.median(picture_us):.0f} us; "
        f"SummaryWriter.add_image: {theirs_us:.0f} us"
    )
    return int(p99 > 50 or statistics.median(slower) > 0.10)


def summary_writer(folder: Path, picture: np.ndarray) -> float:
    """Median microseconds of torch's add_image."""
    from torch.utils.tensorboard import SummaryWriter

    times = []
    with SummaryWriter(str(folder / "theirs")) as writer:
        for step in range(10):
            begin = time.perf_counter()
            writer.add_image("picture", picture, step, dataformats="HWC")
            times.append(1e6 * (time.perf_counter() - begin))
    return statistics.median(times)


if __name__ == "__main__":
    sys.exit(main())
