"""The pieces that a run is kept in: scalars as columns, and where everything else lies."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sightline.reading.places import Place
from sightline.reading.walk import Span


@dataclass(frozen=True, slots=True)
class Grid:
    """Records that hold the same scalars.

    Args:
        tags: int32 array of shape (k,): numbers of the tags.
        ordinals: int64 array of shape (n,): numbers of the records.
        steps: int64 array of shape (n,).
        wall_times: float64 array of shape (n,).
        values: k float32 or float64 arrays of shape (n,).
    """

    tags: NDArray[np.int32]
    ordinals: NDArray[np.int64]
    steps: NDArray[np.int64]
    wall_times: NDArray[np.float64]
    values: list[NDArray[np.floating]]


@dataclass(frozen=True, slots=True)
class Points:
    """Points of any tags.

    Args:
        tags: int32 array of shape (n,): numbers of the tags.
        ordinals: int64 array of shape (n,): numbers of the records.
        steps: int64 array of shape (n,).
        wall_times: float64 array of shape (n,).
        values: float64 array of shape (n,).
    """

    tags: NDArray[np.int32]
    ordinals: NDArray[np.int64]
    steps: NDArray[np.int64]
    wall_times: NDArray[np.float64]
    values: NDArray[np.float64]

    def __getitem__(self, which: slice | NDArray[np.integer]) -> Points:
        """Some of the points."""
        return Points(
            self.tags[which],
            self.ordinals[which],
            self.steps[which],
            self.wall_times[which],
            self.values[which],
        )

    @classmethod
    def joined(cls, parts: list[Points]) -> Points:
        """Points after each other."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.tags for part in parts] or [np.empty(0, np.int32)]),
            np.concatenate([part.ordinals for part in parts] or [np.empty(0, np.int64)]),
            np.concatenate([part.steps for part in parts] or [np.empty(0, np.int64)]),
            np.concatenate([part.wall_times for part in parts] or [np.empty(0)]),
            np.concatenate([part.values for part in parts] or [np.empty(0)]),
        )


@dataclass(frozen=True, slots=True)
class Untold:
    """A value that does not say what it is; the first one of its tag says it.

    Args:
        tag: Its tag.
        content: Where it lies.
        number: What it is if it is a scalar; None where it cannot be one.
        place: Its record's ordinal, step, wall time, file and offset.
    """

    tag: str
    content: Span
    number: float | None
    place: tuple[int, int, float, int, int]


@dataclass(slots=True)
class Blobs:
    """Where the values of a tag lie that are no scalars.

    Args:
        places: The event files of the run.
        ordinals: Numbers of the records.
        steps: Of each value.
        wall_times: Of each, in seconds since 1970.
        files: Which event file.
        records: Where the record begins.
        starts: Where the content begins in the record's data.
        stops: Where it ends there.
        fields: Which field of the value it is.
    """

    places: list[Place]
    ordinals: array[int] = field(default_factory=lambda: array("q"))
    steps: array[int] = field(default_factory=lambda: array("q"))
    wall_times: array[float] = field(default_factory=lambda: array("d"))
    files: array[int] = field(default_factory=lambda: array("l"))
    records: array[int] = field(default_factory=lambda: array("q"))
    starts: array[int] = field(default_factory=lambda: array("q"))
    stops: array[int] = field(default_factory=lambda: array("q"))
    fields: array[int] = field(default_factory=lambda: array("b"))

    def add(self, content: Span, place: tuple[int, int, float, int, int]) -> None:
        """Note where a value lies.

        Args:
            content: Its content in the record's data.
            place: Its record's ordinal, step, wall time, file and offset.
        """
        ordinal, step, wall_time, file, offset = place
        self.ordinals.append(ordinal)
        self.steps.append(step)
        self.wall_times.append(wall_time)
        self.files.append(file)
        self.records.append(offset)
        self.starts.append(content.start)
        self.stops.append(content.stop)
        self.fields.append(content.number)
