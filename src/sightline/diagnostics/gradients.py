"""How large gradients are, how evenly they flow, and how much of them is noise.

Gradients come by name; a mapping without any is a ValueError.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import NamedTuple

from array_api_compat import is_torch_array

from sightline.diagnostics.cached_moments import Moments, cached_moments
from sightline.diagnostics.modules import (
    ModuleOf,
    by_module,
    first_component,
    norm,
    norms,
    quotient,
)
from sightline.diagnostics.precision import Array, measuring


class ModuleStatistics(NamedTuple):
    """Statistics by module; each array has shape (modules,).

    Args:
        names: Name of each module.
        mean_abs: Mean magnitude.
        max_abs: Largest magnitude.
        std: Standard deviation over all values (population).
        norm: L2 norm over all values.
        num_nonfinite: How many values are infinite or NaN.
    """

    names: tuple[str, ...]
    mean_abs: Array
    max_abs: Array
    std: Array
    norm: Array
    num_nonfinite: Array


class ModuleNorms(NamedTuple):
    """L2 norm by module.

    Args:
        names: Name of each module.
        norm: Their norms, shape (modules,).
    """

    names: tuple[str, ...]
    norm: Array


def module_statistics(
    tensors: Mapping[str, Array], module_of: ModuleOf = first_component
) -> ModuleStatistics:
    """Mean, largest, spread and norm of the gradients of each module.

    How to read it: the norms of modules of one size should lie within a factor of ten of each
    other, and move slowly. A largest magnitude of more than 1,000 means is a spike in a few values.
    Any value that is not finite ruins the step. Blind spot: a norm grows with the square root of
    the number of values, so modules of different size compare by `mean_abs`.

    Cost: torch on the host reads memory once and computes from cache, at three to five times the
    cost of the norm alone (`module_norms`); elsewhere a few reductions a tensor. No device is
    waited for.

    Args:
        tensors: Gradients (or weights) by name, any shapes and dtypes.
        module_of: Gives the module of a name.

    Returns:
        The statistics. Where a value is not finite, all but the count are infinite or NaN. A module
        without values has NaN, with a norm of 0. On torch on the host a deviation below 0.1% of the
        mean is rounding.

    Example:
        >>> import numpy as np
        >>> found = module_statistics({"a.w": np.array([3.0, -4.0]), "b.w": np.array([1.0, 1.0])})
        >>> found.names, found.norm.round(3).tolist(), found.max_abs.tolist()
        (('a', 'b'), [5.0, 1.414], [4.0, 1.0])
    """
    modules = by_module(tensors, module_of)
    found = [_moments(members) for members in modules.values()]
    with measuring(*(value for moments in found for value in moments)) as (xp, *values):
        rows = (xp.stack(values[index :: len(Moments._fields)]) for index in range(5))
        return ModuleStatistics(tuple(modules), *rows)


def _moments(tensors: list[Array]) -> Moments:
    first = tensors[0]
    if is_torch_array(first) and first.device.type == "cpu":
        return cached_moments(tensors)
    with measuring(*tensors) as (xp, *arrays):
        arrays = [x for x in arrays if math.prod(x.shape)]
        num_values = sum(math.prod(x.shape) for x in arrays)
        if not num_values:
            nothing = xp.sum(xp.astype(first, xp.float32))
            undefined = nothing * float("nan")
            return Moments(undefined, undefined, undefined, nothing, nothing)
        mean = sum(xp.sum(x) for x in arrays) / num_values
        deviation = norm(xp, [x - mean for x in arrays]) / math.sqrt(num_values)
        magnitudes = [xp.abs(x) for x in arrays]
        return Moments(
            mean_abs=sum(xp.sum(x) for x in magnitudes) / num_values,
            max_abs=xp.max(xp.stack([xp.max(x) for x in magnitudes])),
            std=deviation,
            norm=norm(xp, arrays),
            num_nonfinite=sum(xp.sum(xp.astype(~xp.isfinite(x), x.dtype)) for x in arrays),
        )


def module_norms(
    tensors: Mapping[str, Array], module_of: ModuleOf = first_component
) -> ModuleNorms:
    """L2 norm of the gradients of each module, at the price of the global norm.

    How to read it: as `module_statistics`, of which it is the cheapest part.

    Args:
        tensors: Gradients by name.
        module_of: Gives the module of a name.

    Returns:
        Names and norms; a norm is infinite or NaN where a value is not finite.

    Example:
        >>> import numpy as np
        >>> found = module_norms({"a.w": np.array([3.0, 0.0]), "a.b": np.array([4.0])})
        >>> found.names, found.norm.tolist()
        (('a',), [5.0])
    """
    modules = by_module(tensors, module_of)
    with measuring(*(x for members in modules.values() for x in members)) as (xp, *arrays):
        norms_T = norms(xp, arrays)
        starts = [0]
        for members in modules.values():
            starts.append(starts[-1] + len(members))
        squares_T = norms_T * norms_T
        of_module = [xp.sum(squares_T[start:end]) for start, end in itertools.pairwise(starts)]
        return ModuleNorms(tuple(modules), xp.sqrt(xp.stack(of_module)))


def global_norm(tensors: Mapping[str, Array]) -> Array:
    """L2 norm of all gradients as one vector: what clipping by norm compares with its limit.

    How to read it: 0.1 to 10 is usual; below 1e-3 little is learned, above 100 a step is a leap.

    Args:
        tensors: Gradients by name.

    Returns:
        0-d array; infinite or NaN if a value is not finite.

    Example:
        >>> import numpy as np
        >>> float(global_norm({"w": np.array([[2.0, 4.0]]), "b": np.array([4.0])}))
        6.0
    """
    by_module(tensors, first_component)
    with measuring(*tensors.values()) as (xp, *arrays):
        return norm(xp, arrays)


def layer_ratios(norms_L: Array) -> Array:
    """Gradient norm of each block over that of the next shallower one.

        ratio_l = norm_l / norm_(l-1),    l = 1 .. L - 1

    How to read it: near 1 the gradient passes evenly. Several readings running above 10 say that it
    vanishes on the way to the input, below 0.1 that it explodes there. Blind spot: it compares
    neighbours; a factor of 2 at each of 12 blocks adds up to 4,096.

    Args:
        norms_L: Norms of blocks of one size, from the input to the output, shape (L,).

    Returns:
        Array of shape (L - 1,). Infinite where only the shallower norm is 0, NaN where both are.

    Raises:
        ValueError: If the norms are not a vector.

    Example:
        >>> import numpy as np
        >>> layer_ratios(np.array([1.0, 2.0, 1.0])).tolist()
        [2.0, 0.5]
    """
    if len(norms_L.shape) != 1:
        raise ValueError(
            f"expected the norms of L blocks, shape (L,), got {tuple(norms_L.shape)}; "
            "pass one norm a block, from the input to the output"
        )
    with measuring(norms_L) as (xp, norms_l):
        return quotient(xp, norms_l[1:], norms_l[:-1])


def signal_to_noise(window_KN: Array) -> Array:
    """How steady gradients are from one step to the next.

        snr = sqrt(sum_n mean_n^2 / sum_n var_n)

    mean_n and var_n (divided by K - 1) are those of a coordinate over the readings. Signal and
    noise are summed over the coordinates before they are divided: a mean of |mean|/std would belong
    to the few coordinates that hardly move.

    How to read it: pure noise gives 1 / sqrt(K) (0.22 for 20 readings); well above it the steps
    agree on a direction. A fall to the floor late in training asks for a smaller learning rate or a
    larger batch. Blind spot: the weights move within the window, so a turn looks like noise.

    Args:
        window_KN: K readings of N sampled gradient coordinates (see `sample_coordinates`).

    Returns:
        0-d array, at least 0. NaN with fewer than two readings, or if all are 0; infinite if they
        never change.

    Raises:
        ValueError: If the window is not a matrix.

    Example:
        >>> import numpy as np
        >>> float(signal_to_noise(np.array([[1.0, 0.0], [3.0, 0.0]])).round(4))
        1.4142
    """
    if len(window_KN.shape) != 2:
        raise ValueError(
            f"expected K readings of N coordinates, shape (K, N), got {tuple(window_KN.shape)}; "
            "stack one reading a row"
        )
    with measuring(window_KN) as (xp, x_KN):
        if x_KN.shape[0] < 2:
            return xp.sum(x_KN) * float("nan")
        mean_N = xp.mean(x_KN, axis=0)
        noise = xp.sum((x_KN - mean_N) ** 2) / (x_KN.shape[0] - 1)
        return xp.sqrt(quotient(xp, xp.sum(mean_N * mean_N), noise))


def sample_coordinates(
    tensors: Mapping[str, Array], module_of: ModuleOf = first_component, *, per_module: int = 256
) -> dict[str, Array]:
    """The same few coordinates of each module at every call, so that a window of them can be kept.

    Each tensor gives a share by its size, at least one, at an even stride that has no factor in
    common with the length of its rows: no column is favoured. The choice depends on the shapes
    alone. A copy: the window does not hold the gradients alive.

    Args:
        tensors: Gradients by name.
        module_of: Gives the module of a name.
        per_module: About how many coordinates of a module.

    Returns:
        By module, an array of shape (N,), float32 or float64.

    Example:
        >>> import numpy as np
        >>> sample_coordinates({"a.w": np.arange(12.0).reshape(3, 4)}, per_module=4)
        {'a': array([0., 3., 6., 9.])}
    """
    sampled = {}
    for name, members in by_module(tensors, module_of).items():
        num_values = max(1, sum(math.prod(x.shape) for x in members))
        parts = []
        for x in members:
            size = math.prod(x.shape)
            stride = max(1, size // max(1, round(per_module * size / num_values)))
            while stride > 1 and math.gcd(stride, x.shape[-1]) > 1:
                stride -= 1
            most = -(-size // stride)
            parts.append(x.reshape(-1)[: most * stride : stride])
        with measuring(*parts) as (xp, *arrays):
            sampled[name] = (
                xp.concat(arrays) if len(arrays) > 1 else xp.asarray(arrays[0], copy=True)
            )
    return sampled


def clipping_ratio(norm_before: Array, norm_after: Array) -> Array:
    """What clipping left of the gradient norm.

    How to read it: 1 is untouched. Small values for long say that the limit, not the learning rate,
    sets the size of the steps.

    Args:
        norm_before: Norm before clipping, any shape, at least 0.
        norm_after: Norm after it, same shape.

    Returns:
        after / before, same shape; 1 where both are 0, NaN where before is not finite.

    Example:
        >>> import numpy as np
        >>> float(clipping_ratio(np.array(4.0), np.array(1.0)))
        0.25
    """
    with measuring(norm_before, norm_after) as (xp, before, after):
        ratio = after / xp.where(before == 0, 1.0, before)
        ratio = xp.where(before == 0, 1.0, ratio)
        return xp.where(xp.isfinite(before), ratio, float("nan"))


def share_clipped(ratios_K: Array) -> Array:
    """Share of the steps of a window that were clipped.

    How to read it: some in the warm-up, few later; above 0.5 the limit is the learning rate.

    Args:
        ratios_K: `clipping_ratio` of each step of the window, shape (K,).

    Returns:
        0-d array, in [0, 1]; NaN for an empty window. A ratio of NaN counts as clipped: such a step
        did not pass as it was.

    Example:
        >>> import numpy as np
        >>> float(share_clipped(np.array([1.0, 0.5, 1.0, 1.0])))
        0.25
    """
    num_steps = math.prod(ratios_K.shape)
    with measuring(ratios_K) as (xp, ratios):
        clipped = xp.sum(xp.astype(~(ratios >= 1.0), ratios.dtype))
        return clipped * (1.0 / num_steps if num_steps else float("nan"))
