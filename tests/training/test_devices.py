"""Where a training computes, and what is told of settings that cannot be."""

from __future__ import annotations

import pytest
import torch

from sightline.training.devices import Processes, create_fabric, launched_processes


def test_without_a_launcher_there_is_one_process() -> None:
    assert launched_processes() is None
    fabric = create_fabric("cpu")
    assert (fabric.world_size, fabric.device) == (1, torch.device("cpu"))


def test_torchrun_says_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"TORCHELASTIC_RUN_ID": "1", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4", "RANK": "0"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert launched_processes() == Processes(devices=4, num_nodes=2)
    with pytest.raises(ValueError, match=r"to be the 4 and 2 that .* got 3 and 2: leave both out"):
        create_fabric("cpu", devices=3)
    with pytest.raises(ValueError, match="got 4 and 1: leave both out"):
        create_fabric("cpu", num_nodes=1)


def test_slurm_says_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"SLURM_NTASKS": "16", "SLURM_NNODES": "2", "SLURM_JOB_NAME": "h"}.items():
        monkeypatch.setenv(name, value)
    assert launched_processes() == Processes(devices=8, num_nodes=2)
    monkeypatch.setenv("SLURM_JOB_NAME", "bash")  # somebody types on a node of the cluster
    assert launched_processes() is None


def test_a_model_in_parts_has_no_scaled_loss() -> None:
    with pytest.raises(ValueError, match=r"32 or bf16 .* fsdp, got 16: use bf16"):
        create_fabric("cpu", precision="16", strategy="fsdp")


@pytest.mark.parametrize(
    ("precision", "dtype"),
    [("32", torch.float32), ("bf16", torch.bfloat16), ("16", torch.float16)],
)
def test_precision_is_that_of_the_forward_pass(precision: str, dtype: torch.dtype) -> None:
    fabric = create_fabric("cpu", precision=precision)  # type: ignore[arg-type]
    layer = torch.nn.Linear(2, 2)
    seen: list[torch.dtype] = []
    layer.register_forward_hook(lambda module, given, result: seen.append(result.dtype))
    module = fabric.setup_module(layer)
    module(torch.ones(1, 2))
    assert seen == [dtype]
    assert layer.weight.dtype == torch.float32
