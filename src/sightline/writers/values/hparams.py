"""The settings of a run, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sightline.events import RunStatus
from sightline.writers.values.base import Value


@dataclass(frozen=True, slots=True)
class HParams(Value):
    """The settings of a run.

    Args:
        hparams: Setting by name.
        start_secs: When the run started, in seconds since 1970.
        group_name: What runs have in common that differ in their seed alone; empty for a run of
            its own.
    """

    hparams: Mapping[str, bool | float | str]
    start_secs: float
    group_name: str = ""


@dataclass(frozen=True, slots=True)
class RunEnd(Value):
    """How a run ended.

    Args:
        status: Success or failure.
        end_secs: When, in seconds since 1970.
    """

    status: RunStatus
    end_secs: float
