"""Installed versions that do not fit together."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sightline._amounts import counted
from sightline.health.doctor.complaint import Checkup, Complaint
from sightline.health.doctor.distributions import Environment, Installed, fits
from sightline.health.finding import Level

SUBJECT = "versions"
VIEWER = "tensorboard"


@dataclass(frozen=True, slots=True)
class Clash:
    """Two packages that do not work together although their metadata allow it.

    Attributes:
        one: which versions of a package.
        other: which versions of another.
        why: what happens.
        remedy: what to do.
    """

    one: Requirement
    other: Requirement
    why: str
    remedy: str


CLASHES = (
    # https://github.com/tensorflow/tensorboard/issues/7107
    Clash(
        Requirement("tensorboard<2.21"),
        Requirement("setuptools>=82"),
        "TensorBoard before 2.21 imports `pkg_resources`, which setuptools 82 removed, and does "
        "not start",
        'Run `pip install "tensorboard>=2.21"`, or `pip install "setuptools<82"`.',
    ),
)


def check_versions(environment: Environment, package: str = "sightline") -> Checkup:
    """Find packages that are older or newer than those ask for that need them.

    Args:
        environment: What is installed.
        package: Where to begin; what it needs, its extras included, is followed to the end.

    Returns:
        A complaint for each need that is not met: an error where TensorBoard has it, which then
        may not start.
    """
    if package not in environment:
        what = f"{package} is not installed as a package, so that its needs are not known."
        remedy = "Install it, from its source folder with `pip install -e .`."
        return Checkup(SUBJECT, "not known", (Complaint(Level.WARN, SUBJECT, what, remedy),))
    needed = reachable(environment, package)
    complaints = [
        one for name in needed for one in _unmet(environment, environment[name], root=package)
    ]
    complaints += [
        Complaint(Level.ERROR, SUBJECT, f"{_versions(environment, clash)}: {clash.why}.",
                  clash.remedy)
        for clash in CLASHES
        if _holds(environment, clash.one) and _holds(environment, clash.other)
    ]  # fmt: skip
    own = environment[package]
    found = f"{package} {own.version}, Python {platform.python_version()}"
    found += f", {counted(len(needed) - 1, 'package')}"
    return Checkup(SUBJECT, found, tuple(complaints))


def reachable(environment: Environment, package: str) -> list[str]:
    """The installed packages that a package needs, with its extras, and those that they need.

    Args:
        environment: What is installed.
        package: Where to begin.

    Returns:
        Names, the package itself first.
    """
    own = environment[package]
    found = {package: None}
    waiting = [*own.needs(), *(need for extra in own.extras for need in own.needs(extra))]
    while waiting:
        name = canonicalize_name(waiting.pop().name)
        if name in environment and name not in found:
            found[name] = None
            waiting += environment[name].needs()
    return list(found)


def _unmet(environment: Environment, owner: Installed, *, root: str) -> Iterator[Complaint]:
    level = Level.ERROR if owner.name == VIEWER else Level.WARN
    always = {canonicalize_name(need.name): need for need in owner.needs()}
    extras = owner.extras if owner.name == root else ()
    optional = {
        canonicalize_name(need.name): need for extra in extras for need in owner.needs(extra)
    }
    for name, need in {**optional, **always}.items():
        have = environment.get(name)
        wanted = f"{owner.name} {owner.version} asks for `{name}{need.specifier}`"
        remedy = f'Run `pip install "{name}{need.specifier}"`.'
        if have is None:
            if name in always:
                yield Complaint(level, SUBJECT, f"{wanted}, which is not installed.", remedy)
        elif not fits(need, have.version):
            yield Complaint(level, SUBJECT, f"{wanted}, and {have.version} is installed.", remedy)


def _holds(environment: Environment, requirement: Requirement) -> bool:
    have = environment.get(canonicalize_name(requirement.name))
    return have is not None and fits(requirement, have.version)


def _versions(environment: Environment, clash: Clash) -> str:
    both = (environment[canonicalize_name(one.name)] for one in (clash.one, clash.other))
    return " with ".join(f"{one.name} {one.version}" for one in both)
