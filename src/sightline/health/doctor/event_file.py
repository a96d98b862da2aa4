"""Reads an event file once, and keeps the facts that all checks of a log directory ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import NamedTuple

import numpy as np

from sightline.events.framing import LENGTH
from sightline.events.reading import Damage
from sightline.events.wire import WireError
from sightline.health.doctor.picture_formats import SHOWN, format_of, picture_heads
from sightline.health.doctor.timelines import Timeline, Timelines
from sightline.reading.event_files import LARGE_BYTES, EventFileReader
from sightline.reading.framing import FRAME_BYTES, HEADER_BYTES
from sightline.reading.kept import Blobs, Grid, Points
from sightline.reading.places import Handle, LocalFile, Place
from sightline.reading.resync import data_is_right
from sightline.reading.store import Store
from sightline.reading.templates import Templates
from sightline.reading.walk import IMAGE, SparseRecord

NUM_SNIFFED = 20  # values of a tag in a file: a writer keeps to one format
SCALAR = "scalar"
_NAME = re.compile(r"events\.out\.tfevents\.(\d{10})\.(.+?)\.(\d+)\.\d+")


class Tag(NamedTuple):
    """A tag of an event file.

    Attributes:
        kind: `scalar`, `image`, `histogram`, ...
        name: as TensorBoard shows it.
    """

    kind: str
    name: str


class Writer(NamedTuple):
    """Who wrote an event file, as its name says.

    Attributes:
        host: name of the machine.
        pid: process id there.
        started: when the file was begun, in seconds since 1970.
    """

    host: str
    pid: int
    started: float


@dataclass(slots=True)
class EventFileFacts:
    """What one reading of an event file found.

    Attributes:
        run: name of its run.
        path: path or URL.
        num_bytes: its size.
        modified: when it last changed, in seconds since 1970; None behind a URL.
        num_records: how many whole records were found.
        timelines: steps and times by tag.
        bytes_by_tag: size of the values by tag; that of scalars is shared out by points.
        damage: what could not be read, except the torn end.
        torn: an end that is no whole record.
        unreadable: why it cannot be opened; empty where it can.
        wrong_formats: pictures that are no PNG, JPEG, GIF or BMP, by tag: how many of those that
            were looked at, and what the first one is.
    """

    run: str
    path: str
    num_bytes: int = 0
    modified: float | None = None
    num_records: int = 0
    timelines: dict[Tag, Timeline] = field(default_factory=dict)
    bytes_by_tag: dict[Tag, int] = field(default_factory=dict)
    damage: list[Damage] = field(default_factory=list)
    torn: Damage | None = None
    unreadable: str = ""
    wrong_formats: dict[Tag, tuple[int, str]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The last part of its path."""
        return PurePath(self.path).name

    @property
    def writer(self) -> Writer | None:
        """Who wrote it; None where its name does not say."""
        match = _NAME.match(self.name)
        return Writer(match[2], int(match[3]), float(match[1])) if match else None


def read_facts(run: str, place: Place) -> EventFileFacts:
    """Read an event file; what is held in memory does not grow with it.

    Large records are not held, but their checksums are verified where the file lies on this
    machine.

    Args:
        run: Name of its run.
        place: The file.

    Returns:
        The facts.
    """
    facts = EventFileFacts(run, str(place.path))
    try:
        if isinstance(place, LocalFile):
            facts.modified = Path(place.path).stat().st_mtime
        _read(facts, place)
    except OSError as error:
        facts.unreadable = error.strerror or str(error)
    return facts


def _read(facts: EventFileFacts, place: Place) -> None:
    store = Store(raw=True)
    store.places.append(place)
    reader = EventFileReader(place, 0, store, Templates())
    scalars = Timelines()
    others = _Others(facts)
    with place.open() as handle:
        for _ in reader.parts():
            store.settle()
            _add_scalars(scalars, store)
            blobs, store.blobs = store.blobs, {}
            if isinstance(place, LocalFile):
                _verify(facts, handle, blobs.values())
            for (kind, name), found in blobs.items():
                others.add(handle, Tag(kind, name), found)
    facts.num_bytes = reader.size
    facts.num_records = store.num_records
    facts.torn = reader.torn
    facts.damage += store.damage
    facts.damage.sort(key=lambda one: one.offset)
    others.settle()
    _settle_scalars(facts, scalars, store.scalar_tags)


