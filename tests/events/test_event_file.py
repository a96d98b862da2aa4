from __future__ import annotations

import errno
import os
from itertools import pairwise
from pathlib import Path

import pytest

from sightline.events import Event, EventFile, read
from tests.disk import no_space_left, room_for


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


def test_a_disk_without_space_is_left_alone_for_longer_and_longer(tmp_path: Path) -> None:
    now = 0.0
    file = EventFile(tmp_path / "tfevents", 0.0, monotonic=lambda: now)
    attempts = []
    with no_space_left(file._file.fileno()):
        file.add(event(1))
        while now < 60:
            before = file._backoff._retry_at
            with pytest.raises(OSError, match="No space left on device"):
                file.flush()
            if file._backoff._retry_at != before:
                attempts.append(now)
            now += 0.05
    pauses = [round(later - earlier, 2) for earlier, later in pairwise(attempts)]
    assert pauses[0] == pytest.approx(0.1, abs=0.06)
    assert pauses == sorted(pauses)
    assert pauses[-1] == pytest.approx(10.0, abs=0.06)
    file.close()  # tries at once, whatever the clock says
    assert steps(file.path) == [1]


def test_an_error_names_the_file_and_keeps_its_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No disk here can be made to fail with EIO, so the call that meets it is replaced."""

    def fail(descriptor: int, data: bytes) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    file = EventFile(tmp_path / "tfevents", 0.0)
    file.add(event(1))
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", fail)
        with pytest.raises(OSError, match=r"Input/output error: .*tfevents") as raised:
            file.flush()
    assert raised.value.errno == errno.EIO
    file.close()
    assert steps(file.path) == [1]


def test_an_error_that_is_raised_again_has_no_notes_of_the_last_time(tmp_path: Path) -> None:
    file = EventFile(tmp_path / "tfevents", 0.0, monotonic=lambda: 0.0)
    with room_for(0, file.path):
        file.add(event(1))
        for _ in range(3):
            with pytest.raises(OSError, match="File too large") as raised:
                file.flush_if_due()
            assert raised.value.filename == str(file.path)
            assert not hasattr(raised.value, "__notes__")
            raised.value.add_note("of this one alone")
    file.close()
