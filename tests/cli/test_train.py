"""The command line as a user meets it: real processes, real messages, real exit codes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hjepa.conftest import TINY


def sightline(*arguments: str, cwd: Path, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sightline", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


def assert_one_sentence(result: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("sightline: ")
    for part in parts:
        assert part in lines[0]


def test_a_run_ends_with_a_table_and_the_next_line_to_type(tmp_path: Path) -> None:
    result = sightline("train", "hjepa", *TINY, "training.epochs=2", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    for part in (
        "loss, level 0",
        "loss, level 2",
        "effective rank",
        "kNN accuracy",
        "linear probe, all labels",
        "linear probe, 5 labels a class",
        "untrained",
        "Next: make board",
    ):
        assert part in result.stdout
    assert "step 10/10" in result.stderr
    assert list((tmp_path / "runs" / "hjepa").glob("events.out.tfevents.*"))


@pytest.mark.parametrize(
    ("mistake", "parts"),
    [
        ("training.ephocs=3", ("training.ephocs", "training.epochs")),
        ("trainning.epochs=3", ("trainning", "training")),
        ("training.epochs=many", ("training.epochs", "many")),
        ("epochs", ("epochs", "key")),
        ("loss.hierarchy_weights=[1,1]", ("hierarchy_weights", "2")),
        ("data.batch_size=5000", ("data.batch_size=5000", "1437")),
        ("data.image_size=12", ("data.image_size", "12")),
        ("model.patch_size=3", ("patch size", "3")),
        ("model.num_hierarchies=7", ("hierarchy_weights",)),
        ("device=warp", ("warp",)),
    ],
)
def test_a_bad_setting_is_one_sentence_before_any_training(
    tmp_path: Path, mistake: str, parts: tuple[str, ...]
) -> None:
    result = sightline("train", "hjepa", mistake, cwd=tmp_path)
    assert_one_sentence(result, *parts)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_configuration_is_one_sentence(tmp_path: Path) -> None:
    result = sightline("train", "hjepa", "--config", "nowhere.yaml", cwd=tmp_path)
    assert_one_sentence(result, "nowhere.yaml")


def test_an_unreadable_image_folder_is_one_sentence(tmp_path: Path) -> None:
    folder = ("data.dataset=folder", "data.data_path=images")
    assert_one_sentence(sightline("train", "hjepa", *folder, cwd=tmp_path), "images/train")
    broken = tmp_path / "images" / "train" / "cat" / "1.png"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"not an image")
    assert_one_sentence(sightline("train", "hjepa", *folder, cwd=tmp_path), "cat/1.png")


def test_a_checkpoint_that_does_not_fit_is_one_sentence(tmp_path: Path) -> None:
    short = (*TINY, "training.epochs=2", "training.stop_after_epochs=1")
    assert sightline("train", "hjepa", *short, cwd=tmp_path).returncode == 0
    wider = ("model.embed_dim=32", "--resume", "auto")
    result = sightline("train", "hjepa", *short, *wider, cwd=tmp_path)
    assert_one_sentence(result, "shape", "32", "16")
    result = sightline("train", "hjepa", *short, "--resume", "elsewhere", cwd=tmp_path)
    assert_one_sentence(result, "elsewhere")


def test_a_log_directory_without_write_permission_is_one_sentence(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    command = [sys.executable, "-m", "sightline", "train", "hjepa", f"logging.log_dir={locked}"]
    if os.geteuid() == 0:
        # Root may write anywhere, unless it is without the capability to do so.
        assert shutil.which("setpriv"), "install util-linux to test as root"
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert_one_sentence(result, str(locked))


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    result = sightline("train", "hjepa", "--debug", "training.ephocs=3", cwd=tmp_path)
    assert result.returncode != 0
    assert "Traceback" in result.stderr


def test_ctrl_c_leaves_a_run_that_goes_on(tmp_path: Path) -> None:
    settings = (*TINY, "training.epochs=400", "checkpoint.save_frequency=400")
    command = [sys.executable, "-m", "sightline", "train", "hjepa", *settings]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "step 200/2000" in line:
            break
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "--resume auto" in stderr
    assert "kNN accuracy" in stdout
    rest = sightline(
        "train",
        "hjepa",
        *settings,
        "training.stop_after_epochs=1",
        "--resume",
        "auto",
        cwd=tmp_path,
    )
    assert rest.returncode == 0, rest.stderr


def test_config_show_prints_what_is_in_force(tmp_path: Path) -> None:
    result = sightline("config", "show", "training.lr=0.5", cwd=tmp_path)
    assert result.returncode == 0
    assert "lr: 0.5" in result.stdout
    (tmp_path / "same.yaml").write_text(result.stdout)
    again = sightline("config", "show", "--config", "same.yaml", cwd=tmp_path)
    assert again.stdout == result.stdout


def test_config_schema_is_json_schema_of_the_keys(tmp_path: Path) -> None:
    import json

    schema = json.loads(sightline("config", "schema", "hjepa", cwd=tmp_path).stdout)
    assert "training" in schema["properties"]
    assert "lr" in schema["$defs"]["TrainingConfig"]["properties"]
