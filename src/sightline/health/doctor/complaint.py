"""What an examination says: complaints with evidence and remedy, a line for each subject."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sightline.health.finding import Level


@dataclass(frozen=True, slots=True)
class Complaint:
    """One problem, and what to do about it.

    Attributes:
        level: ERROR costs data or blocks viewing, WARN may, INFO is good to know.
        subject: what was examined: `disk`, `steps`, ...
        what: the problem with its evidence, in a sentence or two.
        remedy: what to do, in a sentence or two.
        run: the run that it is about; None where it is about none.
        path: the file that it is about; None where it is about none.

    Example:
        >>> print(Complaint(Level.WARN, "port", "Port 6006 is in use.", "Take another: --port 0."))
        WARN port: Port 6006 is in use. Take another: --port 0.
    """

    level: Level
    subject: str
    what: str
    remedy: str
    run: str | None = None
    path: str | None = None

    def __str__(self) -> str:
        return f"{self.level.name} {self.subject}: {self.what} {self.remedy}"

    def as_json(self) -> dict[str, str | None]:
        """The complaint as JSON takes it."""
        return {
            "level": self.level.name.lower(),
            "what": self.what,
            "remedy": self.remedy,
            "run": self.run,
            "path": self.path,
        }


@dataclass(frozen=True, slots=True)
class Checkup:
    """What the examination of one subject gave.

    Attributes:
        subject: what was examined.
        found: what is there, in a few words.
        complaints: what is wrong with it; empty where all is well.
    """

    subject: str
    found: str
    complaints: tuple[Complaint, ...] = ()

    @property
    def level(self) -> Level | None:
        """The worst level of the complaints; None without any."""
        return worst(self.complaints)

    def as_json(self) -> dict[str, object]:
        """The check-up as JSON takes it."""
        return {
            "subject": self.subject,
            "level": self.level.name.lower() if self.level else "fine",
            "found": self.found,
            "complaints": [one.as_json() for one in self.complaints],
        }


def worst(complaints: Iterable[Complaint]) -> Level | None:
    """The worst level among complaints; None without any."""
    return max((one.level for one in complaints), default=None)
