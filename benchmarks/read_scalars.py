"""Scalars are read many times as fast as TensorBoard's own loaders read them.

Claims, each on one core, with all points of all tags as arrays at the end:
- a log of one value an event, as `SummaryWriter` writes it: at least 1.5 M points a second, at
  least 1.5 times the data server and 15 times the EventAccumulator;
- a log of many values an event, as Sightline writes it: at least 15 M points a second;
- a log of 2 GB that is mostly pictures: within 300 MB of memory;
- 100,000 tags: five times the points take less than eight times as long.

Peers are compared by the clock. The other claims are of CPU time, which is what one core takes
where nothing else runs on it.

Each reading runs in a process of its own, the peers in turn with ours; files are in the cache. The
EventAccumulator reads a tenth of the points. The data server is asked to keep all points, and timed
to the end of its first load cycle. Prints medians and spreads; ends with status 1 where a claim
does not hold.

    python benchmarks/read_scalars.py [--runs 5] [--folder DIR]
"""

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import event_logs

TAGS = [f"train/metric_{number}" for number in range(10)]
OURS = """
import json, re, sys, time
import sightline.reading
start, cpu_start = time.perf_counter(), time.process_time()
log = sightline.reading.read(sys.argv[1])
num_points = sum(len(series) for series in log.run.scalars.values())
secs, cpu_secs = time.perf_counter() - start, time.process_time() - cpu_start
assert not log.damage
# Not ru_maxrss, which begins with the memory of the process that started this one.
peak_mb = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1e3
print(json.dumps([num_points, secs, peak_mb, cpu_secs]))
"""
ACCUMULATOR = """
import json, sys, time
from tensorboard.backend.event_processing import event_accumulator
start = time.perf_counter()
sizes = {"scalars": 0, "tensors": 0}
accumulator = event_accumulator.EventAccumulator(sys.argv[1], size_guidance=sizes)
accumulator.Reload()
num_points = sum(len(accumulator.Scalars(tag)) for tag in accumulator.Tags()["scalars"])
print(json.dumps([num_points, time.perf_counter() - start, 0]))
"""
TBPARSE = """
import json, sys, time
from tbparse import SummaryReader
start = time.perf_counter()
num_points = len(SummaryReader(sys.argv[1]).scalars)
print(json.dumps([num_points, time.perf_counter() - start, 0]))
"""


