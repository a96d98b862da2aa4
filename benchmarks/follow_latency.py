"""A point of a live run is seen by whoever follows it within a second.

One process logs a number every 10 ms, with the logger's defaults; another follows the run. Prints
how old points are when they arrive, by the wall time that they carry; ends with status 1 if one is
older than a second.

    python -m benchmarks.follow_latency [--secs 20]
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from sightline import read

LIMIT_SECS = 1.0
PROGRAM = """
import sys, time
from sightline import MetricsLogger
end = time.time() + float(sys.argv[2])
with MetricsLogger("run", sys.argv[1]) as logger:
    step = 0
    while time.time() < end:
        logger.log_metrics({"loss": 1.0}, step=step)
        step += 1
        time.sleep(0.01)
"""


def main() -> int:
    """Follow, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--secs", type=float, default=20)
    secs = parser.parse_args().secs
    ages: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", PROGRAM, folder, str(secs)]
        with subprocess.Popen(command) as process:
            while not list(Path(folder).rglob("*tfevents*")):
                time.sleep(0.01)
            for points in read(folder).follow(stop=lambda: process.poll() is not None):
                # The wall time of a point is that of the call that logged it.
                ages += (time.time() - np.asarray(points.wall_time)).tolist()
    ages.sort()
    print(
        f"{len(ages)} points, age at arrival: median {statistics.median(ages):.2f} s, "
        f"99% {ages[int(0.99 * len(ages))]:.2f} s, most {ages[-1]:.2f} s, limit {LIMIT_SECS} s"
    )
    return int(not ages or ages[-1] > LIMIT_SECS)


if __name__ == "__main__":
    sys.exit(main())
