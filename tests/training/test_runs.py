"""A name that is used again gets a number."""

from __future__ import annotations

from pathlib import Path

from sightline.training.runs import latest_run_name, new_run_name


def test_runs_of_one_name_are_numbered(tmp_path: Path) -> None:
    for expected in ("digits", "digits-2", "digits-3"):
        assert new_run_name(tmp_path, "digits") == expected
        (tmp_path / expected).mkdir()
        assert latest_run_name(tmp_path, "digits") == expected


def test_ten_comes_after_nine(tmp_path: Path) -> None:
    for name in ("digits", "digits-9", "digits-10"):
        (tmp_path / name).mkdir()
    assert latest_run_name(tmp_path, "digits") == "digits-10"
    assert new_run_name(tmp_path, "digits") == "digits-11"


def test_other_names_do_not_count(tmp_path: Path) -> None:
    for name in ("digits-old", "my-digits", "digits.bak"):
        (tmp_path / name).mkdir()
    assert latest_run_name(tmp_path, "digits") is None
    assert new_run_name(tmp_path, "digits") == "digits"


def test_a_log_directory_that_is_not_there_holds_no_runs(tmp_path: Path) -> None:
    assert latest_run_name(tmp_path / "nowhere", "digits") is None
