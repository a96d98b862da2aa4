"""The loss on a plane through the parameters of a trained model.

Parameters travel as mappings from names to arrays: `dict(model.named_parameters())` of torch, or a
flattened tree of Flax.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from array_api_compat import array_namespace, device
from numpy.typing import NDArray

from sightline.diagnostics.precision import Array, measuring

Parameters: TypeAlias = Mapping[str, Array]


class LossPlane(NamedTuple):
    """Losses on a grid through the parameters.

    Args:
        losses_NN: loss at `alphas_N[i]`, `betas_N[j]`, float64.
        alphas_N: offsets along the first direction.
        betas_N: offsets along the second direction.
    """

    losses_NN: NDArray[np.float64]
    alphas_N: NDArray[np.float64]
    betas_N: NDArray[np.float64]


def filter_normalized_directions(
    parameters: Parameters, *, generator: np.random.Generator, output_axis: int = 0
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Two random directions whose every filter is as long as that filter of the model.

        d_f <- d_f / ||d_f||  ||w_f||,   d_f normal

    A filter is all that leads to one output: a row of a linear layer, a kernel of a convolution.
    Without that scaling a model with large weights looks flatter than it is, because layers that
    are followed by a normalisation can be scaled without changing what the model computes.

    Parameters of fewer than two axes (biases, the scales of normalisations) and those that are not
    floating stay where they are: their direction is zero.

    Args:
        parameters: floating arrays of any shape by name.
        generator: source of the normal numbers.
        output_axis: axis that counts the filters: 0 in torch, -1 in Flax.

    Returns:
        Two mappings with the names, shapes and dtypes of the parameters.

    Example:
        >>> weights = {"w": np.array([[3.0, 4.0], [0.6, 0.8]]), "b": np.ones(2)}
        >>> d, _ = filter_normalized_directions(weights, generator=np.random.default_rng(0))
        >>> np.linalg.norm(d["w"], axis=1).round(6).tolist(), d["b"].tolist()
        ([5.0, 1.0], [0.0, 0.0])

    Source: H. Li et al., "Visualizing the loss landscape of neural nets", NeurIPS 2018.
    """

    def direction() -> dict[str, Array]:
        return {
            name: _normalized(array, generator, output_axis) for name, array in parameters.items()
        }

    return direction(), direction()


def loss_plane(
    loss_of: Callable[[Parameters], Any],
    parameters: Parameters,
    directions: tuple[Parameters, Parameters],
    *,
    extent: float = 1.0,
    num_points: int = 21,
) -> LossPlane:
    """Measure the loss on a square grid around the parameters.

        losses[i, j] = loss(w + alpha_i d_1 + beta_j d_2),   -extent <= alpha, beta <= extent

    How to read it: see `sightline.figures.visualize_loss_landscape`. Blind spot: two random
    directions of millions rarely meet the steepest ones, and the loss of one batch is noise of its
    own; use the same batch, in evaluation mode, at every point.

    Cost: num_points^2 calls of `loss_of` and as many copies of the parameters, one at a time; each
    waits for the device. It is for the end of a training, not for a step.

    Args:
        loss_of: gives the loss, a number or 0-d array, of parameters that it must not change, e.g.
            through `torch.func.functional_call`; torch records no gradients meanwhile.
        parameters: arrays by name; they are left as they are.
        directions: two mappings from names to arrays of the same shapes; a name that a direction
            lacks is not moved.
        extent: how far the plane reaches, in lengths of the directions.
        num_points: points along each side, 2 or more; an odd number has the model itself among
            them.

    Returns:
        The losses and where they were measured.

    Raises:
        ValueError: if the plane has no area, or a direction does not fit the parameters.

    Example:
        A bowl, half the squared distance from the origin, cut through its lowest point:

        >>> bowl = lambda w: 0.5 * float(np.sum(w["x"] ** 2))
        >>> axes = {"x": np.array([1.0, 0.0])}, {"x": np.array([0.0, 2.0])}
        >>> loss_plane(bowl, {"x": np.zeros(2)}, axes, num_points=3).losses_NN.tolist()
        [[2.5, 0.5, 2.5], [2.0, 0.0, 2.0], [2.5, 0.5, 2.5]]

    Source: H. Li et al., "Visualizing the loss landscape of neural nets", NeurIPS 2018.
    """
    if not extent > 0 or num_points < 2:
        raise ValueError(
            f"expected an extent above 0 and 2 points or more, got {extent} and {num_points}; "
            "the defaults are 1.0 and 21"
        )
    for direction in directions:
        for name, array in direction.items():
            if name not in parameters or tuple(array.shape) != tuple(parameters[name].shape):
                there = tuple(parameters[name].shape) if name in parameters else "no such parameter"
                raise ValueError(
                    f"expected a direction of the parameters' names and shapes, got {name!r} of "
                    f"{tuple(array.shape)} for {there}; make it from the same parameters"
                )
    offsets_N = np.linspace(-extent, extent, num_points)
    if num_points % 2:
        offsets_N[num_points // 2] = 0.0  # the model itself, without rounding
    losses_NN = np.empty((num_points, num_points))
    for i, alpha in enumerate(offsets_N.tolist()):
        for j, beta in enumerate(offsets_N.tolist()):
            moved = _moved(parameters, directions, (alpha, beta))
            losses_NN[i, j] = float(loss_of(moved))
    return LossPlane(losses_NN, offsets_N, offsets_N.copy())


def _normalized(array: Array, generator: np.random.Generator, output_axis: int) -> Array:
    xp = array_namespace(array)
    if array.ndim < 2 or not xp.isdtype(array.dtype, "real floating"):
        return xp.zeros_like(array)
    normal = generator.standard_normal(tuple(array.shape), np.float32)
    with measuring(array) as (xp, w):
        d = xp.astype(xp.asarray(normal, device=device(array)), w.dtype)
        axes = tuple(axis for axis in range(w.ndim) if axis != output_axis % w.ndim)
        scale = _length(xp, w, axes) / _length(xp, d, axes)
        return xp.astype(d * scale, array.dtype)


def _length(xp: Any, x: Array, axes: tuple[int, ...]) -> Array:
    return xp.sqrt(xp.sum(x * x, axis=axes, keepdims=True))


def _moved(
    parameters: Parameters, directions: tuple[Parameters, Parameters], by: tuple[float, float]
) -> dict[str, Array]:
    moved = {}
    for name, array in parameters.items():
        steps = [(a, d[name]) for a, d in zip(by, directions, strict=True) if name in d]
        if not steps or not array_namespace(array).isdtype(array.dtype, "real floating"):
            moved[name] = array
            continue
        with measuring(array, *(d for _, d in steps)) as (xp, w, *ds):
            for (offset, _), d in zip(steps, ds, strict=True):
                w = w + offset * d
            moved[name] = xp.astype(w, array.dtype)
    return moved
