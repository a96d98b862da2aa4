from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline import events
from sightline.events import Event, SessionStatus, Value, bucketize, frame, read, truncate_run


def scalar(step: int, tag: str = "loss") -> Event:
    return Event(0.0, step, (Value(tag, float(step)),))


def write(path: Path, *parts: Event | bytes) -> Path:
    path.write_bytes(
        b"".join(frame(part.encode()) if isinstance(part, Event) else part for part in parts)
    )
    return path


def test_events_past_the_step_go_and_all_others_stay(tmp_path: Path) -> None:
    first = write(tmp_path / "tfevents.1", Event(0.0, file_version="v"), scalar(1), scalar(5))
    start = Event(0.0, 6, session=SessionStatus.START)
    second = write(tmp_path / "tfevents.2", start, scalar(6), scalar(2))
    assert truncate_run(tmp_path, 4) == [first, second]
    assert list(read(first)) == [Event(0.0, file_version="v"), scalar(1)]
    assert list(read(second)) == [scalar(2)]


def test_a_file_in_which_nothing_has_to_go_is_not_touched(tmp_path: Path) -> None:
    path = write(tmp_path / "tfevents", scalar(1), scalar(2))
    before = path.stat()
    assert truncate_run(tmp_path, 2) == []
    assert path.stat() == before


def test_torn_and_damaged_records_go(tmp_path: Path) -> None:
    flipped = bytearray(frame(scalar(2).encode()))
    flipped[-1] ^= 1
    torn = frame(scalar(4).encode())[:-1]
    path = write(tmp_path / "tfevents", scalar(1), bytes(flipped), frame(b"\xff"), scalar(3), torn)
    assert truncate_run(tmp_path, 10) == [path]
    reading = read(path)
    assert list(reading) == [scalar(1), scalar(3)]
    assert reading.damage == []


def test_the_rights_of_a_file_stay(tmp_path: Path) -> None:
    path = write(tmp_path / "tfevents", scalar(1), scalar(2))
    path.chmod(0o640)
    truncate_run(tmp_path, 1)
    assert path.stat().st_mode & 0o777 == 0o640


def test_metadata_passes_to_the_first_value_that_stays(tmp_path: Path) -> None:
    """A tag that was first logged at a later step, and then at an earlier one."""
    histogram = events.histogram_value("h", bucketize([1.0]), description="text")
    bare = Value("h", tensor=histogram.tensor)
    path = write(
        tmp_path / "tfevents",
        Event(0.0, 9, (histogram,)),
        Event(0.0, 2, (Value("other", 1.0), bare)),
        Event(0.0, 3, (bare,)),
    )
    truncate_run(tmp_path, 5)
    assert [event.values for event in read(path)] == [(Value("other", 1.0), histogram), (bare,)]


@pytest.mark.parametrize("stage", ["fsync", "replace"])
def test_a_kill_leaves_the_old_file_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    path = write(tmp_path / "tfevents", scalar(1), scalar(2))
    before = path.read_bytes()

    def killed(*args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(*((os, "fsync") if stage == "fsync" else (Path, "replace")), killed)
        with pytest.raises(KeyboardInterrupt):
            truncate_run(tmp_path, 1)
    assert path.read_bytes() == before
    # What a kill -9 would leave behind looks like no event file, and is in nobody's way.
    (tmp_path / ".resume.tmp").write_bytes(b"half")
    assert truncate_run(tmp_path, 1) == [path]
    assert list(read(path)) == [scalar(1)]
    assert list(tmp_path.iterdir()) == [path]


@given(st.lists(st.integers(-5, 20)), st.integers(-5, 20), st.integers(0, 30))
def test_exactly_the_steps_up_to_the_last_one_stay(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], last: int, num_torn: int
) -> None:
    folder = tmp_path_factory.mktemp("run")
    torn = frame(scalar(0).encode())[:num_torn]
    path = write(folder / "tfevents", *map(scalar, steps), torn)
    truncate_run(folder, last)
    assert [event.step for event in read(path)] == [step for step in steps if step <= last]
