from __future__ import annotations

from pathlib import Path

import pytest
from torch.utils.tensorboard import SummaryWriter

from sightline.events import Event, Value, frame, read

EVENTS = [Event(float(step), step, (Value("loss", float(step)),)) for step in range(4)]
FRAMES = [frame(event.encode()) for event in EVENTS]


def write(path: Path, *parts: bytes) -> Path:
    path.write_bytes(b"".join(parts))
    return path


def test_the_files_of_a_run_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    write(tmp_path / "tfevents.2", *FRAMES[2:])
    write(tmp_path / "tfevents.1", *FRAMES[:2])
    write(tmp_path / "notes.txt", b"no events")
    reading = read(tmp_path)
    assert list(reading) == EVENTS
    assert reading.damage == []


def test_a_torn_tail_does_not_hide_later_files(tmp_path: Path) -> None:
    torn = write(tmp_path / "tfevents.1", FRAMES[0], FRAMES[1][:-3])
    write(tmp_path / "tfevents.2", *FRAMES[2:])
    reading = read(tmp_path)
    assert list(reading) == [EVENTS[0], *EVENTS[2:]]
    (damage,) = reading.damage
    assert damage.path == torn
    assert (damage.offset, damage.num_bytes) == (len(FRAMES[0]), len(FRAMES[1]) - 3)
    assert damage.reason == "the file ends inside a record"


def test_damage_in_the_middle_is_skipped_and_noted(tmp_path: Path) -> None:
    flipped = bytearray(FRAMES[1])
    flipped[20] ^= 1
    no_event = frame(b"\xff\xff")
    path = write(tmp_path / "tfevents", FRAMES[0], flipped, no_event, b"garbage", FRAMES[3])
    reading = read(path)
    assert list(reading) == [EVENTS[0], EVENTS[3]]
    reasons = [damage.reason for damage in reading.damage]
    assert reasons == [
        "the checksum of the data is wrong",
        "the message ends inside a number",
        "the length is damaged",
    ]
    assert list(reading) == [EVENTS[0], EVENTS[3]], "a second walk sees the same"
    assert len(reading.damage) == 3


def test_a_single_stray_byte_costs_nothing_but_itself(tmp_path: Path) -> None:
    reading = read(write(tmp_path / "tfevents", FRAMES[0], b"x", FRAMES[1]))
    assert list(reading) == EVENTS[:2]
    assert [(damage.offset, damage.num_bytes) for damage in reading.damage] == [(len(FRAMES[0]), 1)]


def test_an_empty_file_has_no_events(tmp_path: Path) -> None:
    assert list(read(write(tmp_path / "tfevents"))) == []


def test_files_of_other_writers_are_read(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        for step in range(3):
            writer.add_scalar("loss", step / 2, step)
    values = [
        (event.step, value.tag, value.simple_value)
        for event in read(tmp_path)
        for value in event.values
    ]
    assert values == [(0, "loss", 0.0), (1, "loss", 0.5), (2, "loss", 1.0)]


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_a_place_without_events_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=f"got .*{name}; name the directory of one run"):
        read(tmp_path / name)
