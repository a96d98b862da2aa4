"""Several writers as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from sightline.writers.protocol import Writer, hand_over
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

    def flush(self) -> None:
        """Flush each."""
        with ExitStack() as all_of_them:
            for writer in reversed(self.writers):
                all_of_them.callback(writer.flush)

    def close(self) -> None:
        """Close each."""
        with ExitStack() as all_of_them:
            for writer in reversed(self.writers):
                all_of_them.callback(writer.close)
