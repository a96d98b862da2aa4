from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.events import Event, Value, frame, read, withdraw


def write(path: Path, *parts: Event | bytes) -> Path:
    path.write_bytes(
        b"".join(frame(part.encode()) if isinstance(part, Event) else part for part in parts)
    )
    return path


def event(step: int, *tags: str) -> Event:
    return Event(0.0, step, tuple(Value(tag, float(step)) for tag in tags))


def test_the_values_of_a_tag_go_and_all_others_stay(tmp_path: Path) -> None:
    version = Event(0.0, file_version="v")
    path = write(tmp_path / "tfevents.1", version, event(1, "a", "end"), event(2, "end"))
    current = write(tmp_path / "tfevents.2", event(3, "end"))
    assert withdraw(tmp_path, {"end"}, but_not_from=current) == [path]
    assert list(read(path)) == [version, event(1, "a")]
    assert list(read(current)) == [event(3, "end")]


def test_a_file_in_which_the_tag_is_but_a_part_of_others_keeps_its_events(tmp_path: Path) -> None:
    path = write(tmp_path / "tfevents", event(1, "the end"), event(2, "endless"))
    before = path.read_bytes()
    withdraw(tmp_path, {"end"}, but_not_from=tmp_path / "other")
    assert path.read_bytes() == before


def test_a_file_without_the_tag_is_not_touched(tmp_path: Path) -> None:
    path = write(tmp_path / "tfevents", event(1, "a"))
    before = path.stat()
    assert withdraw(tmp_path, {"end"}, but_not_from=tmp_path / "other") == []
    assert path.stat() == before


def test_damaged_records_stay_as_they_are(tmp_path: Path) -> None:
    flipped = bytearray(frame(event(2, "end").encode()))
    flipped[-1] ^= 1
    no_event = frame(b"\xffend")
    torn = frame(event(4, "end").encode())[:-1]
    parts = (event(1, "a"), bytes(flipped), event(3, "end"), no_event, torn)
    path = write(tmp_path / "tfevents", *parts)
    withdraw(tmp_path, {"end"}, but_not_from=tmp_path / "other")
    kept = [event(1, "a"), bytes(flipped), no_event, torn]
    assert path.read_bytes() == write(tmp_path / "expected", *kept).read_bytes()


@given(st.lists(st.lists(st.sampled_from(["a", "b", "end"]), min_size=1, max_size=3)))
def test_exactly_the_values_of_the_tag_go(
    tmp_path_factory: pytest.TempPathFactory, tags: list[list[str]]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    path = write(folder / "tfevents", *(event(step, *each) for step, each in enumerate(tags)))
    withdraw(folder, {"end"}, but_not_from=folder / "other")
    left = [(e.step, [value.tag for value in e.values]) for e in read(path)]
    kept = [(step, [tag for tag in each if tag != "end"]) for step, each in enumerate(tags)]
    assert left == [(step, each) for step, each in kept if each]
