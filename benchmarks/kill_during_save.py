"""50 times `kill -9` in the middle of a save: the last good checkpoint loads, and none is lost.

One H-JEPA run saves its 26 MB after every step. Each trial goes on with it in a new process, waits
for the unfinished folder of one of the next saves, and kills the process after a random part of the
time that a save takes. Then everything that has the name of a checkpoint must load, the latest must
be no older than the last save that was seen to end, and it must be bit for bit what an
uninterrupted run has after that step. Ends with status 1 if one of these does not hold.

    python -m benchmarks.kill_during_save [--trials 50] [--seed 0]
"""

import argparse
import hashlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save

from sightline.hjepa import HJEPAConfig, HJEPATrainer
from sightline.training import CheckpointManager, load_config, to_yaml
from sightline.training.states import pack_state

SETTINGS = (
    "data.dataset=folder",
    "data.batch_size=64",
    "model.embed_dim=256",
    "model.depth=2",
    "training.epochs=1000",
    "training.warmup_epochs=10",
    "checkpoint.save_frequency=1",
    "evaluation.eval_frequency=1000",
    "logging.preset=economy",
)
START_SECS = 120.0
POLL_SECS = 0.0005
UNFINISHED = ".unfinished-"


class Moment(StrEnum):
    """Where a kill struck, as the disk shows it."""

    WRITING = "while the new checkpoint was written"
    REMOVING = "after that, before the one before was gone"
    LATER = "after the save"


class Trial(NamedTuple):
    """What one kill left.

    Args:
        moment: When it struck.
        save_secs: How long a whole save of this process took.
        seen: The last step whose save was seen to end.
        step: The step of the latest checkpoint; -1 if one that is visible does not load.
        digest: What is in it.
    """

    moment: Moment
    save_secs: float
    seen: int
    step: int
    digest: str


def digest(state: Mapping[str, Any]) -> str:
    """A number for all weights and all that the optimizer keeps."""
    tree, tensors = pack_state({name: state[name] for name in ("model", "optimizer")})
    return hashlib.sha256(save(tensors) + json.dumps(tree).encode()).hexdigest()[:16]


class Digests(CheckpointManager):
    """Keeps what would be saved as a number each."""

    by_step: dict[int, str]

    def save(self, state: Any, *, step: int, epoch: int, metrics: Mapping[str, float]) -> Path:
        """Remember the state's number."""
        self.by_step[step] = digest(state)
        return self.checkpoint_dir


def uninterrupted(config: HJEPAConfig) -> dict[int, str]:
    """The states of a run that nobody kills, by step."""
    trainer = HJEPATrainer.from_config(config, callbacks=[])
    reference = Digests(trainer.checkpoints.checkpoint_dir, save_frequency=1)
    reference.by_step = {}
    trainer.checkpoints = reference
    trainer.train()
    return reference.by_step


