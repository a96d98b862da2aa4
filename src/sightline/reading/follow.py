"""Points as they come, while a run is live."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from sightline.reading.columns import Columns, ColumnsBuilder

if TYPE_CHECKING:
    from sightline.reading.log import Log


def follow(
    log: Log,
    poll_secs: float,
    stop: Callable[[], bool] | threading.Event | None,
    sleep: Callable[[float], object],
) -> Iterator[Columns]:
    """Yield the points of a log, and then those that are appended.

    Args:
        log: The log, which nobody else reads: its points are taken out, and fill no memory.
        poll_secs: Pause between two looks at the files.
        stop: Ends it, after a last look, when it is set or returns True; None for never.
        sleep: What makes the pause.

    Yields:
        Columns that are not empty.
    """
    while True:
        # Asked before the look: what is written until the stop is seen.
        is_last = stop.is_set() if isinstance(stop, threading.Event) else bool(stop and stop())
        log.refresh(may_grow=True)
        columns = _take_points(log)
        if len(columns):
            yield columns
        if is_last:
            return
        if isinstance(stop, threading.Event):
            stop.wait(poll_secs)
        else:
            sleep(poll_secs)


def _take_points(log: Log) -> Columns:
    builder = ColumnsBuilder()
    for name, run in log.runs.items():
        store = run.store
        grids, points = store.take()
        parts = [(one.ordinals, one.tags, one.steps, one.wall_times, one.values) for one in points]
        for grid in grids:
            for tag, values in zip(grid.tags.tolist(), grid.values, strict=True):
                tags = np.full(len(grid.steps), tag, np.int32)
                wide = values.astype(np.float64)
                parts.append((grid.ordinals, tags, grid.steps, grid.wall_times, wide))
        if parts:
            ordinals, tags, steps, wall_times, values = map(
                np.concatenate, zip(*parts, strict=True)
            )
            order = np.argsort(ordinals, kind="stable")
            known, places = np.unique(tags, return_inverse=True)
            numbers = [builder.tag_number(store.scalar_tags[tag]) for tag in known.tolist()]
            builder.add(
                name,
                np.array(numbers, np.int32)[places][order],
                steps[order],
                wall_times[order],
                values[order],
            )
    return builder.columns()
