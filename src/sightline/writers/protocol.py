"""What a writer is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

from sightline.writers.values import Scalar, Value


class Row(NamedTuple):
    """Numbers of one step.

    Args:
        tags: Their names.
        numbers: As many floats.
        step: Step of all of them.
        wall_time: When they were logged, in seconds since 1970.
    """

    tags: tuple[str, ...]
    numbers: tuple[float, ...]
    step: int
    wall_time: float


@runtime_checkable
class Writer(Protocol):
    """Takes values to where they are kept or shown.

    Wrappers, such as `Fanout` and `Background`, are writers too. `sightline.testing.check_writer`
    checks a writer of one's own.

    A writer may have three methods more. `write_rows(rows: Sequence[Row])` takes many steps of
    numbers at once, where that is faster than one by one. `in_fork(name: str)` gives a writer for a
    forked process, which must not touch what its parent writes to, or None. `flush_if_due()` stands
    in for `flush` where nobody waits for it, and may leave it for later, where a flush is dear.
    """

    supports: frozenset[type]
    """The kinds of values that it takes; it is never handed others."""

    def write(self, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
        """Take values.

        Args:
            values: Value by tag, on the host.
            step: Step of all of them.
            wall_time: When they were logged, in seconds since 1970.
        """

    def flush(self) -> None:
        """Bring all that was taken to where it outlives the process."""

    def close(self) -> None:
        """Flush and let go; a second time does nothing."""


def hand_over(writer: Writer, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
    """Hand a writer those values that it takes, if there are any.

    This and `hand_over_rows` are where a value that a writer does not support is left out.

    Args:
        writer: Who takes them.
        values: Value by tag.
        step: Step of all of them.
        wall_time: When they were logged, in seconds since 1970.
    """
    taken = {tag: value for tag, value in values.items() if type(value) in writer.supports}
    if taken:
        writer.write(taken, step=step, wall_time=wall_time)


def hand_over_rows(writer: Writer, rows: Sequence[Row]) -> None:
    """Hand a writer many steps of numbers, all at once if it can take them so.

    Args:
        writer: Who takes them.
        rows: In the order in which they were logged.

    Raises:
        ExceptionGroup: If several steps could not be written; the others were.
        Exception: If one could not.
    """  # noqa: DOC502  what a writer raises
    if Scalar not in writer.supports:
        return
    if hasattr(writer, "write_rows"):
        writer.write_rows(rows)
        return
    faults: list[Exception] = []
    for tags, numbers, step, wall_time in rows:
        try:
            values = dict(zip(tags, map(Scalar, numbers), strict=True))
            writer.write(values, step=step, wall_time=wall_time)
        except Exception as error:  # noqa: BLE001  raised below
            faults.append(error)
    raise_all(faults)


def flush_if_due(writer: Writer) -> None:
    """Flush a writer as a matter of routine; one that says when it is due may leave it for later.

    Args:
        writer: Who is flushed.
    """
    getattr(writer, "flush_if_due", writer.flush)()


def raise_all(faults: Sequence[Exception]) -> None:
    """Raise what went wrong, after everything had its turn.

    Args:
        faults: Errors; with none nothing is raised.

    Raises:
        Exception: The only one.
        ExceptionGroup: Several.
    """  # noqa: DOC502
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise ExceptionGroup("several values could not be written", list(faults))


def fork_of(writer: Writer, name: str) -> Writer | None:
    """A writer for a forked process.

    Args:
        writer: The parent's.
        name: What to tell the forked process from its parent by.

    Returns:
        What its `in_fork` gives; None if it has none.
    """
    make = getattr(writer, "in_fork", None)
    forked: Writer | None = make(name) if make else None
    return forked
