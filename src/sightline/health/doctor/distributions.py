"""What is installed, and what each installed package asks of others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import distributions

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version


@dataclass(frozen=True, slots=True)
class Installed:
    """An installed package.

    Attributes:
        name: its name, in lower case with dashes.
        version: its version.
        requires: what it asks for, extras included.
        extras: names of its extras.
    """

    name: str
    version: str
    requires: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()

    def needs(self, extra: str = "") -> list[Requirement]:
        """What it asks for on this machine.

        Args:
            extra: One of its extras; empty for what it always asks for.

        Returns:
            Requirements whose markers hold; with an extra, only those that the extra adds.
        """
        found = []
        for line in self.requires:
            try:
                requirement = Requirement(line)
            except InvalidRequirement:  # of old packages; pip passes over them too
                continue
            if _holds(requirement, extra) and not (extra and _holds(requirement, "")):
                found.append(requirement)
        return found


Environment = Mapping[str, Installed]


def installed(path: Iterable[str] | None = None) -> Environment:
    """The packages that Python finds.

    Args:
        path: Folders to look in; None for those that this Python imports from.

    Returns:
        Packages by name; of several of one name the first, as an import takes it.
    """
    found: dict[str, Installed] = {}
    for one in distributions() if path is None else distributions(path=list(path)):
        metadata = one.metadata
        if "Name" not in metadata or "Version" not in metadata:  # a torn installation
            continue
        name = canonicalize_name(metadata["Name"])
        if name not in found:
            extras = tuple(metadata.get_all("Provides-Extra") or ())
            found[name] = Installed(name, metadata["Version"], tuple(one.requires or ()), extras)
    return found


def _holds(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def fits(requirement: Requirement, version: str) -> bool:
    """Whether a version is one that a requirement takes; pre-releases count."""
    try:
        return requirement.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return True
