from pathlib import Path

import pytest

from sightline.board import run_names


def event_file(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "events.out.tfevents.1700000000.host").touch()


def test_a_run_is_named_by_its_path_below_the_log_directory(tmp_path: Path) -> None:
    event_file(tmp_path / "digits")
    event_file(tmp_path / "sweep" / "seed_1")
    (tmp_path / "checkpoints").mkdir()
    assert run_names(tmp_path) == ("digits", "sweep/seed_1")


def test_a_run_that_lies_in_the_log_directory_itself_is_a_dot(tmp_path: Path) -> None:
    event_file(tmp_path)
    assert run_names(tmp_path) == (".",)


def test_a_run_behind_a_link_is_found(tmp_path: Path) -> None:
    event_file(tmp_path / "disk" / "digits")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "linked").symlink_to(tmp_path / "disk" / "digits")
    assert run_names(tmp_path / "logs") == ("linked",)


def test_a_missing_directory_is_one_sentence_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"got nothing there: train first.* or name"
    ) as caught:
        run_names(tmp_path / "runs")
    assert "\n" not in str(caught.value)


def test_a_directory_without_event_files_is_one_sentence_that_says_what_to_do(
    tmp_path: Path,
) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(FileNotFoundError, match=r"event files under .*, got none: train first"):
        run_names(tmp_path)


def test_a_file_in_place_of_a_directory_is_refused(tmp_path: Path) -> None:
    event_file(tmp_path)
    [file] = tmp_path.iterdir()
    with pytest.raises(NotADirectoryError, match="name the directory that it lies in"):
        run_names(file)
