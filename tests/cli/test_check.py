"""`sightline check` as a user meets it, on logs of ours and of others."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tensorboardX import SummaryWriter
from typer.testing import CliRunner, Result

from sightline import MetricsLogger
from sightline.callbacks import HealthMonitor
from sightline.cli.app import app
from sightline.health import Facts, hjepa
from tests.cli.logs import event_file, write_log

NUM_STEPS = 600
NOISE = np.random.default_rng(0).standard_normal(NUM_STEPS)
FALLING = (0.3 + 2 * np.exp(-np.arange(NUM_STEPS) / 100)) * (1 + 0.03 * NOISE)


def check(*arguments: Any) -> Result:
    return CliRunner().invoke(app, ["check", *map(str, arguments)])


def foreign(logdir: Path, **columns: Any) -> Path:
    """A log of somebody else's."""
    with SummaryWriter(str(logdir / "theirs")) as writer:
        for name, values in columns.items():
            for step, value in enumerate(values, start=1):
                writer.add_scalar(name.replace("__", "/"), float(value), step)
    return logdir


def changed(at: int, value: float) -> np.ndarray:
    values = FALLING.copy()
    values[at] = value
    return values


def test_a_healthy_log_is_called_healthy(tmp_path: Path) -> None:
    result = check(foreign(tmp_path, loss=FALLING, lr=np.linspace(1, 0.1, NUM_STEPS)))
    assert (result.exit_code, result.stdout) == (0, "theirs: healthy\n")


@pytest.mark.parametrize("name", ["Loss__train", "train_loss", "loss", "train__loss"])
def test_a_broken_loss_is_found_whatever_its_common_name(tmp_path: Path, name: str) -> None:
    result = check(foreign(tmp_path, **{name: changed(400, math.nan)}))
    assert result.exit_code == 1
    assert "theirs: 1 error" in result.stdout
    words = " ".join(result.stdout.split())
    assert f"ERROR {name.replace('__', '/')} is nan, step 401. Weights or activations" in words
    assert "See docs/concepts/stability.md." in words


def test_warnings_fail_where_they_are_to(tmp_path: Path) -> None:
    log = foreign(tmp_path, loss=changed(400, 9.0))
    result = check(log)
    assert result.exit_code == 0
    assert "WARN loss is" in result.stdout
    assert check(log, "--fail-on", "warn").exit_code == 1


def test_a_tag_map_says_which_curve_is_which(tmp_path: Path) -> None:
    log = foreign(tmp_path, my_objective=changed(400, 9.0), step_size=np.full(NUM_STEPS, 0.1))
    assert check(log, "--fail-on", "warn").exit_code == 0  # nobody knows what these are
    names = tmp_path / "names.yaml"
    names.write_text("loss: my_objective\nlearning_rate/avg_param_update: step_size\n")
    result = check(log, "--fail-on", "warn", "--tag-map", names)
    assert result.exit_code == 1
    assert "WARN my_objective is" in result.stdout


def test_a_preset_judges_what_it_knows(tmp_path: Path) -> None:
    collapsed = np.full(NUM_STEPS, 1e-5)
    log = foreign(tmp_path, loss_components__kl_divergence=collapsed)
    result = check(log, "--preset", "vae")
    assert "Not judged, as the shape of the features is not known" in " ".join(
        result.stdout.split()
    )
    sure = foreign(tmp_path / "gan", gan__discriminator__real_score=np.full(NUM_STEPS, 0.999))
    assert "WARN gan/discriminator/real_score" in check(sure, "--preset", "gan").stdout
    assert check(sure).stdout == "theirs: healthy\n"


def log_ours(logdir: Path, rank: float) -> Path:
    """A run that says itself what it is judged by."""
    facts = Facts(num_samples=256, width=64, warmup_steps=100, settle_steps=500)
    monitor = HealthMonitor(hjepa(facts))
    with MetricsLogger("ours", logdir) as logger:
        trainer: Any = SimpleNamespace(step=0, logger=logger)
        monitor.on_train_begin(trainer)
        for step in range(50, 1050, 50):
            logger.log_metrics({"collapse/effective_rank": rank}, step=step)
    return logdir


def test_a_run_of_ours_is_judged_by_its_own_facts(tmp_path: Path) -> None:
    assert check(log_ours(tmp_path / "well", 30.0)).stdout == "ours: healthy\n"
    result = check(log_ours(tmp_path / "sick", 5.0), "--fail-on", "warn")
    assert result.exit_code == 1
    words = " ".join(result.stdout.split())
    assert "collapse/effective_rank is 7.812 % of min(N - 1, D) (limit 10), steps 150 to" in words


def test_the_facts_stay_where_another_preset_is_asked_for(tmp_path: Path) -> None:
    log = log_ours(tmp_path, 5.0)
    assert check(log, "--preset", "hjepa", "--fail-on", "warn").exit_code == 1
    assert check(log, "--preset", "generic", "--fail-on", "warn").exit_code == 0


def test_json_holds_all_of_it(tmp_path: Path) -> None:
    result = check(foreign(tmp_path, loss=changed(400, math.inf)), "--json")
    assert result.exit_code == 1
    document = json.loads(result.stdout)["theirs"]
    assert document["passed"] is False
    (finding,) = document["findings"]
    assert finding["level"] == "error"
    assert (finding["rule"], finding["tag"], finding["value"]) == ("non_finite", "loss", "Infinity")
    assert (finding["first_step"], finding["last_step"], finding["limit"]) == (401, 401, None)
    assert finding["remedy"]
    assert "val/loss" in document["unmeasured"]


def test_runs_can_be_chosen(tmp_path: Path) -> None:
    log = foreign(log_ours(tmp_path, 30.0), loss=changed(400, math.nan))
    assert check(log).exit_code == 1
    result = check(log, "--run", "ours")
    assert (result.exit_code, result.stdout) == (0, "ours: healthy\n")


def test_damage_is_told_and_the_rest_is_judged(tmp_path: Path) -> None:
    logdir = write_log(tmp_path / "runs")
    path = event_file(logdir, "baseline")
    path.write_bytes(path.read_bytes()[:-5])
    result = check(logdir)
    assert "torn" in result.stderr
    assert "baseline:" in result.stdout


def as_map(text: str) -> Callable[[Path], list[str]]:
    def write(folder: Path) -> list[str]:
        (folder / "map.yaml").write_text(text)
        return ["--tag-map", str(folder / "map.yaml")]

    return write


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (lambda _: ["--preset", "bert"], "expected --preset to be one of hjepa, hnerv, vae, gan"),
        (as_map("loss: [a]"), "expected a mapping of roles to tags in"),
        (as_map("- loss"), "expected a mapping of roles to tags in"),
        (as_map("loss: {"), "expected YAML in"),
        (as_map("cost: loss"), "expected a role among loss, val_loss, val_accuracy, lr"),
        (as_map("loss: no_such"), "expected the tags of the map in run 'theirs', got no 'no_such'"),
        (lambda _: ["--run", "nobody"], "expected runs with scalars in"),
        (lambda _: ["--fail-on", "info"], "Invalid value for '--fail-on'"),
    ],
)
def test_a_mistake_is_one_sentence_and_2(
    tmp_path: Path, options: Callable[[Path], list[str]], message: str
) -> None:
    log = foreign(tmp_path / "log", loss=FALLING[:5])
    result = check(log, *options(tmp_path))
    assert result.exit_code == 2
    assert message in result.stderr
