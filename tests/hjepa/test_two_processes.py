"""Two processes that train together: what they share, what each has of its own, how they end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch

from sightline.hjepa import HJEPAConfig, HJEPAModel, HJEPATrainer, create_loss, create_model
from sightline.hjepa.build import create_regularizer
from sightline.hjepa.data import load_digits
from sightline.training import CheckpointManager, load_config, to_yaml
from tests.hjepa.conftest import TINY
from tests.hjepa.test_trainer import Read, curves

SETTINGS = (
    *TINY,
    "training.epochs=2",
    "training.warmup_epochs=0",
    "training.accumulation_steps=2",
    "training.clip_grad=null",
    # 5 batches for each process in an epoch: two steps of two micro-batches, and one of one.
    "data.batch_size=128",
    "loss.regularization.type=vicreg",
    "loss.target_norm=token",  # `feature` standardises over the images of one process
    "logging.log_frequency=2",
    "logging.quality_frequency=100",
    "logging.histogram_frequency=100",
    "evaluation.eval_frequency=2",
)
Notes = dict[str, Any]


class Session(NamedTuple):
    """What came of one command."""

    code: int
    stderr: str
    run_dir: Path
    notes: list[Notes]
    config: HJEPAConfig


Start = Callable[..., Session]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Starts a training of two processes, as one types it; the same command runs but once."""
    place = tmp_path_factory.mktemp("two")

    @cache
    def start(
        name: str,
        *settings: str,
        kill: str = "-1,-1",
        roll_back: int = -1,
        resume: bool = False,
    ) -> Session:
        places = (f"logging.log_dir={place / 'runs'}", f"logging.experiment_name={name}")
        config = load_config(HJEPAConfig, None, (*SETTINGS, *places, *settings))
        file, notes = place / f"{name}.yaml", place / f"notes-{name}-{resume}"
        file.write_text(to_yaml(config))
        launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2"]
        local = ["--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0", "--local-addr=127.0.0.1"]
        command = ["-m", "tests.hjepa.watched_process", "train", "hjepa", "--config", str(file)]
        done = subprocess.run(
            [*launch, *local, *command, "--device=cpu", *(["--resume=auto"] if resume else [])],
            env={
                **os.environ,
                "NOTES": str(notes),
                "KILL_RANK_AT_STEP": kill,
                "ROLL_BACK_AT_STEP": str(roll_back),
            },
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        noted = [torch.load(file, weights_only=False) for file in sorted(notes.glob("*.pt"))]
        return Session(done.returncode, done.stderr, place / "runs" / name, noted, config)

    return start


@pytest.fixture(scope="module")
def whole(start: Start) -> Session:
    """A run that nothing interrupts."""
    session = start("whole")
    assert session.code == 0, session.stderr
    return session


@pytest.fixture(scope="module")
def in_parts(start: Start) -> Session:
    """A run whose model is cut up among the processes."""
    session = start("fsdp", "training.strategy=fsdp")
    assert session.code == 0, session.stderr
    return session


def test_both_end_with_the_same_weights(whole: Session) -> None:
    first, second = (notes["last_weights"] for notes in whole.notes)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], whole.notes[0]["weights"][name]) for name in first)


def test_each_has_images_and_masks_of_its_own(whole: Session) -> None:
    first, second = whole.notes
    seen = [{row.numpy().tobytes() for row in torch.cat(n["raw_images"][:5])} for n in whole.notes]
    assert [len(rows) for rows in seen] == [5 * 128, 5 * 128]
    assert not seen[0] & seen[1]
    (_, ours), (_, theirs) = first["batches"][0], second["batches"][0]
    assert not torch.equal(ours.target_BHW, theirs.target_BHW)


def test_their_gradient_is_that_of_one_process_with_all_images(whole: Session) -> None:
    model = create_model(whole.config, load_digits()[0])
    model.load_state_dict(whole.notes[0]["weights"])
    by_process = [[model(*batch) for batch in notes["batches"]] for notes in whole.notes]
    outputs = [one for of_one in by_process for one in of_one]
    assert len(outputs) == 4
    predictions, targets, scored = (
        [torch.cat(level) for level in zip(*(getattr(one, part) for one in outputs), strict=True)]
        for part in ("predictions", "targets", "scored")
    )
    loss = create_loss(whole.config)(predictions, targets, scored).total
    regularizer = create_regularizer(whole.config)
    assert regularizer is not None
    weight = whole.config.loss.regularization.weight
    for of_all in zip(*by_process, strict=True):  # the first micro-batch of each, then the second
        for views in zip(*(one.projections for one in of_all), strict=True):
            cloud_BD = torch.cat(views)
            share = weight / 2 / len(of_all[0].projections)
            loss = loss + share * regularizer(cloud_BD, torch.Generator())
    loss.backward()
    for notes in whole.notes:
        assert notes["gradients"].keys() == {
            name for name, own in model.named_parameters() if own.grad is not None
        }
        for name, gradient in notes["gradients"].items():
            own = model.get_parameter(name).grad
            torch.testing.assert_close(gradient, own, rtol=1e-4, atol=1e-6)


