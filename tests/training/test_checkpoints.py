import hashlib
import json
import math
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from sightline.training.checkpoint_files import (
    MANIFEST,
    TENSORS,
    Checkpoint,
    CheckpointError,
    write_manifest,
)
from sightline.training.checkpoints import CheckpointManager
from sightline.training.optimizers import create_optimizer
from sightline.training.weights import load_weights


@pytest.fixture
def manager(tmp_path):
    return CheckpointManager(tmp_path / "checkpoints", keep_best_n=2)


def save(manager, step, loss=None):
    metrics = {} if loss is None else {"val_loss": loss}
    return manager.save(
        {"w": torch.full((3,), float(step))}, step=step, epoch=step, metrics=metrics
    )


def steps(manager):
    return sorted(int(path.name.removeprefix("step-")) for path in manager.checkpoint_dir.iterdir())


def test_what_is_saved_is_loaded(manager):
    state = {"model": {"w": torch.randn(2, 3)}, "betas": (0.9, 0.95), "ids": {0: [None, True]}}
    path = manager.save(state, step=12, epoch=3, metrics={"val_loss": 0.5, "extra": math.nan})
    got = manager.load(path)
    assert (path.name, got.step, got.epoch) == ("step-00000012", 12, 3)
    assert got.metrics["val_loss"] == 0.5
    assert math.isnan(got.metrics["extra"])
    assert torch.equal(got.state["model"].pop("w"), state["model"].pop("w"))
    assert got.state == state


def test_the_tensors_are_plain_safetensors_under_readable_names(manager):
    model = nn.Sequential(nn.Linear(2, 3))
    path = manager.save({"model": model.state_dict()}, step=1, epoch=0, metrics={})
    assert sorted(load_file(path / TENSORS)) == ["model/0.bias", "model/0.weight"]


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_training_continues_bit_for_bit_from_a_checkpoint(manager, name):
    def build():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
        return model, create_optimizer(model, name=name, lr=0.01, weight_decay=0.1)

    def train(model, optimizer, first, last):
        for step in range(first, last):
            inputs = torch.randn(16, 4, generator=torch.Generator().manual_seed(step))
            optimizer.zero_grad()
            model(inputs).square().mean().backward()
            optimizer.step()

    whole = build()
    train(*whole, 0, 20)
    first, second = build(), build()
    train(*first, 0, 10)
    state = {"model": first[0].state_dict(), "optimizer": first[1].state_dict()}
    loaded = manager.load(manager.save(state, step=10, epoch=0, metrics={})).state
    load_weights(second[0], loaded["model"])
    second[1].load_state_dict(loaded["optimizer"])
    train(*second, 10, 20)
    assert all(
        torch.equal(value, whole[0].state_dict()[key])
        for key, value in second[0].state_dict().items()
    )
    assert second[1].state_dict()["param_groups"] == whole[1].state_dict()["param_groups"]


def test_the_best_and_the_latest_are_kept(manager):
    for step, loss in ((1, 0.9), (2, 0.2), (3, 0.5), (4, 0.3), (5, 0.8), (6, 0.7)):
        save(manager, step, loss)
        assert manager.latest().name == f"step-{step:08d}"
    assert steps(manager) == [2, 4, 6]
    assert manager.best().name == "step-00000002"


def test_a_higher_metric_is_better_if_the_mode_says_so(tmp_path):
    manager = CheckpointManager(tmp_path, keep_best_n=1, metric_name="val_loss", mode="max")
    for step, value in ((1, 0.1), (2, 0.9), (3, 0.5)):
        save(manager, step, value)
    assert steps(manager) == [2, 3]
    assert manager.best().name == "step-00000002"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, None])
@pytest.mark.parametrize("mode", ["min", "max"])
def test_a_metric_that_is_no_number_is_never_best(tmp_path, bad, mode):
    manager = CheckpointManager(tmp_path, keep_best_n=1, mode=mode)
    save(manager, 1, bad)
    assert manager.best() is None
    save(manager, 2, 0.5)
    save(manager, 3, bad)
    assert manager.best().name == "step-00000002"
    assert steps(manager) == [2, 3]


