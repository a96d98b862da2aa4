"""The same scalars, read in the plainest way: record by record, message by message."""

from __future__ import annotations

from pathlib import Path

from sightline.events import Event
from sightline.events.framing import scan
from sightline.events.messages import SessionStatus
from sightline.events.wire import WireError

Point = tuple[int, float, float]


def read_plainly(paths: list[Path], *, raw: bool = False) -> dict[str, list[Point]]:
    """Step, wall time and value of every point, by tag."""
    shown: dict[str, list[Point]] = {}
    has_started = False
    for path in paths:
        for record in scan(path.read_bytes()):
            if record.data is None:
                continue
            try:
                event = Event.decode(record.data)
            except WireError:
                continue
            if event.session is SessionStatus.START and not raw:
                if has_started:
                    drop_from(shown, event.step)
                has_started = True
            for value in event.values:
                number = value.simple_value
                if number is None and value.tensor is not None and value.metadata is not None:
                    number = float(value.tensor.numpy().item())
                if number is not None:
                    points = shown.setdefault(value.tag, [])
                    while points and not raw and points[-1][0] >= event.step:
                        points.pop()
                    points.append((event.step, event.wall_time, number))
    return shown


def drop_from(shown: dict[str, list[Point]], step: int) -> None:
    for tag, points in shown.items():
        shown[tag] = [point for point in points if point[0] < step]


def damage_found(path: Path) -> list[tuple[int, int]]:
    """Where damaged stretches begin, and how long they are."""
    return [
        (record.offset, record.end - record.offset)
        for record in scan(path.read_bytes())
        if record.data is None or not is_event(record.data)
    ]


def is_event(data: bytes) -> bool:
    try:
        Event.decode(data)
    except WireError:
        return False
    return True