def test_what_is_logged_is_the_mean_of_both(whole: Session, read_python: Read) -> None:
    logged = dict(read_python(whole.run_dir).series["."]["train/loss"])
    assert list(logged) == [1, 2, 4, 6]
    for step, value in logged.items():
        losses = [loss for notes in whole.notes for at, loss in notes["losses"] if at == step - 1]
        assert len(losses) in (2, 4)
        assert value == pytest.approx(sum(losses) / len(losses), rel=1e-5)
    assert losses[0] != losses[-1]


def test_one_writes_and_watches(whole: Session) -> None:
    assert len(list(whole.run_dir.rglob("events.out.tfevents*"))) == 1
    assert len(list(whole.run_dir.parent.glob("whole*"))) == 1
    assert whole.notes[0]["num_callbacks"] > 10
    assert whole.notes[1]["num_callbacks"] == 0
    assert whole.stderr.count("Training into") == 1


def test_sigterm_to_one_ends_all_after_the_same_step_and_the_run_resumes_exactly(
    start: Start, whole: Session, read_python: Read
) -> None:
    first = start("parts", kill="1,3")
    assert first.code == 0, first.stderr
    assert [(n["step"], n["stop_reason"]) for n in first.notes] == [(4, "SIGTERM")] * 2
    assert first.stderr.count("Stopped early: SIGTERM") == 1
    second = start("parts", resume=True)
    assert second.code == 0, second.stderr
    assert [n["losses"][0][0] for n in second.notes] == [4, 4]  # in the middle of the second epoch
    for ours, theirs in zip(second.notes, whole.notes, strict=True):
        ended, should_end = ours["last_weights"], theirs["last_weights"]
        assert all(torch.equal(ended[name], should_end[name]) for name in should_end)
    assert curves(read_python(second.run_dir)) == curves(read_python(whole.run_dir))


def test_what_the_first_wishes_to_take_back_all_take_back(start: Start, read_python: Read) -> None:
    session = start("back", roll_back=5)
    assert session.code == 0, session.stderr
    for notes in session.notes:
        # The wish of step 5 is told at step 6, the next one that is logged; there is a checkpoint
        # of step 3.
        steps = [step for step, _ in notes["losses"]]
        assert steps == [0, 0, 1, 1, 2, 3, 3, 4, 4, 5, 3, 3, 4, 4, 5]
        assert notes["learning_rate_cuts"] == ((3, 0.5),)
    first, second = (notes["last_weights"] for notes in session.notes)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert read_python(session.run_dir).steps("train/loss") == [1, 2, 4, 6]


def state_of(session: Session) -> Any:
    latest = CheckpointManager(session.run_dir / "checkpoints").latest()
    assert latest is not None
    return CheckpointManager.load(latest).state


def test_a_model_in_parts_takes_the_same_steps_and_is_saved_as_a_whole(
    whole: Session, in_parts: Session
) -> None:
    parts, expected = state_of(in_parts), state_of(whole)
    assert parts["model"].keys() == expected["model"].keys()
    for name, weight in expected["model"].items():
        torch.testing.assert_close(parts["model"][name], weight, rtol=1e-3, atol=1e-4)
    for number, moments in expected["optimizer"]["state"].items():
        for name, moment in moments.items():
            ours = parts["optimizer"]["state"][number][name]
            torch.testing.assert_close(ours, moment, rtol=1e-2, atol=1e-5)


def test_a_model_in_parts_resumes_exactly(start: Start, in_parts: Session) -> None:
    settings = ("training.strategy=fsdp",)
    first = start("fsdp-parts", *settings, kill="0,3")
    assert first.code == 0, first.stderr
    second = start("fsdp-parts", *settings, resume=True)
    assert second.code == 0, second.stderr
    ours, theirs = state_of(second), state_of(in_parts)
    assert all(torch.equal(ours["model"][name], theirs["model"][name]) for name in theirs["model"])


@pytest.mark.parametrize("kind", ["whole", "in_parts"])
def test_one_process_can_go_on_from_what_two_have_saved(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    session: Session = request.getfixturevalue(kind)
    where = CheckpointManager(session.run_dir / "checkpoints").latest()
    config = load_config(
        HJEPAConfig,
        None,
        (*SETTINGS, "training.epochs=3", f"logging.log_dir={tmp_path}", "data.batch_size=256"),
    )
    alone = HJEPATrainer.from_config(config, device="cpu", resume=str(where), callbacks=[])
    assert alone.step == 6
    assert alone.train().num_steps > 6
    model = HJEPAModel.from_pretrained(session.run_dir)
    assert model.extract_features(load_digits()[1].images_NCHW[:4]).shape == (4, 16)


@pytest.mark.parametrize(("rank", "told"), [(0, 1), (1, 0)])
def test_a_misspelt_key_is_told_by_the_first_process_alone(rank: int, told: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sightline", "train", "hjepa", "training.lrr=1"],
        env={**os.environ, "RANK": str(rank), "WORLD_SIZE": "2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("got 'training.lrr'") == told
