from __future__ import annotations

from pathlib import Path

import pytest

from sightline.events import Event, EventFile, read
from tests.disk import room_for


def steps(path: Path) -> list[int]:
    return [event.step for event in read(path)][1:]


def event(step: int) -> bytes:
    return Event(0.0, step, graph_def=b"x" * 100).encode()


def test_a_flushed_event_can_be_read_while_the_file_is_open(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "tfevents", 0.0)
    file.add(event(1))
    assert steps(file.path) == []
    file.flush()
    assert steps(file.path) == [1]
    file.close()
    file.close()


def test_an_existing_file_is_never_written_to(tmp_path: Path) -> None:
    (tmp_path / "tfevents").touch()
    with pytest.raises(FileExistsError):
        EventFile(tmp_path / "tfevents", 0.0)


@pytest.mark.parametrize("free", [0, 1, 50, 120])
def test_a_full_disk_loses_nothing_once_there_is_room_again(tmp_path: Path, free: int) -> None:
    file = EventFile(tmp_path / "tfevents", 0.0)
    with room_for(free, file.path):
        for step in (1, 2):
            file.add(event(step))
            with pytest.raises(OSError, match="File too large"):
                file.flush()
    file.add(event(3))
    file.close()
    assert steps(file.path) == [1, 2, 3]


def test_a_disk_that_stays_full_does_not_fill_the_memory(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "tfevents", 0.0, max_pending_bytes=300)
    with room_for(0, file.path):
        for step in range(1, 4):
            file.add(event(step))
        with pytest.raises(OSError, match="File too large"):
            file.add(event(4))
    file.close()
    assert steps(file.path) == [1, 2, 3]


def test_a_disk_that_failed_is_left_alone_for_a_while(tmp_path: Path) -> None:
    now = 0.0
    file = EventFile(tmp_path / "tfevents", 0.0, monotonic=lambda: now)
    file.add(event(1))
    waits = []
    with room_for(0, file.path):
        for _ in range(9):
            with pytest.raises(OSError, match="File too large") as first:
                file.flush()
            for _ in range(2):
                with pytest.raises(OSError, match="File too large") as again:
                    file.flush_if_due()
                assert again.value.filename == first.value.filename == str(file.path)
                assert not hasattr(again.value, "__notes__")
                again.value.add_note("of this one alone")
            began = now
            while file._backoff._retry_at > now:
                now += 0.05
            waits.append(round(now - began, 1))
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    file.flush_if_due()
    assert steps(file.path) == [1]
    file.close()
