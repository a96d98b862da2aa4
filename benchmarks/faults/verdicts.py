"""Judges the files of a run as its health monitor did, and says when each finding was made."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.cases import WITHIN, Fault

import sightline
from sightline.health import Finding, Judge, Level, RuleBook
from sightline.reading import Run


@dataclass(frozen=True, slots=True)
class Made:
    """A finding, and when it was made.

    Args:
        step: Step of the reading that made it one: its first step, and patience, later.
        finding: What was found.
    """

    step: int
    finding: Finding

    def __str__(self) -> str:
        """Level, tag and rule."""
        return f"{self.finding.level.name} `{self.finding.tag}` ({self.finding.rule})"


def rules_of(run: Run) -> RuleBook:
    """The rules that judge a run, by the facts that its log holds.

    Args:
        run: The run.
    """
    return RuleBook.from_note(str(run.texts[RuleBook.NOTED_AS][0].text))


def findings(run_dir: Path) -> list[Made]:
    """All findings of a run, in the order in which they were made.

    Args:
        run_dir: The run's folder, whose log holds the facts that the rules refer to.
    """
    (run,) = sightline.read(run_dir).runs.values()
    judging = Judge(rules_of(run))
    by_step: dict[int, dict[str, float]] = defaultdict(dict)
    for tag, series in run.scalars.items():
        for step, value in zip(series.steps.tolist(), series.values.tolist(), strict=True):
            by_step[step][tag] = value
    made = {}
    for step in sorted(by_step):
        judging.update(step, by_step[step])
        # A value that is set against another of its step is judged with the next step, or here.
        for one in judging.verdict().findings:
            made.setdefault((one.tag, one.rule, one.unit, one.level), Made(step, one))
    return list(made.values())


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a planted fault.

    Args:
        name: The fault, or the healthy run.
        named: The first finding that names the fault, made after it; None for a healthy run.
        steps: Steps from the fault to that finding.
        consequences: True errors that came of the fault, after it was named.
        errors: Other findings of level ERROR.
        warnings: Other findings of level WARN.
        failures: Claims that do not hold.
    """

    name: str
    named: Made | None
    steps: int | None
    consequences: list[Made]
    errors: list[Made]
    warnings: list[Made]
    failures: list[str]


def outcome_of_fault(name: str, fault: Fault, made: list[Made]) -> Outcome:
    """Hold the findings of a run with a fault against the claims.

    Args:
        name: What the fault is called.
        fault: The fault.
        made: The findings.
    """
    naming = [one for one in made if fault.is_named_by(one.finding)]
    after = [one for one in naming if one.step > fault.at and one.finding.first_step > fault.at]
    named = min(after, key=lambda one: (one.step, -one.finding.level), default=None)
    steps = None if named is None else named.step - fault.at
    errors, warnings = _others([one for one in made if one not in naming])
    consequences = [
        one
        for one in errors
        if named is not None and one.step > named.step and fault.may_lead_to(one.finding)
    ]
    errors = [one for one in errors if one not in consequences]
    failures = []
    if steps is None or steps > WITHIN:
        failures.append(f"it is not named within {WITHIN} steps")
    failures += [f"false alarm before the fault: {one}" for one in naming if one not in after]
    failures += [f"another error: {one} at step {one.step}" for one in errors]
    return Outcome(name, named, steps, consequences, errors, warnings, failures)


def outcome_of_health(name: str, made: list[Made]) -> Outcome:
    """Hold the findings of a healthy run against the claims.

    Args:
        name: What the run is called.
        made: The findings.
    """
    errors, warnings = _others(made)
    failures = [f"an error: {one} at step {one.step}" for one in errors]
    if len(warnings) > 1:
        failures.append(f"{len(warnings)} warnings, {', '.join(map(str, warnings))}")
    return Outcome(name, None, None, [], errors, warnings, failures)


def _others(made: list[Made]) -> tuple[list[Made], list[Made]]:
    levels = {level: [one for one in made if one.finding.level == level] for level in Level}
    return levels[Level.ERROR], levels[Level.WARN]