def test_of_equal_metrics_the_later_is_better(manager):
    for step in (1, 2, 3):
        save(manager, step, 0.5)
    assert manager.best().name == "step-00000003"


def test_a_resumed_session_remembers_the_best_of_the_earlier_one(manager):
    for step, loss in ((1, 0.1), (2, 0.2), (3, 0.9)):
        save(manager, step, loss)
    resumed = CheckpointManager(manager.checkpoint_dir, keep_best_n=2)
    for step, loss in ((4, 0.8), (5, 0.7)):
        save(resumed, step, loss)
    assert steps(resumed) == [1, 2, 5]
    assert resumed.best().name == "step-00000001"


def test_a_run_that_went_back_continues_from_where_it_now_is(manager):
    for step in (100, 200, 300):
        save(manager, step, 0.1)
    path = save(manager, 150, 0.9)
    assert path.is_dir()
    assert manager.latest() == path


def test_saving_a_step_again_replaces_it(manager):
    save(manager, 7, 0.5)
    manager.save({"w": torch.tensor(1)}, step=7, epoch=1, metrics={"val_loss": 0.4})
    assert steps(manager) == [7]
    assert manager.load(manager.latest()).metrics == {"val_loss": 0.4}


def test_without_any_best_only_the_latest_is_kept(tmp_path):
    manager = CheckpointManager(tmp_path, keep_best_n=0)
    for step in (1, 2, 3):
        save(manager, step, 1.0 / step)
    assert steps(manager) == [3]


def test_the_last_few_are_kept_where_that_is_asked_for(tmp_path):
    manager = CheckpointManager(tmp_path, keep_best_n=1, keep_last_n=3)
    for step, loss in [(1, 0.1), (2, 0.5), (3, 0.4), (4, 0.3), (5, 0.2)]:
        save(manager, step, loss)
    assert steps(manager) == [1, 3, 4, 5]


def test_what_is_from_before_a_step_holds_nothing_of_it(tmp_path):
    manager = CheckpointManager(tmp_path, keep_last_n=9)
    for step in (0, 10, 20):
        save(manager, step)
    names = [found and found.name for found in map(manager.before, (0, 1, 10, 11, 21, 99))]
    assert names == [None, *(f"step-000000{step:02d}" for step in (0, 0, 10, 20, 20))]


def test_what_is_discarded_is_not_resumed_from(tmp_path):
    manager = CheckpointManager(tmp_path, keep_last_n=9)
    for step in (0, 10, 20, 30):
        save(manager, step, 1 / (step + 1))
    manager.discard_after(10)
    assert steps(manager) == [0, 10]
    assert manager.latest() == manager.best() == tmp_path / "step-00000010"


def test_it_is_time_to_save_after_every_so_many_finished_epochs(tmp_path):
    manager = CheckpointManager(tmp_path, save_frequency=3)
    assert [epoch for epoch in range(10) if manager.should_save(epoch)] == [3, 6, 9]


def test_what_a_killed_process_left_is_ignored_and_then_removed(manager):
    whole = save(manager, 1, 0.5)
    leftover = manager.checkpoint_dir / ".unfinished-step-00000002"
    leftover.mkdir()
    (leftover / TENSORS).write_bytes(b"\x10")
    assert manager.latest() == manager.best() == whole
    save(manager, 2, 0.4)
    assert steps(manager) == [1, 2]


def test_a_process_killed_while_it_replaces_a_step_leaves_the_old_one(manager):
    path = save(manager, 5, 0.5)
    path.rename(path.with_name("step-00000005.old"))
    latest = manager.latest()
    assert manager.load(latest).step == 5
    save(manager, 5, 0.4)
    assert steps(manager) == [5]
    assert manager.load(manager.latest()).metrics == {"val_loss": 0.4}


