"""A run writes the tags of the catalogue: all of them, no others, and when the catalogue says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

from sightline.callbacks.modules import block_of, module_of
from sightline.catalogue import Row, bands, rows
from sightline.hjepa import HJEPAConfig, HJEPATrainer
from sightline.training import load_config
from tests.callbacks.tables import CALLBACKS, matches, tags_of
from tests.hjepa.conftest import TINY
from tests.loaders import Shown, read_python

LEVELS = range(3)
EPOCHS = 4
SETTINGS = (
    "model.depth=2",
    f"training.epochs={EPOCHS}",
    "loss.regularization.type=sigreg",
    "logging.experiment_name=run",
    "logging.log_frequency=2",
    "logging.monitor_frequency=3",
    "logging.gradient_frequency=4",
    "logging.quality_frequency=5",
    "logging.histogram_frequency=6",
    "logging.figure_frequency=7",
    "logging.system_seconds=1e-9",
)
# How TensorBoard calls what has no name of its own.
OWN_NAMES = {
    "__run_graph__": "run/graph",
    "_hparams_/session_start_info": "hparams",
    "_hparams_/session_end_info": "hparams",
}
# Without a GPU, without a fault of the model, and with a queue that is never full.
ABSENT = re.compile(r"system/gpu|performance/(gpu|mfu)|run/alerts|logging/dropped_calls")
FIRST_READINGS = {  # those that compare with readings before
    "ema/update_magnitude": 2,
    "ema/target_weight_stability": 2,
    "gradients/{module}_snr": 4,
}
MIN_LOSSES = 10  # of which stability/ can be told
NEEDS_LOSSES = re.compile("stability/loss_")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[HJEPATrainer, Shown]:
    place = f"logging.log_dir={tmp_path_factory.mktemp('runs')}"
    trainer = HJEPATrainer.from_config(load_config(HJEPAConfig, None, (*TINY, *SETTINGS, place)))
    trainer.train()
    return trainer, read_python(trainer.logger.run_dir)


def members(tag: str, trainer: HJEPATrainer) -> Iterator[str]:
    """The tags of a family in this run."""
    names = list(trainer.parameters)
    modules = set(map(module_of(names), names))
    blocks = {block for block in map(block_of, names) if block and not block.endswith(".0")}
    fillings = {
        "{module}": modules,
        "{layer}": names,
        "{i}": range(len(trainer.learning_rates)),
        "{name}": blocks if tag.startswith("gradients/") else ["loss"],
    }
    if "{m}" in tag:
        for low, high in combinations(LEVELS, 2):
            yield tag.replace("{l}", str(low)).replace("{m}", str(high))
        return
    fillings["{l}"] = LEVELS
    field = next((field for field in fillings if field in tag), None)
    if field is None:
        yield tag
        return
    for filling in fillings[field]:
        yield tag.replace(field, str(filling))


def expected_steps(row: Row, trainer: HJEPATrainer) -> list[int] | None:
    """When the catalogue says that a row is written; None where the clock decides."""
    last = trainer.step
    every = re.match(r"every (\S+) (steps|epochs|seconds)", row.when)
    if every is None:
        if row.when == "at the end of each epoch":
            return [trainer.steps_per_epoch * epoch for epoch in range(1, EPOCHS + 1)]
        return [0]
    room, _, key = every[1].partition(".")
    distance = getattr(getattr(trainer.config, room), key)
    if every[2] == "seconds":
        return None
    if every[2] == "epochs":
        distance *= trainer.steps_per_epoch
        return [0, *range(distance, last + 1, distance)]
    steps = [step for step in range(1, last + 1) if step == 1 or step % distance == 0]
    if NEEDS_LOSSES.match(row.tag):
        steps = [step for step in steps if step >= MIN_LOSSES]
    return steps[FIRST_READINGS.get(row.tag, 1) - 1 :]


def test_a_run_writes_all_tags_of_the_catalogue_and_no_others(
    run: tuple[HJEPATrainer, Shown],
) -> None:
    trainer, shown = run
    written = {OWN_NAMES.get(tag, tag) for tag in shown.series["."]}
    declared = {
        tag
        for row in rows()
        if not ABSENT.match(row.tag) and not row.tag.startswith("healthy/")
        for tag in members(row.tag, trainer)
    }
    declared |= {f"val/loss_h{level}" for level in LEVELS}
    declared |= set(bands(declared, num_samples=256, width=16))
    declared -= {"embeddings/projector"}  # no event: a file beside them
    assert sorted(declared - written) == []
    assert sorted(written - declared - {"run/alerts"}) == []


def test_the_projector_has_the_features_of_each_reading(run: tuple[HJEPATrainer, Shown]) -> None:
    trainer, _ = run
    config = Path(trainer.logger.run_dir, "projector_config.pbtxt").read_text("utf-8")
    assert config.count("embeddings/projector") >= 1 + trainer.step // 7


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.tag)
def test_a_tag_is_written_at_its_cadence_on_the_global_step(
    row: Row, run: tuple[HJEPATrainer, Shown]
) -> None:
    trainer, shown = run
    if ABSENT.match(row.tag) or row.kind in {"graph", "hparams", "layout", "embedding"}:
        return
    if row.tag.startswith("healthy/"):
        for tag in shown.series["."]:
            if tag.startswith("healthy/"):
                curve = tag.removeprefix("healthy/").rpartition("/")[0]
                assert shown.steps(tag) == shown.steps(curve), tag
        return
    expected = expected_steps(row, trainer)
    for tag in members(row.tag, trainer):
        steps = shown.steps(tag)
        if expected is None:
            assert steps == list(range(1, trainer.step + 1)), tag
        elif row.tag == "stability/val_train_loss_ratio":
            assert steps == expected[1:], tag  # there is no training before step 0
        else:
            assert steps == expected, tag


def test_what_the_docstrings_of_the_callbacks_tabulate_is_written(
    run: tuple[HJEPATrainer, Shown],
) -> None:
    _, shown = run
    written = {OWN_NAMES.get(tag, tag) for tag in shown.series["."]} | {"embeddings/projector"}
    documented = {tag for kind in CALLBACKS for tag in tags_of(kind) if not ABSENT.match(tag)}
    assert {d for d in documented if not any(matches(d, tag) for tag in written)} == set()


def test_the_shares_of_the_levels_add_up_to_100(run: tuple[HJEPATrainer, Shown]) -> None:
    _, shown = run
    series = shown.series["."]
    shares = [dict(series[f"loss/contribution_h{level}"]) for level in LEVELS]
    for step in shares[0]:
        assert sum(float(share[step]) for share in shares) == pytest.approx(100, rel=1e-5)
