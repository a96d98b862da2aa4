"""How far an optimizer step moves the weights: measured, not learning rate times gradient.

A mapping without tensors, or two that differ in names or shapes, is a ValueError.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from sightline.diagnostics.gradients import module_norms
from sightline.diagnostics.modules import ModuleOf, differences, first_component, in_pairs, norm
from sightline.diagnostics.precision import Array, measuring


class ModuleRatios(NamedTuple):
    """A ratio by module.

    Args:
        names: Name of each module.
        ratio: The ratios, shape (modules,).
    """

    names: tuple[str, ...]
    ratio: Array


def update_to_weight(
    before: Mapping[str, Array],
    after: Mapping[str, Array],
    module_of: ModuleOf = first_component,
) -> ModuleRatios:
    """Norm of the applied step over the norm of the weights, by module.

        ratio = |after - before| / |before|

    How to read it: about 1e-3 is usual. Below 1e-5 the module stands still, above 1e-1 it is
    rewritten every ten steps. Modules that differ by 100 want learning rates of their own. Blind
    spot: it does not tell a direction that is kept from one that flips at every step.

    Cost: a copy of the weights before the step and two passes.

    Args:
        before: Weights before the step, by name; a copy, since optimizers change them in place.
        after: Weights after it, of the same names and shapes.
        module_of: Gives the module of a name.

    Returns:
        Names and ratios. NaN where a module's weights were all 0: a first step from 0 has no scale.

    Example:
        >>> import numpy as np
        >>> step = update_to_weight({"a.w": np.array([3.0, 4.0])}, {"a.w": np.array([3.0, 4.005])})
        >>> step.names, step.ratio.round(6).tolist()
        (('a',), [0.001])
    """
    pairs = in_pairs(before, after)
    with measuring(*(x for pair in pairs.values() for x in pair)) as (xp, *arrays):
        old, new = arrays[::2], arrays[1::2]
        weights = module_norms(dict(zip(pairs, old, strict=True)), module_of)
        steps = module_norms(dict(zip(pairs, differences(new, old), strict=True)), module_of)
        scale = xp.where(weights.norm == 0, float("nan"), weights.norm)
        return ModuleRatios(weights.names, steps.norm / scale)


def update_rms(before: Mapping[str, Array], after: Mapping[str, Array]) -> Array:
    """Root mean square of the applied step over all weights.

    How to read it: for Adam-like optimizers it follows the learning rate, at 0.2 to 1 times its
    value; a step that is far from that is clipped, decayed or frozen. Blind spot: large modules
    outvote small ones; `update_to_weight` shows them apart.

    Args:
        before: Weights before the step, by name; a copy.
        after: Weights after it, of the same names and shapes.

    Returns:
        0-d array, at least 0, in units of the weights; NaN if the tensors hold no value.

    Example:
        >>> import numpy as np
        >>> float(update_rms({"w": np.zeros(4)}, {"w": np.array([2.0, 0.0, 0.0, 0.0])}))
        1.0
    """
    pairs = in_pairs(before, after)
    num_values = sum(math.prod(x.shape) for x in before.values())
    with measuring(*(x for pair in pairs.values() for x in pair)) as (xp, *arrays):
        length = norm(xp, differences(arrays[1::2], arrays[::2]))
        return length * (num_values**-0.5 if num_values else float("nan"))
