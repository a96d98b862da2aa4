"""A histogram of a million float32 takes five milliseconds and 1.7 KB.

| claim | limit |
|---|---|
| counting and encoding 1,000,000 float32, in the worker | <= 5 ms |
| bytes in the file | <= 1.7 KB |

The same array goes to torch's SummaryWriter in the same run, in turns. What the caller of
`log_histogram` waits for, the copy, stands beside. Ends with status 1 if a claim does not hold.

    python -m benchmarks.histograms [--rounds 21]
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from torch.utils.tensorboard import SummaryWriter

from sightline import MetricsLogger
from sightline.events import bucketize, frame, histogram_value

NUM_VALUES = 1_000_000


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    values = np.random.default_rng(0).normal(size=NUM_VALUES).astype(np.float32)
    ours, theirs, callers = [], [], []
    size = len(frame(histogram_value("weights/layer", bucketize(values)).encode()))
    with tempfile.TemporaryDirectory() as folder:
        writer = SummaryWriter(str(Path(folder, "theirs")))
        logger = MetricsLogger("ours", folder)
        for step in range(rounds + 1):
            start = time.perf_counter()
            histogram_value("weights/layer", bucketize(values)).encode()
            counted = time.perf_counter()
            logger.log_histogram("weights/layer", values, step=step)
            logged = time.perf_counter()
            logger.flush()
            before = time.perf_counter()
            writer.add_histogram("weights/layer", values, step, bins="tensorflow")
            ended = time.perf_counter()
            writer.flush()  # its thread must not be at work while the next round is timed
            if step:  # the first warms up
                ours.append(1e3 * (counted - start))
                callers.append(1e3 * (logged - counted))
                theirs.append(1e3 * (ended - before))
        logger.close()
        writer.close()
        (theirs_file,) = Path(folder, "theirs").iterdir()
        theirs_size = theirs_file.stat().st_size / (rounds + 1)
    for name, times in (
        ("counted and encoded", ours),
        ("log_histogram at the caller", callers),
        ("SummaryWriter.add_histogram at the caller", theirs),
    ):
        low, median, high = statistics.quantiles(times, n=4)
        print(f"{name}: median {median:.2f} ms, quartiles {low:.2f} to {high:.2f}")
    print(f"bytes: {size}, SummaryWriter {theirs_size:.0f}")
    holds = statistics.median(ours) <= 5 and size <= 1700
    print("holds" if holds else "DOES NOT HOLD")
    return int(not holds)


if __name__ == "__main__":
    sys.exit(main())
