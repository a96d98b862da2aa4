"""Objects instead of a file that grows, in fsspec's storage in memory."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.events import Event, RemoteEventFile, event_files, read, to_path
from sightline.events.paths import AnyPath


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def event(step: int, num_bytes: int = 100) -> bytes:
    return Event(0.0, step, graph_def=b"x" * num_bytes).encode()


def steps_by_part(run_dir: AnyPath) -> list[list[int]]:
    """The steps in each object; each has to begin with the version, as any event file does."""
    parts = []
    for path in event_files(run_dir):
        version, *events = read(path)
        assert version.file_version == "brain.Event:2"
        parts.append([one.step for one in events])
    return parts


@pytest.fixture
def run_dir(memory_dir: str) -> AnyPath:
    return to_path(memory_dir) / "run"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def begin(run_dir: AnyPath, clock: Clock) -> Callable[..., RemoteEventFile]:
    def begin(**options: int) -> RemoteEventFile:
        path = run_dir / "events.out.tfevents.0000000001.host.1.0"
        return RemoteEventFile(path, 0.0, monotonic=clock, **options)

    return begin


def test_each_flush_makes_an_object_of_what_is_new(
    run_dir: AnyPath, begin: Callable[..., RemoteEventFile]
) -> None:
    file = begin()
    for step in range(3):
        file.add(event(step))
        file.flush()
        file.flush()
    file.add(event(3))
    file.close()
    file.close()
    assert steps_by_part(run_dir) == [[0], [1], [2], [3]]
    assert [path.name[-9:] for path in event_files(run_dir)] == [f".0000000{i}" for i in range(4)]


def test_a_routine_flush_waits_for_its_time(
    run_dir: AnyPath, begin: Callable[..., RemoteEventFile], clock: Clock
) -> None:
    file = begin(part_secs=10)
    for step in range(50):  # the first one, and then one every ten seconds
        clock.now = 0.5 * step
        file.add(event(step))
        file.flush_if_due()
    assert steps_by_part(run_dir) == [[0], [*range(1, 21)], [*range(21, 41)]]
    clock.now = 100.0
    file.flush_if_due()
    clock.now = 200.0
    file.flush_if_due()
    assert steps_by_part(run_dir)[3:] == [[*range(41, 50)]], "and none with nothing in it"


def test_an_explicit_flush_begins_the_time_anew(
    run_dir: AnyPath, begin: Callable[..., RemoteEventFile], clock: Clock
) -> None:
    file = begin(part_secs=10)
    clock.now = 8.0
    file.add(event(0))
    file.flush()
    clock.now = 12.0
    file.add(event(1))
    file.flush_if_due()
    assert steps_by_part(run_dir) == [[0]]
    clock.now = 18.0
    file.flush_if_due()
    assert steps_by_part(run_dir) == [[0], [1]]


def test_much_does_not_wait_and_is_cut_into_objects(
    run_dir: AnyPath, begin: Callable[..., RemoteEventFile]
) -> None:
    file = begin(part_bytes=1000)
    file.flush_if_due()
    file.add(event(0))
    file.flush()
    for step in range(1, 4):
        file.add(event(step))
    file.flush_if_due()
    assert steps_by_part(run_dir) == [[0]], "not enough, and too early"
    for step in range(4, 20):
        file.add(event(step))
    file.flush_if_due()
    assert [len(part) for part in steps_by_part(run_dir)] == [1, 8, 8, 3]
    assert [*chain(*steps_by_part(run_dir))] == list(range(20))


def test_a_storage_that_refuses_gets_everything_later(
    run_dir: AnyPath, begin: Callable[..., RemoteEventFile], clock: Clock
) -> None:
    file = begin(part_secs=10)
    file.add(event(0))
    file.flush()
    second = file.path.with_name(f"{file.path.name}.00000001")
    second.mkdir()  # where the object would be
    for step in range(1, 3):
        file.add(event(step))
        clock.now += 1.0
        with pytest.raises(OSError, match=second.name):
            file.flush()
    second.rmdir()
    file.add(event(3))
    with pytest.raises(OSError, match=second.name):
        file.flush()  # it is left alone for a while
    with pytest.raises(OSError, match=second.name):
        file.flush_if_due()  # and that something waits is not hidden
    clock.now += 1.0
    file.flush_if_due()  # which is due again as soon as it may work
    assert steps_by_part(run_dir) == [[0], [1, 2, 3]]
    file.close()


def test_what_the_storage_refuses_at_the_end_is_raised(
    run_dir: AnyPath, begin: Callable[..., RemoteEventFile]
) -> None:
    run_dir.fs.pipe_file(run_dir.path, b"a file where the directory would be")
    file = begin()
    file.add(event(0))
    with pytest.raises(OSError, match="run"):
        file.close()
    run_dir.unlink()


def test_a_storage_that_keeps_refusing_does_not_fill_the_memory(
    run_dir: AnyPath, begin: Callable[..., RemoteEventFile]
) -> None:
    run_dir.fs.pipe_file(run_dir.path, b"a file where the directory would be")
    file = begin(max_pending_bytes=300)
    for step in range(3):
        file.add(event(step))
    with pytest.raises(OSError, match="run"):
        file.add(event(3))
    run_dir.unlink()
    file.close()
    assert steps_by_part(run_dir) == [[0, 1, 2]]


@given(
    sizes=st.lists(st.integers(0, 400), max_size=30),
    part_bytes=st.integers(1, 600),
    flush_every=st.integers(1, 7),
)
def test_every_event_is_in_one_object_and_in_order(
    sizes: list[int], part_bytes: int, flush_every: int
) -> None:
    run_dir = to_path("memory://property")
    for path in event_files(run_dir):
        path.unlink()
    file = RemoteEventFile(run_dir / "tfevents", 0.0, part_bytes=part_bytes)
    for step, size in enumerate(sizes):
        file.add(event(step, size))
        if step % flush_every == 0:
            file.flush_if_due()
    file.close()
    assert [*chain(*steps_by_part(run_dir))] == list(range(len(sizes)))
    stored = sum(len(path.read_bytes()) for path in event_files(run_dir))
    assert stored == file.num_bytes
