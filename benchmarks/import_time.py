"""`import sightline` takes less than 150 ms beyond NumPy.

Fresh interpreters import NumPy alone and the package in turn, so that a busy spell of the machine
falls on both. Prints the median and the quartiles of each, and the difference of the medians; ends
with status 1 when that is over the limit.

    python benchmarks/import_time.py [--runs 21]
"""

import argparse
import platform
import statistics
import subprocess
import sys

LIMIT_MS = 150.0
STATEMENTS = ("import numpy", "import sightline")
CLOCK = "import time; start = time.perf_counter(); {}; print(1e3 * (time.perf_counter() - start))"


def import_ms(statement: str) -> float:
    """Time that one fresh interpreter takes for a statement, its own start-up left out."""
    answer = subprocess.run(
        [sys.executable, "-c", CLOCK.format(statement)], check=True, capture_output=True, text=True
    )
    return float(answer.stdout)


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=21, help="fresh interpreters per statement")
    runs = parser.parse_args().runs

    for statement in STATEMENTS:  # fills the file cache and writes the .pyc files
        import_ms(statement)
    times_ms: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    for _ in range(runs):
        for statement in STATEMENTS:
            times_ms[statement].append(import_ms(statement))

    print(f"Python {platform.python_version()}, {platform.machine()}, {runs} runs each, in turn")
    for statement, samples in times_ms.items():
        low, median, high = statistics.quantiles(samples, n=4)
        print(f"{statement:<18} median {median:6.1f} ms   quartiles {low:.1f} to {high:.1f} ms")
    numpy_ms, ours_ms = (statistics.median(times_ms[statement]) for statement in STATEMENTS)
    print(f"beyond NumPy       median {ours_ms - numpy_ms:6.1f} ms   limit {LIMIT_MS:.0f} ms")
    return int(ours_ms - numpy_ms > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
