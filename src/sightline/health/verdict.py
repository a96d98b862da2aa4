"""What all rules together say about a run."""

from __future__ import annotations

from dataclasses import dataclass

from sightline.health.finding import Finding, Level


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all rules together say about a run.

    Attributes:
        findings: the worst first, then by the step at which they began.
        unmeasured: tags that a rule waits for and of which no value came. No value is not a pass.
        unjudged: why a limit of a tag that was measured could not be judged, by tag.
    """

    findings: tuple[Finding, ...]
    unmeasured: tuple[str, ...] = ()
    unjudged: tuple[tuple[str, str], ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing worse than an INFO was found."""
        return all(finding.level < Level.WARN for finding in self.findings)

    @property
    def worst(self) -> Level | None:
        """Level of the worst finding; None where there is none."""
        return max((finding.level for finding in self.findings), default=None)
