"""Several writers as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from sightline.writers.protocol import Row, Writer, flush_if_due, fork_of, hand_over, hand_over_rows
from sightline.writers.values import Value


class Fanout:
    """Hands values to several writers, each those that it supports, in order.

    A writer that fails keeps none of the others from writing, flushing or closing; the error is
    raised after all had their turn.

    Args:
        writers: The writers.
    """

    def __init__(self, writers: Sequence[Writer]) -> None:
        self.writers = tuple(writers)
        self.supports = frozenset[type]().union(*(writer.supports for writer in self.writers))

    def write(self, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
        """Hand values to each."""
        with ExitStack() as all_of_them:
            for writer in reversed(self.writers):
                all_of_them.callback(hand_over, writer, values, step=step, wall_time=wall_time)

    def write_rows(self, rows: Sequence[Row]) -> None:
        """Hand many steps of numbers to each."""
        with ExitStack() as all_of_them:
            for writer in reversed(self.writers):
                all_of_them.callback(hand_over_rows, writer, rows)

    def in_fork(self, name: str) -> Fanout | None:
        """Those of them that can write in a forked process."""
        forked = [fork for writer in self.writers if (fork := fork_of(writer, name)) is not None]
        return Fanout(forked) if forked else None

    def flush(self) -> None:
        """Flush each."""
        with ExitStack() as all_of_them:
            for writer in reversed(self.writers):
                all_of_them.callback(writer.flush)

    def flush_if_due(self) -> None:
        """Flush each, as a matter of routine."""
        with ExitStack() as all_of_them:
            for writer in reversed(self.writers):
                all_of_them.callback(flush_if_due, writer)

    def close(self) -> None:
        """Close each."""
        with ExitStack() as all_of_them:
            for writer in reversed(self.writers):
                all_of_them.callback(writer.close)
