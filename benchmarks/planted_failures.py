"""Claim: the health rules name what is wrong with a run, soon, and call no healthy run sick.

Sixteen real trainings of H-JEPA, of 400 steps each, get one fault each (`benchmarks/faults`): a
bug in the data, the masks, the moving average, the loss or the step, planted from the outside at a
known step. Five others of other sizes, widths and seeds get none. The rules of
`sightline.health.hjepa` judge the event files of each run, as they do while it trains. It is held
that

- a rule that names the fault fires within 200 steps of it, and had not fired before;
- no other finding of level ERROR is made, before the fault or after it, but for a collapse of the
  features that two of the faults do bring about, and that is found after their name;
- a healthy run has no ERROR and at most one WARN.

Ends with status 1 if one of these fails. `--reuse` judges the runs of the last time again, without
training: for a look at what other limits would do. `--base` plants all faults into one run.

    python -m benchmarks.planted_failures [--logs DIR] [--photos DIR] [--jobs 2] [--reuse]
        [--only NAME] [--base digits|photos]

The photographs are folders train/ and validation/ of class folders.
"""

import argparse
import dataclasses
import logging
import multiprocessing
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
from benchmarks.faults.cases import FAULTS, HEALTHY, WITHIN, Fault
from benchmarks.faults.margins import extremes, judged
from benchmarks.faults.runs import BASES, PHOTOS, Base, build, train
from benchmarks.faults.verdicts import Outcome, findings, outcome_of_fault, outcome_of_health

ENDED = "ended"  # a file in the folder of each run that came to its end
LOGS = Path(tempfile.gettempdir()) / "faults"


def run(name: str, base: Base, fault: str | None, logs: Path, photos: Path) -> float:
    """Train once, in a process of its own; the seconds that it took.

    Args:
        name: Name of the run's folder.
        base: What is trained.
        fault: The fault to plant, if any.
        logs: Folder of the runs.
        photos: Folder of the photographs.
    """
    torch.set_num_threads(1)
    logging.getLogger("sightline.callbacks.health").setLevel(logging.CRITICAL)
    shutil.rmtree(logs / name, ignore_errors=True)
    began = time.perf_counter()
    trainer = build(base, logs, name, photos=photos)
    if fault is None:
        train(trainer, until=base.steps)
    else:
        planted = FAULTS[fault]
        train(trainer, until=planted.at + WITHIN, plant=planted.plant, at=planted.at)
    (logs / name / ENDED).touch()
    return time.perf_counter() - began


def table(outcomes: list[Outcome]) -> list[str]:
    """One line a run: what named the fault, how soon, and what else was found."""
    heads = "run", "named by", "after steps", "what came of it", "other errors", "other warnings"
    lines = [f"| {' | '.join(heads)} |", "|---|---|---|---|---|---|"]
    for one in outcomes:
        found = "-" if one.named is None else str(one.named)
        steps = "-" if one.steps is None else str(one.steps)
        columns = one.consequences, one.errors, one.warnings
        others = [", ".join(dict.fromkeys(f"`{x.finding.tag}`" for x in xs)) for xs in columns]
        lines.append(f"| {one.name} | {found} | {steps} | {' | '.join(x or '0' for x in others)} |")
    return lines


def margins(outcomes: list[Outcome], place: dict[str, Path], healthy: list[str]) -> list[str]:
    """One line a fault: what the rule that named it saw there, and what it sees in healthy runs."""
    lines = [
        "| fault | judged | limit | at the finding | in healthy runs |",
        "|---|---|---|---|---|",
    ]
    for one in outcomes:
        if one.named is None:
            continue
        finding = one.named.finding
        unit = f", {finding.unit}" if finding.unit else ""
        steps, values = judged(place[one.name], finding)
        found = values[steps <= one.named.step][-1]
        limit = "-" if finding.limit is None else f"{finding.limit:g}"
        well = extremes([place[name] for name in healthy], finding)
        lines.append(f"| {one.name} | `{finding.tag}`{unit} | {limit} | {found:.3g} | {well} |")
    return lines


def slug(name: str, base: str | None) -> str:
    """The name of a run's folder."""
    words = name.replace(",", "").replace(" ", "-").lower()
    return words if base is None else f"{words}-on-{base}"


def main() -> int:
    """Train, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--logs", type=Path, default=LOGS, help="folder of the runs")
    parser.add_argument("--photos", type=Path, default=PHOTOS, help="train/ and validation/")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time, a core each")
    parser.add_argument("--reuse", action="store_true", help="train only what is not there")
    parser.add_argument("--only", action="append", metavar="NAME", help="start of a run's name")
    parser.add_argument("--base", choices=list(BASES), help="plant all faults into this run")
    arguments = parser.parse_args()

    def wanted(name: str) -> bool:
        return not arguments.only or any(name.startswith(start) for start in arguments.only)

    faults: dict[str, Fault] = {name: fault for name, fault in FAULTS.items() if wanted(name)}
    if arguments.base is not None:
        base = BASES[arguments.base]
        faults = {name: dataclasses.replace(one, base=base) for name, one in faults.items()}
    healthy = {} if arguments.base else {n: base for n, base in HEALTHY.items() if wanted(n)}
    jobs = [(name, fault.base, name) for name, fault in faults.items()]
    jobs += [(name, base, None) for name, base in healthy.items()]
    place = {name: arguments.logs / slug(name, arguments.base) for name, _, _ in jobs}
    if not jobs:
        parser.error(f"expected the start of one of: {', '.join([*FAULTS, *HEALTHY])}")

    waiting = [job for job in jobs if not (arguments.reuse and (place[job[0]] / ENDED).exists())]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.jobs, spawn, max_tasks_per_child=1) as pool:
        futures = {
            name: pool.submit(run, place[name].name, base, fault, arguments.logs, arguments.photos)
            for name, base, fault in waiting
        }
        for name, future in futures.items():
            print(f"{name}: {future.result():.0f} s", file=sys.stderr, flush=True)

    outcomes = [outcome_of_fault(name, one, findings(place[name])) for name, one in faults.items()]
    sound = [outcome_of_health(name, findings(place[name])) for name in healthy]
    print("\n".join(table(outcomes + sound)))
    print("\n" + "\n".join(margins(outcomes, place, list(healthy))))
    failures = [f"{one.name}: {why}" for one in outcomes + sound for why in one.failures]
    print("\n" + ("\n".join(f"FAILED: {one}" for one in failures) or "All claims hold."))
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
