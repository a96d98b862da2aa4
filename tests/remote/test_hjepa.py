"""An H-JEPA run whose log lies in a remote storage, and whose checkpoints lie on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

import sightline
from sightline.hjepa import HJEPAConfig, HJEPATrainer
from sightline.training import ConfigError, load_config, to_yaml
from tests.hjepa.conftest import TINY


def test_a_run_logs_to_a_url_and_resumes_from_checkpoints_on_the_disk(
    remote_dir: str, tmp_path: Path
) -> None:
    def config(checkpoints: str, num_epochs: int) -> HJEPAConfig:
        overrides = (
            "training.epochs=2",
            f"training.stop_after_epochs={num_epochs}",
            f"logging.log_dir={remote_dir}/runs",
            "logging.experiment_name=tiny",
            f"checkpoint.checkpoint_dir={tmp_path / checkpoints}",
        )
        return load_config(HJEPAConfig, None, (*TINY, *overrides))

    for checkpoints, name in (("a", "tiny"), ("b", "tiny-2")):
        summary = HJEPATrainer.from_config(config(checkpoints, 1)).train()
        assert str(summary.run_dir) == f"{remote_dir}/runs/{name}"
    HJEPATrainer.from_config(config("b", 2), resume="auto").train()
    runs = sightline.read(f"{remote_dir}/runs").runs
    num_steps = {name: runs[name].scalars["train/loss"].steps[-1] for name in runs}
    assert num_steps == {"tiny": summary.num_steps, "tiny-2": 2 * summary.num_steps}


def test_a_url_stays_a_url_and_other_places_are_paths(tmp_path: Path) -> None:
    url = ("logging.log_dir=s3://bucket/runs", "checkpoint.checkpoint_dir=here")
    config = load_config(HJEPAConfig, None, url)
    assert config.logging.log_dir == "s3://bucket/runs"
    assert config.checkpoint.checkpoint_dir == Path("here")
    kept = tmp_path / "config.yaml"
    kept.write_text(to_yaml(config))
    assert load_config(HJEPAConfig, kept) == config
    for place in ("runs", "file://runs"):
        assert isinstance(
            load_config(HJEPAConfig, None, [f"logging.log_dir={place}"]).logging.log_dir, Path
        )


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (
            ["logging.log_dir=s3://bucket/runs"],
            "expected checkpoint.checkpoint_dir where logging.log_dir is a URL, got none for "
            "s3://bucket/runs; set it to a local folder, since checkpoints are written to a disk",
        ),
        (
            ["checkpoint.checkpoint_dir=s3://bucket/kept"],
            "checkpoint.checkpoint_dir: expected a path on the disk, got s3://bucket/kept; name a "
            "local one",
        ),
    ],
)
def test_checkpoints_need_a_disk(overrides: list[str], sentence: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(HJEPAConfig, None, overrides)
    assert str(error.value) == sentence
