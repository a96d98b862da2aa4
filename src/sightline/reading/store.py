"""What has been read of a run: its scalars as columns, and where everything else lies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sightline.events.messages import Metadata
from sightline.events.reading import Damage
from sightline.reading.kept import Blobs, Grid, Points, Untold
from sightline.reading.places import Place
from sightline.reading.series import Restarts, Series
from sightline.reading.walk import Span

MAX_KEY_POINTS = 4096


# Steps, wall times, and which values stay in which order; None where all do as they are.
Times = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64] | None]


class Store:
    """What has been read of a run.

    Args:
        raw: Keep what restarts drop.
    """

    def __init__(self, *, raw: bool = False) -> None:
        self.places: list[Place] = []
        self.kinds: dict[str, str] = {}
        self.metadata: dict[str, Metadata] = {}
        self.blobs: dict[tuple[str, str], Blobs] = {}
        self.scalar_tags: list[str] = []
        self.damage: list[Damage] = []
        self.hparams: list[tuple[int, bytes]] = []
        self.grids: list[Grid] = []
        self.points: list[Points] = []
        self.num_records = 0
        self._raw = raw
        self.untold: list[Untold] = []
        self._told_at: dict[str, int] = {}
        self._described_at: dict[str, int] = {}
        self._numbers: dict[str, int] = {}
        self._starts: list[tuple[int, int]] = []
        self._loose: list[tuple[int, int, int, float, float]] = []
        self._columns: dict[int, list[tuple[int, int]]] = {}
        self._num_indexed = 0
        self._sorted = Points.joined([])
        self._bounds = np.zeros(1, np.int64)
        self._shared: dict[tuple[object, ...], Times] = {}

    def number_of(self, tag: str) -> int:
        """The number of a scalar's tag; a new one is added."""
        number = self._numbers.get(tag)
        if number is None:
            number = self._numbers[tag] = len(self.scalar_tags)
            self.scalar_tags.append(tag)
        return number

    def tell(self, tag: str, kind: str, ordinal: int) -> None:
        """Note that a value says what it is; the first one in the run counts for its tag.

        Records are not read in the order of the file.
        """
        if ordinal < self._told_at.get(tag, ordinal + 1):
            self._told_at[tag] = ordinal
            self.kinds[tag] = kind

    def describe(self, tag: str, about: Metadata, ordinal: int) -> None:
        """Note what a record says of a tag; the first one in the run counts, as in TensorBoard."""
        if ordinal < self._described_at.get(tag, ordinal + 1):
            self._described_at[tag] = ordinal
            self.metadata[tag] = about

    def add_point(
        self, number: int, ordinal: int, step: int, wall_time: float, value: float
    ) -> None:
        """Add one point; `settle` makes it visible."""
        self._loose.append((number, ordinal, step, wall_time, value))

    def add_start(self, ordinal: int, step: int) -> None:
        """Note that a session starts; the first one of a run means no restart."""
        self._starts.append((ordinal, step))

    def add_blob(
        self, kind: str, tag: str, content: Span, place: tuple[int, int, float, int, int]
    ) -> None:
        """Note where a value lies that is no scalar.

        Args:
            kind: What it is.
            tag: Its tag.
            content: Its content in the record's data.
            place: Its record's ordinal, step, wall time, file and offset.
        """
        blobs = self.blobs.get((kind, tag))
        if blobs is None:
            blobs = self.blobs[kind, tag] = Blobs(self.places)
        blobs.add(content, place)

    def add_untold(self) -> None:
        """Add the values that do not say what they are, once all records before them are read."""
        for value in self.untold:
            ordinal, step, wall_time, *_ = value.place
            told_at = self._told_at.get(value.tag)
            kind = self.kinds[value.tag] if told_at is not None and told_at < ordinal else "tensor"
            self.kinds.setdefault(value.tag, kind)
            if kind == "scalar" and value.number is not None:
                self.add_point(self.number_of(value.tag), ordinal, step, wall_time, value.number)
            else:
                kind = "tensor" if kind == "scalar" else kind
                self.add_blob(kind, value.tag, value.content, value.place)
        self.untold.clear()

    def settle(self) -> None:
        """Make single points columns like the others."""
        if self._loose:
            tags, ordinals, steps, wall_times, values = zip(*self._loose, strict=True)
            self.points.append(
                Points(
                    np.array(tags, np.int32),
                    np.array(ordinals, np.int64),
                    np.array(steps, np.int64),
                    np.array(wall_times, np.float64),
                    np.array(values, np.float64),
                )
            )
            self._loose.clear()
        self._shared.clear()

    def take(self) -> tuple[list[Grid], list[Points]]:
        """Take all points out of the store."""
        grids, points = self.grids, self.points
        self.grids, self.points = [], []
        return grids, points

    def restarts(self) -> Restarts:
        """Where sessions started again."""
        starts = np.array(sorted(self._starts)[1:], np.int64).reshape(-1, 2)
        return Restarts(starts[:, 0], starts[:, 1])

    def series(self, tag: str) -> Series:
        """The points of a scalar, in the order of the file."""
        number = self._numbers[tag]
        self._index_grids()
        self._sort_points()
        columns = self._columns.get(number, [])
        start, stop = (
            self._bounds[number : number + 2] if number + 1 < len(self._bounds) else (0, 0)
        )
        loose = self._sorted[start:stop]
        if not columns and self._is_plain(loose):
            return Series(loose.steps, loose.wall_times, loose.values)
        value_parts = [self.grids[grid].values[column] for grid, column in columns]
        values = np.empty(sum(map(len, value_parts)) + len(loose.values))
        stop = 0
        for part in (*value_parts, loose.values):
            start, stop = stop, stop + len(part)
            values[start:stop] = part
        steps, wall_times, order = self._times([grid for grid, _ in columns], loose)
        if order is not None:
            values = values[order]
        for column in (steps, wall_times, values):
            column.flags.writeable = False
        return Series(steps, wall_times, values)

    def _is_plain(self, points: Points) -> bool:
        """Whether points can be shown as they are: in order, and without a restart."""
        if not self._raw and (
            len(self._starts) > 1 or not (points.steps[1:] > points.steps[:-1]).all()
        ):
            return False
        return bool((points.ordinals[1:] >= points.ordinals[:-1]).all())

    def _times(self, grids: list[int], loose: Points) -> Times:
        key = (*grids, loose.ordinals.tobytes()) if len(loose.ordinals) <= MAX_KEY_POINTS else None
        if key is not None and key in self._shared:
            return self._shared[key]
        parts = [self.grids[grid] for grid in grids]
        ordinals = np.concatenate([*(part.ordinals for part in parts), loose.ordinals])
        steps = np.concatenate([*(part.steps for part in parts), loose.steps])
        wall_times = np.concatenate([*(part.wall_times for part in parts), loose.wall_times])
        order = None
        if np.any(ordinals[1:] < ordinals[:-1]):
            order = np.argsort(ordinals, kind="stable")
            ordinals, steps, wall_times = ordinals[order], steps[order], wall_times[order]
        if not self._raw:
            stays = self.restarts().survivors(steps, ordinals)
            if stays is not None:
                steps, wall_times = steps[stays], wall_times[stays]
                order = np.flatnonzero(stays) if order is None else order[stays]
        found = steps, wall_times, order
        if key is not None:
            self._shared[key] = found
        return found

    def _index_grids(self) -> None:
        for number in range(self._num_indexed, len(self.grids)):
            for column, tag in enumerate(self.grids[number].tags.tolist()):
                self._columns.setdefault(tag, []).append((number, column))
        self._num_indexed = len(self.grids)

    def _sort_points(self) -> None:
        if not self.points:
            return
        points = Points.joined([self._sorted, *self.points])
        self.points.clear()
        # 16 bits are sorted fastest, and the order within a tag stays: the lower half first.
        order = np.argsort((points.tags & 0xFFFF).astype(np.uint16), kind="stable")
        if len(self.scalar_tags) > 1 << 16:
            high = (points.tags >> 16).astype(np.uint16)[order]
            order = order[np.argsort(high, kind="stable")]
        self._sorted = points[order]
        for column in (self._sorted.steps, self._sorted.wall_times, self._sorted.values):
            column.flags.writeable = False
        self._bounds = np.searchsorted(self._sorted.tags, np.arange(len(self.scalar_tags) + 1))
