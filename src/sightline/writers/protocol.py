"""What a writer is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from sightline.writers.values import Value


@runtime_checkable
class Writer(Protocol):
    """Takes values to where they are kept or shown.

    Wrappers, such as `Fanout` and `Background`, are writers too. `sightline.testing.check_writer`
    checks a writer of one's own.
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

    This is the one place where a value that a writer does not support is left out.

    Args:
        writer: Who takes them.
        values: Value by tag.
        step: Step of all of them.
        wall_time: When they were logged, in seconds since 1970.
    """
    taken = {tag: value for tag, value in values.items() if type(value) in writer.supports}
    if taken:
        writer.write(taken, step=step, wall_time=wall_time)
