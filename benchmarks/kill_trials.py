"""200 times `kill -9` at a random moment: at most one second is lost, and no file is unreadable.

Each trial starts a process that logs numbers and pictures, at a random pace, kills it after up to
1.5 s, and looks at its files; every second trial resumes the run that the one before left, from a
random step. After each pair both of TensorBoard's loaders must show the same. Ends with status 1
if a second is exceeded, a file is damaged or the loaders differ.

    python -m benchmarks.kill_trials [--trials 200] [--seed 0]
"""

import argparse
import random
import statistics
import sys
import tempfile
from pathlib import Path

from tests.loaders import read_python, read_rust
from tests.writers.kill_trial import Trial, log_until_killed, steps

LIMIT_SECS = 1.0
TAGS = ("loss", "lr", "image")


def pair(rng: random.Random) -> tuple[list[Trial], bool]:
    """Kill a run twice; whether the loaders agree on what is left."""
    with tempfile.TemporaryDirectory() as folder:
        log_dir = Path(folder)
        first = log_until_killed(log_dir, None, rng)
        last = steps(log_dir / "run")[-1] if first.num_on_disk else -1
        second = log_until_killed(log_dir, max(-1, last - rng.choice([0, 1, 300])), rng)
        shown = [load(log_dir) for load in (read_python, read_rust)]
        python, rust = ([one.series.get("run", {}).get(tag) for tag in TAGS] for one in shown)
        return [first, second], python == rust


def main() -> int:
    """Kill, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    trials: list[Trial] = []
    num_different = 0
    for _ in range(arguments.trials // 2):
        both, is_same = pair(rng)
        trials += both
        num_different += not is_same
    lost = sorted(trial.lost_secs for trial in trials)
    num_damaged = sum(trial.num_damaged > 0 for trial in trials)
    logged = sum(trial.num_logged for trial in trials)
    print(f"{len(trials)} kills, {logged} steps logged")
    print(
        f"age of the oldest step lost: median {statistics.median(lost):.2f} s, "
        f"90% {lost[int(0.9 * len(lost))]:.2f} s, most {lost[-1]:.2f} s, limit {LIMIT_SECS} s"
    )
    print(f"damaged files: {num_damaged}; runs on which the loaders differ: {num_different}")
    return int(lost[-1] > LIMIT_SECS or num_damaged > 0 or num_different > 0)


if __name__ == "__main__":
    sys.exit(main())
