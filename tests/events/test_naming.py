from __future__ import annotations

from pathlib import Path

import pytest
from tensorboard.backend.event_processing import io_wrapper

from sightline.events import event_files, next_event_file

NOW = 1_700_000_000.9


def touch(path: Path) -> str:
    path.touch()
    return path.name


def test_the_name_follows_the_convention(tmp_path: Path) -> None:
    path = next_event_file(tmp_path, NOW)
    assert path.name.startswith("events.out.tfevents.1700000000.")
    assert io_wrapper.IsTensorFlowEventsFile(str(path))


@pytest.mark.parametrize("now", [NOW, NOW - 1, NOW - 1e9, 0.0, NOW + 1])
def test_a_later_file_sorts_later_whatever_the_clock_says(tmp_path: Path, now: float) -> None:
    names = [touch(next_event_file(tmp_path, NOW))]
    names += [touch(next_event_file(tmp_path, now)) for _ in range(3)]
    assert names == sorted(set(names))
    lengths = {len(name.rpartition(".")[0]) for name in names}
    assert len(lengths) == 1, "the names keep to the convention"
    assert [path.name for path in event_files(tmp_path)] == names


@pytest.mark.parametrize(
    "name",
    [
        "events.out.tfevents.9999999999.host",
        "zzz.tfevents",
        "events.out.tfevents.17",
        "ünï.tfevents",
    ],
)
def test_it_sorts_after_files_of_other_programs(tmp_path: Path, name: str) -> None:
    touch(tmp_path / name)
    later = [touch(next_event_file(tmp_path, NOW)) for _ in range(2)]
    assert [path.name for path in event_files(tmp_path)] == [name, *later]


def test_only_event_files_of_this_very_run_count(tmp_path: Path) -> None:
    for name in ("notes.txt", "events.out.tfevents.1.profile-empty", ".resume.tmp"):
        touch(tmp_path / name)
    (tmp_path / "tfevents.directory").mkdir()
    assert event_files(tmp_path) == []