def test_a_process_killed_at_any_moment_leaves_a_whole_latest(tmp_path):
    script = """
import sys, torch
from sightline.training.checkpoints import CheckpointManager
manager = CheckpointManager(sys.argv[1], keep_best_n=1)
for step in range(1, 100_000):
    state = {"w": torch.full((200_000,), float(step))}
    manager.save(state, step=step, epoch=0, metrics={"val_loss": 1.0 / step})
    print(step, flush=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    with process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < 5:
            pass
        process.kill()
        seen = [5, *map(int, process.stdout.read().split())][-1]
    manager = CheckpointManager(tmp_path, keep_best_n=1)
    checkpoint = manager.load(manager.latest())
    assert checkpoint.step in {seen, seen + 1}
    assert torch.equal(checkpoint.state["w"], torch.full((200_000,), float(checkpoint.step)))
    save(manager, checkpoint.step + 1, 0.0)
    assert not list(tmp_path.glob(".unfinished*"))


def truncate(path):
    data = (path / TENSORS).read_bytes()
    (path / TENSORS).write_bytes(data[:-1])


def flip(path):
    data = bytearray((path / TENSORS).read_bytes())
    data[-1] ^= 1
    (path / TENSORS).write_bytes(data)


def edit(path, **changes):
    manifest = json.loads((path / MANIFEST).read_text())
    (path / MANIFEST).write_text(json.dumps(manifest | changes))


def drop(path, key):
    manifest = json.loads((path / MANIFEST).read_text())
    del manifest[key]
    (path / MANIFEST).write_text(json.dumps(manifest))


def forge(path, **changes):
    """Edit as one who knows the format, so that the manifest's own number is right."""
    write_manifest(path, json.loads((path / MANIFEST).read_text()) | changes)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, r"Expected the \d+ bytes .*, got \d+ bytes that differ"),
        (flip, r"Expected the (\d+) bytes .*, got \1 bytes that differ"),
        (lambda path: (path / TENSORS).unlink(), "got 0 bytes that differ"),
        (lambda path: (path / MANIFEST).write_text('{"format": '), "got a damaged manifest"),
        (lambda path: (path / MANIFEST).write_bytes(b"\xff\x00"), "got a damaged manifest"),
        (lambda path: (path / MANIFEST).write_text("[]"), "of the format 'sightline-checkpoint'"),
        (lambda path: edit(path, format="other"), "of the format 'sightline-checkpoint'"),
        (lambda path: edit(path, version=99), "version 1 .* got 99; use the sightline release"),
        (lambda path: drop(path, "state"), "got one without 'state'"),
        (lambda path: drop(path, "sha256"), "got one without 'sha256'"),
        (lambda path: edit(path, state={"$tensor": "gone"}), "got a damaged one"),
        (lambda path: edit(path, step=2), "got a damaged one that differs"),
        (lambda path: edit(path, metrics={"val_loss": 0.1}), "got a damaged one that differs"),
        (lambda path: edit(path, sha256="0" * 64), "got a damaged one that differs"),
        (lambda path: forge(path, state={"$tensor": "gone"}), "got a damaged one"),
        (lambda path: forge(path, step="2"), "got a damaged one"),
        (lambda path: forge(path, files={}), "got a damaged one"),
        (lambda path: forge(path, files=[TENSORS]), "got a damaged one"),
        (lambda path: forge(path, files={TENSORS: None}), "got a damaged one"),
        (lambda path: forge(path, state={"$items": [[]]}), "got a damaged one"),
        (lambda path: forge(path, metrics={"$float": "low"}), "got a damaged one"),
    ],
)
def test_a_damaged_or_foreign_checkpoint_is_refused_in_a_sentence(manager, damage, message):
    path = save(manager, 1, 0.5)
    damage(path)
    with pytest.raises(CheckpointError, match=message) as caught:
        manager.load(manager.latest())
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_latest_is_an_error_and_not_a_silent_step_back(manager):
    save(manager, 1, 0.5)
    (save(manager, 2, 0.4) / MANIFEST).write_text("")
    with pytest.raises(CheckpointError, match="step-00000002"):
        manager.load(manager.resolve("auto"))


def test_a_checkpoint_that_cannot_be_read_is_neither_ranked_nor_removed(manager):
    edit(save(manager, 1, 0.1), version=2)
    for step, loss in ((2, 0.5), (3, 0.4), (4, 0.3)):
        save(manager, step, loss)
    assert steps(manager) == [1, 3, 4]
    assert manager.best().name == "step-00000004"


class Evil:
    """What makes a file when it is unpickled."""

    def __init__(self, proof):
        self.proof = proof

    def __reduce__(self):
        return Path.touch, (self.proof,)


