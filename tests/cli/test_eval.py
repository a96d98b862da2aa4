"""`sightline eval` as a user meets it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from sightline.cli.app import app
from sightline.hjepa import HJEPAConfig, HJEPATrainer
from sightline.training import load_config
from tests.cli.test_train import assert_one_sentence, sightline
from tests.hjepa.conftest import TINY

QUICK = ("--epochs", "1", "--max-images", "120")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    settings = ("training.epochs=2", "evaluation.eval_frequency=1", f"logging.log_dir={folder}")
    trainer = HJEPATrainer.from_config(load_config(HJEPAConfig, None, (*TINY, *settings)))
    return Path(str(trainer.train().run_dir))


def invoke(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["eval", "hjepa", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def refused(*arguments: object) -> str:
    code, stdout, stderr = invoke(*arguments)
    assert (code, stdout) == (2, "")
    *_, last = stderr.strip().splitlines()
    assert last.startswith("sightline: "), stderr
    return last


def test_a_run_is_evaluated_in_tables_beside_the_untrained_encoder(run: Path) -> None:
    result = sightline("eval", "hjepa", str(run), "--untrained", *QUICK, cwd=run)
    assert result.returncode == 0, result.stderr
    for part in (
        "kNN",
        "logistic regression",
        "linear sweep",
        "attentive probe",
        "1 label a class",
        "10 labels a class",
        "the most frequent class",
        "level 2, kNN",
        "effective rank",
        "lidar",
        "untrained",
        "trained",
        "± is one standard error",
    ):
        assert part in result.stdout
    for part in ("features of 120 training images", "attentive probe", "Result: "):
        assert part in result.stderr


def test_json_holds_all_that_was_found_and_is_kept_in_the_run(run: Path) -> None:
    code, stdout, _ = invoke(run, "--json", "--checkpoint", "latest", "--untrained", *QUICK)
    assert code == 0
    found = json.loads(stdout)
    assert found == json.loads((run / "evaluation.json").read_text())
    assert found["step"] == 10
    assert found["data"]["dataset"] == "digits"
    assert found["untrained"] != found["trained"]
    trained = found["trained"]
    assert trained["scores"]["knn_accuracy"]["value"] == trained["knn"]["20"]
    assert {"features", "learning_rate"} <= trained["scores"]["linear_sweep_accuracy"][
        "head"
    ].keys()
    assert len(trained["heads"]) == 26
    assert len(trained["levels"]) == 3
    assert trained["num_train"] == trained["num_val"] == 120
    assert 0 < trained["chance"] < 0.2
    assert not (run / "evaluation.json").read_text().count("null")


def test_a_checkpoint_is_chosen_by_its_worth_its_age_its_name_or_its_place(run: Path) -> None:
    folder = run / "checkpoints"
    steps = sorted(path.name for path in folder.iterdir())
    assert steps == ["step-00000005", "step-00000010"]
    only = ("--json", "--probes", "", *QUICK)

    def step(place: Path, *which: str) -> int:
        return int(json.loads(invoke(place, *only, *which)[1])["step"])

    assert step(run, "--checkpoint", "latest") == 10
    assert step(run, "--checkpoint", "step-00000005") == 5
    assert step(run, "--checkpoint", str(folder / "step-00000005")) == 5
    assert step(folder / "step-00000005") == 5
    accuracy = {
        path.name: json.loads((path / "manifest.json").read_text())["metrics"]
        for path in folder.iterdir()
    }
    assert all("eval/knn_accuracy" in str(metrics) for metrics in accuracy.values())
    assert step(run) in {5, 10}


def test_probes_are_chosen(run: Path) -> None:
    _, stdout, _ = invoke(run, "--probes", "knn, few-label", "--json", *QUICK)
    assert list(json.loads(stdout)["trained"]["scores"]) == [
        "knn_accuracy",
        "few_label_accuracy_1",
        "few_label_accuracy_5",
        "few_label_accuracy_10",
    ]
    _, stdout, _ = invoke(run, "--probes", "", *QUICK)
    assert "kNN" not in stdout
    assert "effective rank" in stdout


def test_neighbours_are_chosen(run: Path) -> None:
    _, stdout, _ = invoke(run, "--probes", "knn", "--neighbours", "7", "--json", *QUICK)
    trained = json.loads(stdout)["trained"]
    assert trained["scores"]["knn_accuracy"]["value"] == trained["knn"]["7"]


@pytest.mark.parametrize("ending", ["npz", "parquet"])
def test_features_are_written(run: Path, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"f.{ending}"
    code, _, stderr = invoke(run, "--features", file, "--probes", "", *QUICK)
    assert code == 0
    assert f"Features: {file}" in stderr
    if ending == "npz":
        with np.load(file) as found:
            assert found["train_x"].shape == (120, 16)
            assert found["class_names"].tolist() == [str(digit) for digit in range(10)]
    else:
        import pyarrow.parquet as pq

        assert pq.read_table(file).num_rows == 240


def write_images(folder: Path, *, channels: str = "L", size: int = 8, classes: str = "ab") -> Path:
    random = np.random.default_rng(0)
    for part in ("train", "val"):
        for name in classes:
            (folder / part / name).mkdir(parents=True)
            for number in range(12):
                pixels = random.integers(0, 256, (size, size, 3), dtype=np.uint8)
                Image.fromarray(pixels).convert(channels).save(
                    folder / part / name / f"{number}.png"
                )
    return folder


@pytest.fixture(scope="module")
def photo_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    photos = write_images(folder / "photos")
    settings = (
        "data.dataset=folder",
        f"data.data_path={photos}",
        "data.batch_size=8",
        "training.epochs=1",
        "training.warmup_epochs=0",
        f"logging.log_dir={folder / 'runs'}",
    )
    trainer = HJEPATrainer.from_config(load_config(HJEPAConfig, None, (*TINY, *settings)))
    return Path(str(trainer.train().run_dir))


def test_other_data_are_taken_of_other_sizes_and_classes(photo_run: Path, tmp_path: Path) -> None:
    other = write_images(tmp_path / "other", size=16, classes="xyz")
    data = (f"data.data_path={other}", "data.image_size=16")
    _, stdout, _ = invoke(photo_run, *data, "--probes", "knn", "--json")
    found = json.loads(stdout)
    assert found["data"]["data_path"] == str(other)
    assert found["trained"]["num_train"] == 36
    assert found["trained"]["chance"] == pytest.approx(1 / 3)


def test_data_that_do_not_fit_are_one_sentence(run: Path, photo_run: Path, tmp_path: Path) -> None:
    photos = write_images(tmp_path / "photos")
    colour = ("data.dataset=folder", f"data.data_path={photos}")
    assert "1 channels" in refused(run, *colour)
    assert "nowhere/train" in refused(photo_run, "data.data_path=nowhere")
    single = write_images(tmp_path / "single", classes="a")
    assert "two classes, got one" in refused(
        photo_run, f"data.data_path={single}", "--neighbours", "5"
    )
    assert "data.pth" in refused(run, "data.pth=x")
    assert "model.depth=3" in refused(run, "model.depth=3")
    assert "multiple of the patch size" in refused(photo_run, "data.image_size=9")
    # 24 training images, and 20 neighbours by default.
    assert "k must lie between 1 and the 24" in refused(photo_run, "--neighbours", "25")


def test_a_run_without_a_checkpoint_is_one_sentence(run: Path, tmp_path: Path) -> None:
    result = sightline("eval", "hjepa", "nowhere", cwd=tmp_path)
    assert_one_sentence(result, "Expected a checkpoint", "nowhere")
    assert "Expected a checkpoint" in refused(tmp_path)
    assert "elsewhere" in refused(run, "--checkpoint", "elsewhere")


def test_bad_options_are_one_sentence_before_anything_is_computed(run: Path) -> None:
    for options, part in (
        (("--probes", "knn,svm"), "'svm'"),
        (("--features", "f.csv"), "f.csv"),
        (("--features", "nowhere/f.npz"), "nowhere"),
        (("--device", "warp"), "warp"),
    ):
        code, stdout, stderr = invoke(run, *options)
        assert (code, stdout) == (2, "")
        assert len(stderr.strip().splitlines()) == 1
        assert part in stderr
    for options in (("--epochs", "0"), ("--neighbours", "0"), ("--max-images", "0")):
        assert CliRunner().invoke(app, ["eval", "hjepa", str(run), *options]).exit_code == 2


def test_weights_that_are_not_finite_are_one_sentence(run: Path, tmp_path: Path) -> None:
    import torch

    from sightline.training import CheckpointManager

    latest = run / "checkpoints" / "step-00000010"
    state = CheckpointManager.load(latest).state
    state["model"]["target_encoder.norm.weight"] = torch.full((16,), torch.nan)
    CheckpointManager(tmp_path).save(state, step=10, epoch=2, metrics={})
    assert "Expected finite train features" in refused(tmp_path, *QUICK)


def test_the_result_of_a_run_that_cannot_be_written_to_is_printed_all_the_same(
    run: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run, copy)
    (copy / "evaluation.json").unlink(missing_ok=True)
    (copy / "evaluation.json").mkdir()
    (copy / "evaluation.json" / "in the way").touch()
    code, stdout, stderr = invoke(copy, "--probes", "", *QUICK)
    assert code == 0
    assert "effective rank" in stdout
    assert "The result is not kept" in stderr


def test_debug_shows_the_traceback(run: Path) -> None:
    with pytest.raises(ValueError, match="svm"):
        invoke(run, "--debug", "--probes", "svm")
