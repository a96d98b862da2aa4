"""Where a training computes: on which devices, in how many processes, and how precisely."""

from __future__ import annotations

import os
from datetime import timedelta
from inspect import signature
from typing import Any, Literal, NamedTuple

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision
from lightning_fabric.plugins import Precision as Plugin
from lightning_fabric.plugins.environments.slurm import SLURMEnvironment
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.strategies.model_parallel import ModelParallelStrategy
from lightning_fabric.strategies.strategy import Strategy
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from sightline.training.sharding import shard_by

Precision = Literal["32", "bf16", "16"]
StrategyName = Literal["auto", "ddp", "fsdp"]
# The others wait that long for process 0, which alone measures the probes.
PATIENCE = timedelta(hours=2)


# Its first name until torch 2.12; this can go when nothing before 2.13 is supported.
SYNC_BUFFERS = next(
    name
    for name in ("forward_sync_buffers", "broadcast_buffers")
    if name in signature(DistributedDataParallel).parameters
)


class ScaledLoss(MixedPrecision):
    """Float16 with fused optimizers: these leave a step out by themselves, and nobody waits for it.

    Gradients that were too large for float16 are not numbers; the optimizer keeps the weights as
    they were, and the scale is halved. The step is counted all the same, schedules and moving
    averages go on: what they are of has not changed.
    """

    def unscale_gradients(self, optimizer: Optimizer) -> None:
        """Divide gradients by the scale, so that their norm can be looked at.

        Args:
            optimizer: It will be told that this is done.
        """
        assert self.scaler is not None
        self.scaler.unscale_(optimizer)


class Processes(NamedTuple):
    """How many processes train together.

    Args:
        devices: On each machine, one a device.
        num_nodes: Machines.
    """

    devices: int
    num_nodes: int


def launched_processes() -> Processes | None:
    """How many processes torchrun or SLURM has started, by what they tell each of them.

    Returns:
        Their number; None where there is no launcher.
    """
    environ = os.environ
    if TorchElasticEnvironment.detect():
        devices = int(environ["LOCAL_WORLD_SIZE"])
        return Processes(devices, int(environ["WORLD_SIZE"]) // devices)
    if SLURMEnvironment.detect():
        num_nodes = int(environ.get("SLURM_NNODES", "1"))
        return Processes(int(environ["SLURM_NTASKS"]) // num_nodes, num_nodes)
    return None


def create_fabric(
    device: str | torch.device,
    *,
    precision: Precision = "32",
    devices: int | Literal["auto"] | None = None,
    num_nodes: int | None = None,
    strategy: StrategyName = "auto",
    layers: tuple[type[nn.Module], ...] = (),
) -> Fabric:
    """What moves batches and models to devices, sets the precision and joins the processes.

    Args:
        device: cpu, cuda, cuda:1, mps or auto.
        precision: `32`; `bf16`: forward passes in bfloat16; `16`: in float16, with a loss that is
            scaled up so that small gradients do not vanish. Weights are float32 in any case.
        devices: Processes on each machine, one a device; `auto` for one on each device; None for as
            many as torchrun or SLURM has started, or 1.
        num_nodes: Machines; None for what the launcher says, or 1.
        strategy: `ddp`: each process has the whole model; `fsdp`: a part of each weight; `auto`:
            ddp where there are several processes.
        layers: The weights that `fsdp` gathers at once are those of one of these.

    Returns:
        Fabric, launched.

    Raises:
        ValueError: If the launcher has started another number of processes, or the strategy cannot
            have the precision.
    """
    if strategy == "fsdp" and precision == "16":
        raise ValueError(
            "expected training.precision to be 32 or bf16 where training.strategy is fsdp, got 16: "
            "use bf16, which needs no scaled loss"
        )
    kind, _, index = str(device).partition(":")
    if kind == "auto":
        found = torch.accelerator.current_accelerator(check_available=True)
        kind = "cpu" if found is None else found.type
    launched = launched_processes()
    usual = launched or Processes(1, 1)
    asked = Processes(
        _num_devices(kind) if devices == "auto" else devices or usual.devices,
        num_nodes or usual.num_nodes,
    )
    if launched is not None and asked != launched:
        raise ValueError(
            f"expected training.devices and training.num_nodes to be the {launched.devices} and "
            f"{launched.num_nodes} that the launcher has started, got {asked.devices} and "
            f"{asked.num_nodes}: leave both out"
        )
    fabric = Fabric(
        accelerator=kind,
        devices=[int(index)] if index else asked.devices,
        num_nodes=asked.num_nodes,
        strategy=_strategy(strategy, asked.devices * asked.num_nodes, layers),
        plugins=[_precision(precision, kind)],
    )
    fabric.launch()
    return fabric


def _num_devices(kind: str) -> int:
    return 1 if kind == "cpu" else torch.accelerator.device_count()


def _precision(precision: Precision, kind: str) -> Plugin:
    if precision == "32":
        return Plugin()
    # Made here, since Fabric itself takes float16 on a CPU for bfloat16.
    return ScaledLoss("16-mixed", kind) if precision == "16" else MixedPrecision("bf16-mixed", kind)


def _strategy(
    name: StrategyName, num_processes: int, layers: tuple[type[nn.Module], ...]
) -> Strategy | Literal["auto"]:
    if name == "fsdp":
        return ModelParallelStrategy(
            shard_by(layers),
            data_parallel_size=num_processes,
            tensor_parallel_size=1,
            timeout=PATIENCE,
        )
    if name == "ddp" or num_processes > 1:
        # No buffer changes while training, so that none has to be sent around.
        options: dict[str, Any] = {SYNC_BUFFERS: False}
        return DDPStrategy(timeout=PATIENCE, **options)
    return "auto"