def _add_scalars(scalars: Timelines, store: Store) -> None:
    grids, points = store.take()
    parts = [*map(_flat, grids), *points]
    if not parts:
        return
    joined = Points.joined(parts)
    # A grid is in order by itself, and most parts of a file are one grid.
    if len(parts) > 1 or points or len(np.unique(grids[0].tags)) < len(grids[0].tags):
        joined = joined[np.lexsort((joined.ordinals, joined.tags))]
    scalars.add(joined.tags, joined.steps, joined.wall_times)


def _flat(grid: Grid) -> Points:
    """The points of a grid, tag by tag; their values are left at 0."""
    num_tags, num_rows = len(grid.tags), len(grid.steps)
    return Points(
        np.repeat(grid.tags, num_rows),
        np.tile(grid.ordinals, num_tags),
        np.tile(grid.steps, num_tags),
        np.tile(grid.wall_times, num_tags),
        np.zeros(num_tags * num_rows),
    )


def _settle_scalars(facts: EventFileFacts, scalars: Timelines, names: list[str]) -> None:
    lost = sum(one.num_bytes for one in facts.damage)
    lost += facts.torn.num_bytes if facts.torn else 0
    num_bytes = max(facts.num_bytes - lost - sum(facts.bytes_by_tag.values()), 0)
    found = {Tag(SCALAR, name): scalars[number] for number, name in enumerate(names)}
    timelines = {tag: timeline for tag, timeline in found.items() if timeline}
    num_points = sum(timeline.num_points for timeline in timelines.values())
    for tag, timeline in timelines.items():
        facts.timelines[tag] = timeline
        facts.bytes_by_tag[tag] = round(num_bytes * timeline.num_points / num_points)


def _verify(facts: EventFileFacts, handle: Handle, blobs: Iterable[Blobs]) -> None:
    """Look at the data of large records, which the reading of scalars passes over."""
    large = {
        record
        for found in blobs
        for record, stop in zip(found.records, found.stops, strict=True)
        if stop > LARGE_BYTES
    }
    for offset in sorted(large.difference(one.offset for one in facts.damage)):
        (length,) = LENGTH.unpack_from(handle.read(offset, HEADER_BYTES).data)
        if not data_is_right(handle, offset, length):
            reason = "the checksum of the data is wrong"
            facts.damage.append(Damage(facts.path, offset, length + FRAME_BYTES, reason))


class _Others:
    """Values that are no scalars, counted and looked into.

    Args:
        facts: Where to put what is found.
    """

    def __init__(self, facts: EventFileFacts) -> None:
        self._facts = facts
        self._numbers: dict[Tag, int] = {}
        self._timelines = Timelines()
        self._num_sniffed: dict[Tag, int] = {}

    def add(self, handle: Handle, tag: Tag, blobs: Blobs) -> None:
        """Take values of a tag."""
        number = self._numbers.setdefault(tag, len(self._numbers))
        order = np.argsort(np.array(blobs.ordinals, np.int64), kind="stable")
        steps = np.array(blobs.steps, np.int64)[order]
        times = np.array(blobs.wall_times, np.float64)[order]
        self._timelines.add(np.full(len(order), number), steps, times)
        starts, stops = np.array(blobs.starts, np.int64), np.array(blobs.stops, np.int64)
        sizes = self._facts.bytes_by_tag
        sizes[tag] = sizes.get(tag, 0) + int((stops - starts).sum())
        if tag.kind == "image":
            for place in order[: NUM_SNIFFED - self._num_sniffed.get(tag, 0)].tolist():
                self._sniff(handle, tag, blobs, place)

    def settle(self) -> None:
        """Put the timelines into the facts."""
        for tag, number in self._numbers.items():
            timeline = self._timelines[number]
            assert timeline is not None
            self._facts.timelines[tag] = timeline

    def _sniff(self, handle: Handle, tag: Tag, blobs: Blobs, place: int) -> None:
        self._num_sniffed[tag] = self._num_sniffed.get(tag, 0) + 1
        view = SparseRecord(handle, blobs.records[place])
        try:
            heads = list(
                picture_heads(view, blobs.fields[place], blobs.starts[place], blobs.stops[place])
            )
        except WireError:  # its record is damaged, and noted as such
            return
        if not heads and blobs.fields[place] == IMAGE:
            heads = [b""]  # bytes that are empty are left out of a message
        for head in heads:
            found = format_of(head)
            if found not in SHOWN:
                number, first = self._facts.wrong_formats.get(tag, (0, found or ""))
                self._facts.wrong_formats[tag] = number + 1, first