def in_python(code: str, folder: Path) -> list[float]:
    """Points, seconds, peak memory in MB and seconds of CPU of a reading by a new interpreter."""
    command = [sys.executable, "-W", "ignore", "-c", code, str(folder)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return list(json.loads(answer.stdout.splitlines()[-1]))


def in_data_server(folder: Path) -> float:
    """Seconds until TensorBoard's data server has loaded a log directory."""
    import tensorboard_data_server

    command = [
        tensorboard_data_server.server_binary(),
        f"--logdir={folder}",
        "--reload=once",
        "--port=0",
        "--samples-per-plugin=scalars=all",
        "--die-after-stdin",
        "--verbose",
    ]
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stderr is not None
        for line in server.stderr:
            if "Finished load cycle" in line:
                secs = time.perf_counter() - start
                break
        else:
            raise RuntimeError("expected the data server to load, got the end of its output")
        server.communicate()
    return secs


def report(name: str, rates: list[float], claim: str = "") -> float:
    """Print a median and the extremes, in points a second."""
    median = statistics.median(rates)
    low, high = min(rates) / 1e6, max(rates) / 1e6
    print(f"{name:<44} {median / 1e6:8.3f} M points/s   {low:.3f} to {high:.3f}   {claim}")
    return median


def write_logs(root: Path) -> None:
    """Write the logs, where they are not there yet."""
    for name, write, size in (
        ("others", event_logs.one_value_an_event, {"num_steps": 100_000, "tags": TAGS}),
        ("others_tenth", event_logs.one_value_an_event, {"num_steps": 10_000, "tags": TAGS}),
        ("ours", event_logs.many_values_an_event, {"num_steps": 1_000_000, "tags": TAGS}),
        ("tags", event_logs.many_tags, {"num_tags": 100_000, "num_steps": 100}),
        ("tags_fifth", event_logs.many_tags, {"num_tags": 100_000, "num_steps": 20}),
        (
            "images",
            event_logs.mostly_images,
            {"num_bytes": 2 << 30, "image_bytes": 100_000, "tags": TAGS},
        ),
    ):
        if not (root / name).exists():
            write(root / name, **size)


def compare(root: Path, num_runs: int) -> list[str]:
    """Measure and print everything; returns the claims that do not hold."""
    rates: dict[str, list[float]] = {}
    peaks: dict[str, list[float]] = {}

    def ours(name: str) -> None:
        num_points, secs, peak_mb, cpu_secs = in_python(OURS, root / name)
        rates.setdefault(name, []).append(num_points / secs)
        rates.setdefault(f"{name} cpu", []).append(num_points / cpu_secs)
        peaks.setdefault(name, []).append(peak_mb)

    for run in range(num_runs):
        steps = [
            lambda: ours("others"),
            lambda: rates.setdefault("server", []).append(1e6 / in_data_server(root / "others")),
        ]
        for step in steps if run % 2 == 0 else reversed(steps):
            step()
        for name in ("ours", "images", "tags_fifth", "tags"):
            ours(name)
        if run < 3:
            for peer, code in (("accumulator", ACCUMULATOR), ("tbparse", TBPARSE)):
                if peer == "accumulator" or importlib.util.find_spec(peer):
                    num_points, secs, _ = in_python(code, root / "others_tenth")
                    rates.setdefault(peer, []).append(num_points / secs)

    others = report("one value an event: sightline", rates["others"])
    others_cpu = report("  in time of CPU", rates["others cpu"], "claim: 1.5")
    server = report("one value an event: data server", rates["server"])
    accumulator = report("one value an event: EventAccumulator", rates["accumulator"])
    if "tbparse" in rates:
        report("one value an event: tbparse", rates["tbparse"])
    print(f"  {others / server:.1f} x the data server (claim 1.5), ", end="")
    print(f"{others / accumulator:.0f} x the EventAccumulator (claim 15)")
    report("many values an event: sightline", rates["ours"])
    mine_cpu = report("  in time of CPU", rates["ours cpu"], "claim: 15")
    secs = 214_740 / statistics.median(rates["images"])
    peak_mb = max(peaks["images"])
    print(f"2 GB mostly pictures: {secs:.2f} s, peak memory {peak_mb:.0f} MB (claim 300)")
    few, many = (
        2e6 / statistics.median(rates["tags_fifth cpu"]),
        1e7 / statistics.median(rates["tags cpu"]),
    )
    print(
        f"100,000 tags: 2 M points in {few:.2f} s, 10 M in {many:.2f} s (claim: below 8 x)", end=""
    )
    print(f", peak memory {max(peaks['tags_fifth']):.0f} and {max(peaks['tags']):.0f} MB")
    claims = {
        "1.5 M points/s": others_cpu >= 1.5e6,
        "1.5 x the data server": others >= 1.5 * server,
        "15 x the EventAccumulator": others >= 15 * accumulator,
        "15 M points/s of our own": mine_cpu >= 15e6,
        "300 MB": peak_mb < 300,
        "linear in points": many < 8 * few,
    }
    return [claim for claim, holds in claims.items() if not holds]


def main() -> int:
    """Write logs, measure, judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5, help="readings of each log")
    parser.add_argument("--folder", type=Path, help="where logs are kept for the next time")
    arguments = parser.parse_args()
    print(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as scratch:
        root = arguments.folder or Path(scratch)
        root.mkdir(exist_ok=True)
        write_logs(root)
        failures = compare(root, arguments.runs)
    for failure in failures:
        print(f"does not hold: {failure}")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
