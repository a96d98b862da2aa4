"""Which scalars the default monitors write, and when."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sightline.callbacks import (
    CollapseMonitor,
    EverySteps,
    StabilityMonitor,
)
from sightline.callbacks.modules import block_of, module_of
from sightline.catalogue import bands
from tests.callbacks.tables import tags_of

CLOCKED = re.compile("system/")  # the clock decides when these are written
OF_MODULES = ("mean", "max", "std", "total_norm", "num_nonfinite")


def due(every: int, num_steps: int, first: int = 1) -> list[int]:
    """The steps from `first` on at which a distance is due."""
    return [step for step in range(first, num_steps + 1) if EverySteps(every).is_due(step)]


def default_tags(
    names: Iterable[str],
    num_steps: int,
    *,
    every: int,
    log_every: int,
    with_features: bool = True,
    with_loss: bool = True,
    num_groups: int = 1,
    times: Sequence[str] = ("samples_per_second", "data_time_ms"),
    first: int = 1,
) -> dict[str, list[int]]:
    """Steps by scalar tag, of parameters with these names."""
    names = list(names)
    modules = list(dict.fromkeys(map(module_of(names), names)))
    blocks = list(dict.fromkeys(filter(None, map(block_of, names))))[1:]
    readings, cheap = due(every, num_steps, first), due(log_every, num_steps, first)
    found: dict[str, list[int]] = {}
    found |= {f"gradients/{module}_{x}": readings for module in modules for x in OF_MODULES}
    found |= {f"gradients/{module}_snr": readings[3:] for module in modules}
    found |= {f"gradients/layer_ratio/{block}": readings for block in blocks}
    found |= {f"updates/{module}_update_to_weight": readings for module in modules}
    found["learning_rate/avg_param_update"] = readings
    if with_features:
        spread = [tag for tag in tags_of(CollapseMonitor) if "context" not in tag]
        found |= dict.fromkeys(spread, readings)
        del found["collapse/similarity"]  # a histogram
    if with_loss:
        losses = [tag for tag in tags_of(StabilityMonitor) if "ratio" not in tag]
        told = [step for step in cheap if step >= 10]
        found |= dict.fromkeys(losses, told)
        found["train/loss"] = cheap
    found["learning_rate/base_lr"] = cheap
    found |= {f"learning_rate/param_group_{index}": cheap for index in range(num_groups)}
    names_of_times = ("step_time_ms", "logging_overhead_frac", *times)
    found |= {f"performance/{name}": cheap for name in names_of_times}
    for tag, steps in list(found.items()):
        found |= dict.fromkeys(bands([tag], num_samples=8, width=8), steps)
    return {tag: steps for tag, steps in found.items() if steps}