@pytest.mark.parametrize("write", [torch.save, lambda evil, file: file.write(pickle.dumps(evil))])
@pytest.mark.parametrize("is_forged", [False, True])
def test_a_checkpoint_runs_nothing_when_it_is_loaded(manager, tmp_path, write, is_forged):
    path, proof = save(manager, 1, 0.5), tmp_path / "it ran"
    with (path / TENSORS).open("wb") as file:
        write(Evil(proof), file)
    if is_forged:
        data = (path / TENSORS).read_bytes()
        print_of_it = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        forge(path, files={TENSORS: print_of_it})
    with pytest.raises(CheckpointError):
        manager.load(path)
    assert not proof.exists()
    file = (path / TENSORS).rename(tmp_path / "evil.pt")
    if write is torch.save:
        torch.load(file, weights_only=False)
    else:
        pickle.loads(file.read_bytes())
    assert proof.exists()  # by the usual way it would have


@pytest.mark.parametrize("name", ["evil.pt", "evil.bin", "tensors.safetensors", "manifest.json"])
def test_a_file_is_no_checkpoint_and_is_not_opened(manager, tmp_path, name):
    file = tmp_path / name
    torch.save(Evil(tmp_path / "it ran"), file)
    with pytest.raises(CheckpointError, match=f"at '.*{name}', got a file, which is not opened"):
        manager.resolve(file)
    assert not (tmp_path / "it ran").exists()


def test_auto_is_the_latest_and_a_path_is_itself_or_its_latest(manager):
    assert manager.resolve("auto") is None
    first, second = save(manager, 1, 0.1), save(manager, 2, 0.2)
    assert manager.resolve("auto") == second
    assert manager.resolve(str(first)) == first
    assert manager.resolve(manager.checkpoint_dir) == second


def test_a_path_without_a_checkpoint_is_refused_in_a_sentence(manager, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"at '.*nowhere', got no such directory"):
        manager.resolve(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match="got a directory without one"):
        manager.resolve(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"manifest\.json at .*, got no such file"):
        manager.load(tmp_path)


def test_a_directory_that_cannot_be_made_is_named_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"for checkpoints at '.*file', got .*; set another"):
        CheckpointManager(tmp_path / "file").prepare()
    with pytest.raises(OSError, match=r"for checkpoints at '.*deep', got .*; set another"):
        CheckpointManager(tmp_path / "file" / "deep").prepare()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_without_write_permission_is_named_before_training(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OSError, match="without write permission"):
        CheckpointManager(tmp_path).prepare()


def test_looking_for_checkpoints_makes_no_directory(manager):
    assert (manager.latest(), manager.best()) == (None, None)
    assert not manager.checkpoint_dir.exists()


def test_a_checkpoint_may_be_moved(manager, tmp_path):
    path = save(manager, 3, 0.5)
    moved = shutil.copytree(path, tmp_path / "my-best-model")
    got = manager.load(manager.resolve(moved))
    assert isinstance(got, Checkpoint)
    assert got.step == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keep_best_n": -1}, "keep_best_n must be at least 0, got -1"),
        ({"save_frequency": 0}, "save_frequency must be at least 1, got 0"),
        ({"mode": "low"}, "mode must be 'min' or 'max', got 'low'"),
    ],
)
def test_options_out_of_range_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        CheckpointManager(tmp_path, **options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda weights: weights | {"1.weight": torch.zeros(2, 9)},
            r"Expected '1.weight' of the encoder to have shape \(2, 4\), got \(2, 9\) in",
        ),
        (
            lambda weights: {k: v for k, v in weights.items() if k != "1.bias"},
            r"Expected '1.bias' of the encoder to have shape \(2,\), got no such tensor in",
        ),
        (
            lambda weights: weights | {"2.bias": torch.zeros(5)},
            r"got '2.bias' of shape \(5,\) in the checkpoint; use the configuration",
        ),
    ],
)
def test_weights_of_another_shape_change_nothing_and_are_named(change, message):
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    others = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)).state_dict()
    with pytest.raises(ValueError, match=message) as caught:
        load_weights(model, change(others), what="encoder")
    assert "\n" not in str(caught.value)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
