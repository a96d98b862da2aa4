"""Logging ten numbers a step takes the caller three microseconds.

| claim, of calls that follow each other | limit |
|---|---|
| caller's time a call | mean <= 3 us, 99% <= 10 us |
| faster than torch's SummaryWriter, tensorboardX, trackio | 100, 100 and 5 times (means) |
| CPU of all threads a metric | <= 0.5 us |
| bytes a metric | <= 22 |

Every logger runs in a fresh process and logs ten floats a call; the loggers take turns, and the
turns are repeated. The CPU of a metric is that of the process beyond the same loop without logging.

"Back to back" are calls that follow each other as fast as they can, which fills the queue of each
logger. "Beside steps" does a step of NumPy of about a millisecond before each call, which empties
the processor's caches, so that every call begins cold: what a training sees. The claims are held to
the first; the second stands beside it. Ends with status 1 if a claim does not hold.

    python -m benchmarks.log_metrics [--rounds 5] [--calls 3000] [--trackio-python PATH]

trackio needs other versions of some packages than the tests: give it an environment of its own.
"""

import argparse
import contextlib
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

WARM_UP = 1000
TAGS = [f"metric/{index}" for index in range(10)]
PEERS = {"torch SummaryWriter": 100.0, "tensorboardX": 100.0, "trackio": 5.0}
LOGGERS = ["nothing", "sightline", *PEERS]
Log = Callable[[dict[str, float], int], None]


def open_logger(name: str, folder: Path) -> tuple[Log, Callable[[], Any]]:
    """How to log a step with a logger, and how to close it."""
    if name == "sightline":
        from sightline import MetricsLogger

        logger = MetricsLogger("run", folder)
        return lambda metrics, step: logger.log_metrics(metrics, step=step), logger.close
    if name in {"torch SummaryWriter", "tensorboardX"}:
        if name == "tensorboardX":
            from tensorboardX import SummaryWriter
        else:
            from torch.utils.tensorboard import SummaryWriter
        writer = SummaryWriter(str(folder / "run"))

        def log(metrics: dict[str, float], step: int) -> None:
            for tag, number in metrics.items():
                writer.add_scalar(tag, number, step)

        return log, writer.close
    if name == "trackio":
        os.environ["TRACKIO_DIR"] = str(folder)
        import trackio

        with contextlib.redirect_stdout(io.StringIO()):
            trackio.init(project="benchmark")

        def finish() -> None:
            with contextlib.redirect_stdout(io.StringIO()):
                trackio.finish()

        return lambda metrics, step: trackio.log(metrics, step=step), finish
    assert name == "nothing"
    return lambda metrics, step: None, lambda: None


def make_step(is_back_to_back: bool) -> Callable[[], object]:
    """A step of training, about a millisecond of NumPy; or none."""
    if is_back_to_back:
        return lambda: None
    weights = np.random.default_rng(0).normal(size=(384, 384)).astype(np.float32)
    return lambda: weights @ weights


