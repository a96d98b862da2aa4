"""A resumed run takes back objects, or parts of them, in each storage."""

from __future__ import annotations

import pytest
from upath import UPath

from sightline.events import (
    Event,
    Metadata,
    RemoteEventFile,
    SessionStatus,
    Value,
    event_files,
    read,
    remote,
    to_path,
    truncate_run,
    truncation,
)
from sightline.events.paths import AnyPath

METADATA = Metadata("scalars", description="text")


def scalar(step: int, tag: str = "loss", metadata: Metadata | None = None) -> Event:
    return Event(0.0, step, (Value(tag, float(step), metadata=metadata),))


def write(run_dir: AnyPath, *parts: list[Event]) -> None:
    file = RemoteEventFile(run_dir / "events.out.tfevents.0000000001.host.1.0", 0.0)
    for part in parts:
        for event in part:
            file.add(event.encode())
        file.flush()
    file.close()


def steps(run_dir: AnyPath) -> dict[str, list[int]]:
    """Steps by the number of the object."""
    return {path.name[-1]: [e.step for e in read(path)][1:] for path in event_files(run_dir)}


@pytest.fixture
def run_dir(remote_dir: str) -> AnyPath:
    return to_path(remote_dir) / "logs" / "run"


def test_only_what_lies_past_the_step_is_written_again_and_what_is_empty_goes(
    run_dir: AnyPath,
) -> None:
    start = Event(0.0, 0, session=SessionStatus.START)
    write(run_dir, [start], [scalar(1), scalar(2)], [scalar(3), scalar(4)], [scalar(5)])
    first, second, third, fourth = event_files(run_dir)
    before = {path: path.read_bytes() for path in (first, second)}
    assert truncate_run(run_dir, 3) == [third, fourth]
    assert steps(run_dir) == {"0": [0], "1": [1, 2], "2": [3]}
    assert {path: path.read_bytes() for path in (first, second)} == before
    assert truncate_run(run_dir, 3) == []


def test_an_object_of_an_earlier_step_takes_over_the_metadata_of_one_that_goes(
    run_dir: AnyPath,
) -> None:
    described = scalar(9, metadata=METADATA)
    write(run_dir, [described, scalar(1, "lr")], [scalar(8)], [scalar(2), scalar(3)])
    truncate_run(run_dir, 5)
    assert steps(run_dir) == {"0": [1], "2": [2, 3]}
    (value,) = next(e for e in read(run_dir) if e.step == 2).values
    assert value == Value("loss", 2.0, metadata=METADATA)
    assert [e for e in read(run_dir) if e.step == 3] == [scalar(3)]


def test_metadata_that_the_next_session_has_of_its_own_changes_nothing(run_dir: AnyPath) -> None:
    described = scalar(9, metadata=METADATA)
    write(run_dir, [described], [scalar(2, metadata=METADATA), scalar(3)], [scalar(4)])
    gone, *others = event_files(run_dir)
    before = [path.read_bytes() for path in others]
    assert truncate_run(run_dir, 5) == [gone]
    assert [path.read_bytes() for path in others] == before


def test_a_kill_in_the_middle_loses_no_metadata(
    memory_dir: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dir = to_path(memory_dir) / "run"
    write(run_dir, [scalar(1, "lr"), scalar(9, metadata=METADATA)], [scalar(8), scalar(2)])
    written = []

    def put_one(path: UPath, data: bytes) -> None:
        if written:
            raise KeyboardInterrupt
        written.append(path)
        remote.put(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(truncation, "put", put_one)
        with pytest.raises(KeyboardInterrupt):
            truncate_run(run_dir, 5)
    truncate_run(run_dir, 5)
    values = [value for event in read(run_dir) for value in event.values]
    assert values == [Value("lr", 1.0), Value("loss", 2.0, metadata=METADATA)]


def test_damage_goes(run_dir: AnyPath) -> None:
    write(run_dir, [scalar(1), scalar(2)])
    (path,) = event_files(run_dir)
    path.write_bytes(path.read_bytes()[:-3])
    assert truncate_run(run_dir, 5) == [path]
    reading = read(run_dir)
    assert [event.step for event in reading] == [0, 1]
    assert reading.damage == []


def test_a_run_of_many_objects_is_read_in_order(run_dir: AnyPath) -> None:
    write(run_dir, *([scalar(step)] for step in range(40)))
    assert [event.step for event in read(run_dir) if event.values] == list(range(40))
    truncate_run(run_dir, 17)
    assert [event.step for event in read(run_dir) if event.values] == list(range(18))
    assert len(event_files(run_dir)) == 18


def test_a_directory_whose_name_looks_like_a_pattern_is_no_pattern(remote_dir: str) -> None:
    for name in ("trial[1]", "trial*", "trial 1"):
        run_dir = to_path(remote_dir) / name
        write(run_dir, [scalar(1)])
        assert steps(run_dir) == {"0": [1]}
        assert [event.step for event in read(str(run_dir))] == [0, 1]
    assert len(event_files(to_path(remote_dir) / "trial*")) == 1


def test_a_run_that_is_not_there_is_named(remote_dir: str) -> None:
    with pytest.raises(FileNotFoundError, match=f"got {remote_dir}/none; name the directory"):
        read(f"{remote_dir}/none")
    assert event_files(to_path(remote_dir) / "none") == []


def test_subdirectories_and_other_objects_are_no_event_files(remote_dir: str) -> None:
    run_dir = to_path(remote_dir) / "run"
    write(run_dir, [scalar(1)])
    write(run_dir / "tfevents.sub", [scalar(2)])
    for name in ("notes.txt", "x.tfevents.profile-empty"):
        run_dir.fs.pipe_file((run_dir / name).path, b"")
    assert len(event_files(run_dir)) == 1
