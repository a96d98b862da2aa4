"""Where, with what and on what a run was made: written once, so that it can be made again."""

from __future__ import annotations

import importlib.metadata
import platform
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
    | `run/model` | trainable and frozen parameters of each part |

    Args:
        parameters: The model's parameters by dotted name.
        device: Where the model trains.
    """

    def __init__(self, parameters: Mapping[str, Any], *, device: str) -> None:
        self.parameters = dict(parameters)
        self.device = device

    def on_train_begin(self, trainer: Trainer) -> None:
        """Write the tables of a new run."""
        if trainer.step == 0:
            trainer.logger.log_text("run/environment", self._environment(), step=0)
            trainer.logger.log_text("run/model", self._model(), step=0)

    def _environment(self) -> str:
        rows = [
            ("command", shlex.join(sys.argv)),
            ("device", self.device),
            ("machine", platform.platform()),
            ("python", platform.python_version()),
            *((name, version) for name in PACKAGES if (version := _version(name))),
            ("git", _git_commit()),
        ]
        return _table(("fact", "value"), [(name, value or "-") for name, value in rows])

    def _model(self) -> str:
        counts: dict[str, list[int]] = {}
        for name, parameter in self.parameters.items():
            part = counts.setdefault(name.split(".")[0], [0, 0])
            part[not parameter.requires_grad] += parameter.numel()
        total = [sum(column) for column in zip(*counts.values(), strict=True)]
        rows = [*counts.items(), ("**all**", total)]
        return _table(
            ("part", "trainable parameters", "frozen parameters"),
            [(name, f"{trained:,}", f"{frozen:,}") for name, (trained, frozen) in rows],
        )


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