def child(name: str, num_calls: int, is_back_to_back: bool) -> dict[str, float]:
    """Log in this process, and say what it took."""
    with tempfile.TemporaryDirectory() as folder:
        log, close = open_logger(name, Path(folder))
        step_once = make_step(is_back_to_back)
        generator = np.random.default_rng(0)
        rows = [dict(zip(TAGS, generator.normal(size=10).tolist(), strict=True)) for _ in range(64)]
        for step in range(WARM_UP):
            step_once()
            log(rows[step % 64], step)
        times_ns = []
        cpu = time.process_time()
        for step in range(WARM_UP, WARM_UP + num_calls):
            step_once()
            metrics = rows[step % 64]
            start = time.perf_counter_ns()
            log(metrics, step)
            times_ns.append(time.perf_counter_ns() - start)
        close()
        cpu = time.process_time() - cpu
        files = [path for path in Path(folder).rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
    times_ns.sort()
    return {
        "mean_us": statistics.mean(times_ns) / 1e3,
        "p50_us": times_ns[len(times_ns) // 2] / 1e3,
        "p99_us": times_ns[int(0.99 * len(times_ns))] / 1e3,
        "max_us": times_ns[-1] / 1e3,
        "cpu_us_a_metric": 1e6 * cpu / num_calls / len(TAGS),
        "bytes_a_metric": size / (num_calls + WARM_UP) / len(TAGS),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measure(
    python: str, name: str, num_calls: int, is_back_to_back: bool
) -> dict[str, float] | None:
    """The same in a fresh process; None where the logger is not installed."""
    arguments = ["--child", name, "--calls", str(num_calls)]
    arguments += ["--back-to-back"] * is_back_to_back
    answer = subprocess.run(
        [python, "-W", "ignore", "-m", "benchmarks.log_metrics", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    if "ModuleNotFoundError" in answer.stderr:
        return None
    if answer.returncode:
        raise RuntimeError(f"{name} failed:\n{answer.stderr}")
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return found


def spread(runs: list[dict[str, float]], key: str) -> str:
    """Median and range over the rounds."""
    values = sorted(run[key] for run in runs)
    return f"{statistics.median(values):.2f} ({values[0]:.2f} to {values[-1]:.2f})"


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=3000)
    parser.add_argument("--trackio-python", default=sys.executable, metavar="PATH")
    parser.add_argument("--child", default="")
    parser.add_argument("--back-to-back", action="store_true")
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(child(arguments.child, arguments.calls, arguments.back_to_back)))
        return 0

    results: dict[bool, dict[str, list[dict[str, float]]]] = {False: {}, True: {}}
    for number in range(arguments.rounds):
        for is_back_to_back in (False, True):
            order = LOGGERS if number % 2 == 0 else LOGGERS[::-1]
            for name in order:
                python = arguments.trackio_python if name == "trackio" else sys.executable
                run = measure(python, name, arguments.calls, is_back_to_back)
                if run is not None:
                    results[is_back_to_back].setdefault(name, []).append(run)

    for is_back_to_back, by_name in results.items():
        print(
            f"\n{'Back to back' if is_back_to_back else 'Beside steps of about 1 ms'}: "
            f"{arguments.rounds} rounds of {arguments.calls} calls, median (range)\n"
        )
        print("| logger | mean, us | 50%, us | 99%, us | longest, us | CPU, us a metric | bytes |")
        print("|---|---|---|---|---|---|---|")
        idle = statistics.median(run["cpu_us_a_metric"] for run in by_name["nothing"])
        for name, runs in by_name.items():
            for run in runs:
                run["cpu_us_a_metric"] -= idle
            keys = ("mean_us", "p50_us", "p99_us", "max_us", "cpu_us_a_metric", "bytes_a_metric")
            print("|", " | ".join([name, *(spread(runs, key) for key in keys)]), "|")
    return judge(results[True])


def judge(results: dict[str, list[dict[str, float]]]) -> int:
    """Hold the medians to the claims."""

    def median(name: str, key: str) -> float:
        return statistics.median(run[key] for run in results[name])

    claims = {
        "mean <= 3 us": median("sightline", "mean_us") <= 3,
        "99% <= 10 us": median("sightline", "p99_us") <= 10,
        "CPU <= 0.5 us a metric": median("sightline", "cpu_us_a_metric") <= 0.5,
        "<= 22 bytes a metric": median("sightline", "bytes_a_metric") <= 22,
    }
    print()
    for peer, limit in PEERS.items():
        if peer not in results:
            print(f"{peer} is not installed, and was not measured")
            continue
        ratio = median(peer, "mean_us") / median("sightline", "mean_us")
        claims[f"{limit:.0f} times faster than {peer}: {ratio:.0f} times"] = ratio >= limit
    for claim, holds in claims.items():
        print(f"{'holds' if holds else 'DOES NOT HOLD'}: {claim}")
    return int(not all(claims.values()))


if __name__ == "__main__":
    sys.exit(main())
