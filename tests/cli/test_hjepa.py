"""`sightline hjepa`: a trained model leaves as a file that other programs take."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from sightline.cli.app import app
from sightline.hjepa import HJEPAConfig, HJEPAModel, HJEPATrainer, load_encoder
from sightline.training import load_config
from tests.hjepa.conftest import TINY


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = f"logging.log_dir={tmp_path_factory.mktemp('runs')}"
    config = load_config(HJEPAConfig, None, (*TINY, "training.epochs=2", place))
    return Path(HJEPATrainer.from_config(config).train().run_dir)


def export(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["hjepa", "export", *map(str, arguments)])


@pytest.mark.parametrize(
    ("form", "pixels"), [("onnx", "uint8"), ("pt2", "float32"), ("safetensors", "float32")]
)
def test_the_encoder_of_a_run_is_written_and_its_shapes_are_told(
    run_dir: Path, tmp_path: Path, form: str, pixels: str
) -> None:
    path = tmp_path / f"encoder.{form}"
    result = export(run_dir, "-o", path, "--pixels", pixels)
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    first, *shapes = result.stdout.splitlines()
    assert first.startswith(f"{path}: ")
    assert first.endswith("kB")
    if form == "safetensors":
        assert shapes == [f"  read it with sightline.hjepa.load_encoder('{path}')"]
        images = torch.rand(2, 1, 8, 8)
        expected = HJEPAModel.from_pretrained(run_dir).extract_features(images)
        assert torch.equal(load_encoder(path)(images).mean(1), expected)
    else:
        assert [line.split() for line in shapes] == [
            ["images", "(B,", "1,", "8,", "8)", pixels],
            ["patch_features", "(B,", "4,", "4,", "16)", "float32"],
            ["features", "(B,", "16)", "float32"],
        ]


def test_mistakes_are_told_in_a_sentence(run_dir: Path, tmp_path: Path) -> None:
    for arguments, part in (
        ((run_dir, "-o", tmp_path / "encoder.pth"), "ends in .pt2, .onnx or .safetensors"),
        ((tmp_path, "-o", tmp_path / "encoder.pt2"), "Expected a checkpoint at"),
        ((run_dir, "-o", tmp_path / "none" / "encoder.pt2"), "expected a folder at"),
    ):
        result = export(*arguments)
        assert result.exit_code == 2, result.output
        (line,) = result.stderr.splitlines()
        assert line.startswith("sightline: ")
        assert part in line
    assert list(tmp_path.iterdir()) == []
