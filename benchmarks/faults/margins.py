"""The measurement behind a limit: what the rule that named a fault sees in runs that are well."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from benchmarks.faults.verdicts import rules_of
from numpy.typing import NDArray

import sightline
from sightline.health import Finding, Related, Watch
from sightline.reading import Run

Judged = tuple[NDArray[np.int64], NDArray[np.float64]]


def judged(run_dir: Path, finding: Finding) -> Judged:
    """What the rule that made a finding judges in a run: steps and values in the finding's unit.

    Args:
        run_dir: The folder of that run, or of another one.
        finding: What was found; the rule is known by its tag, its name and its unit.
    """
    (run,) = sightline.read(run_dir).runs.values()
    book = rules_of(run)
    for rule in book.rules_for(finding.tag):
        watch = rule.watch if isinstance(rule, Related) else rule
        if (watch.criterion.name, watch.about.unit) == (finding.rule, finding.unit):
            return _turned(run, finding.tag, rule, watch)
    return np.empty(0, np.int64), np.empty(0)


def _turned(run: Run, tag: str, rule: Watch | Related, watch: Watch) -> Judged:
    if tag not in run.scalars:
        return np.empty(0, np.int64), np.empty(0)
    series = run.scalars[tag]
    steps, values = series.steps, series.values * watch.scale
    if isinstance(rule, Related) and rule.relation is not None and rule.reference in run.scalars:
        other = run.scalars[rule.reference]
        shared, mine, theirs = np.intersect1d(steps, other.steps, return_indices=True)
        pairs = zip(values[mine], other.values[theirs], strict=True)
        steps, values = shared, np.array([rule.relation(*pair) for pair in pairs])
    if watch.transform is not None:
        steps, values = watch.transform.apply_many(steps, values)
    is_judged = (steps > watch.warmup_steps) & (steps <= watch.until_step)
    return steps[is_judged], values[is_judged]


def extremes(run_dirs: list[Path], finding: Finding) -> str:
    """Smallest and largest value that the rule of a finding judges in other runs.

    Args:
        run_dirs: Folders of those runs.
        finding: What was found.
    """
    values = np.concatenate([np.empty(0), *(judged(one, finding)[1] for one in run_dirs)])
    if not len(values):
        return "-"
    low, high = np.nanmin(values), np.nanmax(values)
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
