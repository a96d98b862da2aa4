"""Where, with what and on what a run was made: written once, so that it can be made again."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from sightline.callbacks.base import Callback, Trainer

PACKAGES = ("sightline", "torch", "jax", "numpy", "lightning-fabric", "tensorboard")


class RunFacts(Callback):
    """Writes two tables at the start of a run.

    | tag | meaning |
    |---|---|
    | `run/environment` | versions, machine, device, git commit and command line |
    | `run/model` | parameters of each part, and the operations of its forward pass |
    | `run/graph` | graph: the modules of the model |

    Args:
        model: A torch module.
        device: Where it trains.
        forward_flops: Floating-point operations of each part for one sample; None where they are
            not known.
    """

    def __init__(
        self, model: Any, *, device: str, forward_flops: Mapping[str, float] | None = None
    ) -> None:
        self.model = model
        self.device = device
        self.forward_flops = forward_flops

    def on_train_begin(self, trainer: Trainer) -> None:
        """Write the tables and the graph of a new run."""
        if trainer.step == 0:
            trainer.logger.log_text("run/environment", environment_table(self.device), step=0)
            table = parts_table(self.model, self.forward_flops)
            trainer.logger.log_text("run/model", table, step=0)
            trainer.logger.log_graph(self.model, step=0)


def environment_table(device: str) -> str:
    """What a run was made with, as a Markdown table.

    Args:
        device: Where it trains.

    Returns:
        Versions, machine, device, git commit and command line.
    """
    rows = [
        ("command", f"`{_command()}`"),
        ("device", device),
        ("machine", platform.platform()),
        ("python", platform.python_version()),
        *((name, version) for name in PACKAGES if (version := _version(name))),
        ("git", _git_commit()),
    ]
    return _table(("fact", "value"), [(name, value or "-") for name, value in rows])


def parts_table(model: Any, forward_flops: Mapping[str, float] | None = None) -> str:
    """How large a model is, part by part, as a Markdown table.

    Args:
        model: A torch module.
        forward_flops: Floating-point operations of each part for one sample; None where they are
            not known.

    Returns:
        Parameters of each part, and the operations of its forward pass.
    """
    counts: dict[str, list[int]] = {}
    for name, parameter in model.named_parameters():
        part = counts.setdefault(name.split(".")[0], [0, 0])
        part[not parameter.requires_grad] += parameter.numel()
    header = ["part", "trainable parameters", "frozen parameters"]
    columns: dict[str, list[float]] = {name: list(count) for name, count in counts.items()}
    if forward_flops is not None:
        header.append("forward MFLOP a sample")
        for name, column in columns.items():
            column.append(forward_flops.get(name, 0.0) / 1e6)
    columns["**all**"] = [sum(column) for column in zip(*columns.values(), strict=True)]
    rows = [
        (name, *(f"{value:,.0f}" if value >= 100 else f"{value:,.3g}" for value in column))
        for name, column in columns.items()
    ]
    return _table(header, rows)


def _command() -> str:
    """The command line; the URL of a webhook is a secret, the name of a variable is none."""
    return re.sub(r"(webhook[= ])(?!'?\$)\S+", r"\1***", shlex.join(sys.argv))


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git_commit() -> str | None:
    """Commit of the current directory, with "dirty" where it has changes."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except OSError:  # git is not installed
        return None
    return answer.stdout.strip() or None


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