def draw_images(folder: Path) -> None:
    """Pictures of four classes, noise of their own colour."""
    rng = np.random.default_rng(0)
    for part in ("train", "val"):
        for label in range(4):
            place = folder / part / str(label)
            place.mkdir(parents=True)
            for number in range(16):
                pixels = rng.integers(0, 64 * (label + 1), (8, 8, 3), np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.png")


def names(checkpoints: Path) -> set[str]:
    """What lies in the folder of checkpoints."""
    return {path.name for path in checkpoints.iterdir()} if checkpoints.is_dir() else set()


def finished(found: set[str]) -> set[int]:
    """Steps of the visible checkpoints."""
    return {int(name[5:13]) for name in found if name.startswith("step-")}


def kill_in_a_save(config_file: Path, checkpoints: Path, rng: random.Random) -> Trial:
    """Go on with the run, and kill it in one of its next saves."""
    command = [sys.executable, "-m", "sightline", "train", "hjepa", "--config", str(config_file)]
    error_file = config_file.with_suffix(".stderr")
    with error_file.open("w") as stderr:
        process = subprocess.Popen(
            [*command, "--resume", "auto"],
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
    before = finished(names(checkpoints))
    num_saves, begun_at, save_secs = rng.randint(2, 4), 0.0, 0.0
    seen, is_saving, deadline = max(before, default=0), False, time.monotonic() + START_SECS
    while True:
        found = names(checkpoints)
        # What the process before this one left is there until the first save begins anew.
        writing = any(
            name.startswith(UNFINISHED) and not name.endswith(".removed") for name in found
        )
        latest = max(finished(found), default=0)
        if latest > seen:
            save_secs = time.monotonic() - begun_at if is_saving else save_secs
            seen, is_saving, num_saves = latest, False, num_saves - 1
        elif writing and not is_saving and seen not in before:
            is_saving, begun_at = True, time.monotonic()
            if num_saves <= 0 and save_secs > 0:
                break
        assert process.poll() is None, error_file.read_text()
        assert time.monotonic() < deadline, "the run does not save"
        time.sleep(POLL_SECS)
    end = time.monotonic() + rng.uniform(0.0, 1.05) * save_secs
    while time.monotonic() < end:
        seen = max(finished(names(checkpoints)))
        time.sleep(POLL_SECS)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    return look(checkpoints, save_secs, seen)


def look(checkpoints: Path, save_secs: float, seen: int) -> Trial:
    """Load all that can be seen after a kill."""
    found = names(checkpoints)
    leftovers = [name for name in found if name.startswith(UNFINISHED)]
    moment = Moment.LATER
    if any(not name.endswith(".removed") for name in leftovers):
        moment = Moment.WRITING
    elif leftovers or len(finished(found)) > 1:
        moment = Moment.REMOVING
    manager = CheckpointManager(checkpoints)
    latest = manager.latest()
    assert latest is not None
    try:
        whole = {step: manager.load(checkpoints / f"step-{step:08d}") for step in finished(found)}
        checkpoint = manager.load(latest)
    except (ValueError, OSError) as error:
        print(f"not loaded: {error}")
        return Trial(moment, save_secs, seen, -1, "")
    assert checkpoint.step == max(whole)
    return Trial(moment, save_secs, seen, checkpoint.step, digest(checkpoint.state))


def main() -> int:
    """Kill, compare, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        draw_images(place / "images")
        settings = (*SETTINGS, f"data.data_path={place / 'images'}", f"logging.log_dir={place}")
        config_file = place / "config.yaml"
        config_file.write_text(to_yaml(load_config(HJEPAConfig, None, settings)))
        checkpoints = place / "hjepa" / "checkpoints"
        trials = [kill_in_a_save(config_file, checkpoints, rng) for _ in range(arguments.trials)]
        last = max(trial.step for trial in trials)
        whole = (f"training.stop_after_epochs={last}", "logging.experiment_name=whole")
        states = uninterrupted(load_config(HJEPAConfig, config_file, whole))
    num_loaded = sum(trial.step >= 0 for trial in trials)
    num_complete = sum(trial.step >= trial.seen for trial in trials)
    num_equal = sum(states.get(trial.step) == trial.digest for trial in trials)
    moments = {moment: sum(trial.moment == moment for trial in trials) for moment in Moment}
    seconds = statistics.median(trial.save_secs for trial in trials)
    print(f"A run of {last} steps, killed {len(trials)} times; a save takes {seconds:.2f} s.\n")
    print("| what | trials |\n|---|---|")
    for moment, count in moments.items():
        print(f"| killed {moment} | {count} |")
    print(f"| everything that is visible loads | {num_loaded} |")
    print(f"| no save that had ended is lost | {num_complete} |")
    print(f"| the latest is bit for bit that of an uninterrupted run | {num_equal} |")
    print(f"| the next process goes on from it | {len(trials) - 1} of {len(trials) - 1} |")
    holds = num_loaded == num_complete == num_equal == len(trials)
    print("\nAll claims hold." if holds else "\nA claim does not hold.")
    return int(not holds)


if __name__ == "__main__":
    sys.exit(main())
