"""The same judgement of a run, live and from its files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sightline.health.finding import Finding, Level
from sightline.health.rule import Rule


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all rules together say about a run.

    Attributes:
        findings: the worst first, then by the step at which they began.
        unmeasured: tags that a rule waits for and of which no value came. No value is not a pass.
    """

    findings: tuple[Finding, ...]
    unmeasured: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing worse than an INFO was found."""
        return all(finding.level < Level.WARN for finding in self.findings)


class Judge:
    """Hands values to the rules that follow them; live, call `update` with what was logged.

    Values are rounded to float32 first, which is what an event file keeps, so that a live verdict
    and one from the files of the same run are equal.

    Args:
        rules: fresh rules; they remember what they see.

    Example:
        >>> from sightline.health.presets import hjepa
        >>> rules = hjepa(num_samples=256, width=64, warmup_steps=100, settle_steps=1000)
        >>> judge = Judge(rules)
        >>> [finding.rule for finding in judge.update(5, {"train/loss": float("nan")})]
        ['non_finite']
        >>> judge.update(6, {"train/loss": float("nan")})     # known already
        ()
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(rules)
        self._measured: set[str] = set()

    def update(self, step: int, values: Mapping[str, float]) -> tuple[Finding, ...]:
        """Take the values of one step.

        Args:
            step: global optimizer step.
            values: scalars by tag; tags that no rule follows are passed over.

        Returns:
            The findings that are new with these values.
        """
        self._measured.update(values)
        new = []
        for rule in self._rules:
            if rule.tag in values:
                known = rule.verdict() is not None
                rule.update(step, _as_stored(values[rule.tag]))
                finding = rule.verdict()
                if finding is not None and not known:
                    new.append(finding)
        return tuple(new)

    def verdict(self) -> Verdict:
        """Say what was found so far.

        Returns:
            The verdict over all rules.
        """
        findings = [finding for rule in self._rules if (finding := rule.verdict()) is not None]
        tags = dict.fromkeys(rule.tag for rule in self._rules)  # each once, in the rules' order
        return Verdict(
            findings=tuple(sorted(findings, key=lambda f: (-f.level, f.first_step, f.tag))),
            unmeasured=tuple(tag for tag in tags if tag not in self._measured),
        )


def judge(
    rules: Iterable[Rule], series: Mapping[str, tuple[Sequence[int], Sequence[float]]]
) -> Verdict:
    """Judge recorded series with the rules that also run live.

    Args:
        rules: fresh rules.
        series: steps and values by tag, in the order in which they were written.

    Returns:
        The verdict over all rules.

    Raises:
        ValueError: if a series has not as many steps as values.

    Example:
        >>> from sightline.health.presets import hjepa
        >>> rules = hjepa(num_samples=256, width=64, warmup_steps=100, settle_steps=1000)
        >>> verdict = judge(rules, {"masking/context_target_overlap": ([50, 100], [0.0, 0.02])})
        >>> verdict.passed, verdict.findings[0].first_step
        (False, 100)
    """
    judging = Judge(rules)
    for tag, (steps, values) in series.items():
        if len(steps) != len(values):
            raise ValueError(
                f"expected as many steps as values for {tag}, got {len(steps)} and {len(values)}; "
                "pass one step for each value"
            )
        for step, value in zip(steps, values, strict=True):
            judging.update(int(step), {tag: float(value)})
    return judging.verdict()


def _as_stored(value: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.float32(value))
