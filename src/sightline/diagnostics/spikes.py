"""Single values of a curve against the stretch before them; on the host, on windows of floats."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sightline._optional import missing
from sightline.diagnostics.stability import MAX_CORRELATION, MIN_POINTS

NORMAL_MAD = 1.482602218505602  # standard deviation over MAD of normal noise
ONE_ERROR = 0.6826894921370859  # share of normal noise within one standard deviation


def loss_spike(values: NDArray[np.generic]) -> float:
    """Largest value of a window over its median.

    How to read it: near 1 is calm; above 3 a batch or a step went wrong. Blind spot: means nothing
    for losses that pass through 0; a window that falls steeply has a large ratio by itself.

    Args:
        values: Losses, shape (K,), above 0. Those that are not finite are left out.

    Returns:
        The ratio; NaN if nothing is finite or the median is not above 0.

    Example:
        >>> loss_spike(np.array([1.0, 1.0, 4.0]))
        4.0
    """
    finite = _finite(values)
    median = float(np.median(finite)) if len(finite) else math.nan
    return float(finite.max()) / median if median > 0 else math.nan


def smoothness(values: NDArray[np.generic]) -> float:
    """Standard deviation of a window (population).

    How to read it: compare with the same run earlier; a growing value at a falling loss announces
    a divergence. Blind spot: a steep fall counts as roughness.

    Args:
        values: Losses, shape (K,). Those that are not finite are left out.

    Returns:
        The deviation, in units of the loss; NaN if nothing is finite.

    Example:
        >>> smoothness(np.array([1.0, 3.0]))
        1.0
    """
    finite = _finite(values)
    return float(finite.std()) if len(finite) else math.nan


class RobustSlope(NamedTuple):
    """Slope of a curve that single spikes do not move.

    Args:
        slope: Rise for every 1,000 steps.
        error: Its standard error.
    """

    slope: float
    error: float


def robust_slope(steps_N: NDArray[np.generic], values_N: NDArray[np.generic]) -> RobustSlope | None:
    """Median of the slopes of all pairs of points, and its error (Theil-Sen).

    The error is half the 68% confidence interval, widened as in `trend` where residuals have a
    memory. Up to 29% of the points may be wrong without moving the slope far.

    How to read it: a rise beyond three errors after the warm-up is a loss that grows. Blind spot: a
    curve that turns within the window has the slope of neither half.

    Cost: O(N^2); for windows of up to some hundreds.

    Args:
        steps_N: Step of each point, shape (N,), any order.
        values_N: Value of each, shape (N,). Those that are not finite are left out.

    Returns:
        The slope; None with fewer than four finite values or with all at one step.

    Raises:
        ValueError: If the two are not vectors of one length.

    Example:
        >>> steps = np.arange(0, 500, 10)
        >>> values = steps / 1000 + np.where(steps == 200, 50.0, 0.0)
        >>> round(robust_slope(steps, values).slope, 6)
        1.0

    Source: P. K. Sen, "Estimates of the regression coefficient based on Kendall's tau", 1968.
    """
    if np.ndim(steps_N) != 1 or np.shape(steps_N) != np.shape(values_N):
        raise ValueError(
            f"expected steps and values of one shape (N,), got {np.shape(steps_N)} and "
            f"{np.shape(values_N)}; give each value its step"
        )
    try:
        from scipy.stats import (  # type: ignore[import-untyped]  # SciPy ships no types
            theilslopes,
        )
    except ModuleNotFoundError:
        missing("scipy", extra="torch")
    y = np.asarray(values_N, np.float64)
    x = np.asarray(steps_N, np.float64)[np.isfinite(y)]
    y = y[np.isfinite(y)]
    if len(y) < MIN_POINTS or x.max() == x.min():
        return None
    order = np.argsort(x, kind="stable")
    x, y = x[order] - x[order[0]], y[order]
    line: Any = theilslopes(y, x, alpha=ONE_ERROR)
    residuals = y - line.intercept - line.slope * x
    # One outlier would hide the memory of all others: compare signs, not sizes.
    signs = np.sign(residuals - np.median(residuals))
    memory = min(max(float(np.mean(signs[1:] * signs[:-1])), 0.0), MAX_CORRELATION)
    correlation = math.sin(math.pi / 2 * memory)  # of normal noise whose signs agree as often
    error_per_step = (line.high_slope - line.low_slope) / 2
    error_per_step *= math.sqrt((1 + correlation) / (1 - correlation))
    return RobustSlope(1000 * float(line.slope), 1000 * float(error_per_step))


def spike_score(value: float, window: NDArray[np.generic]) -> float:
    """How many deviations a value lies above the window before it, by median and MAD.

        score = (value - median) / (1.4826 MAD)

    How to read it: noise stays within 3, and heavy tails within 6; more is a spike, less than -6 a
    sudden fall. Earlier spikes in the window do not hide a new one.

    Args:
        value: The newest value.
        window: Values before it, shape (K,). Those that are not finite are left out.

    Returns:
        The score; infinite if the window is constant and the value differs, or if it is infinite;
        NaN with no finite value in the window or a value of NaN.

    Example:
        >>> round(spike_score(10.0, np.array([1.0, 2.0, 3.0])), 3)
        5.396
    """
    finite = _finite(window)
    if not len(finite) or math.isnan(value):
        return math.nan
    median = float(np.median(finite))
    spread = NORMAL_MAD * float(np.median(np.abs(finite - median)))
    rise = value - median
    if spread == 0:
        return math.copysign(math.inf, rise) if rise else 0.0
    return rise / spread


def val_train_ratio(val_loss: float, train_loss: float) -> float:
    """Validation loss over training loss.

    How to read it: about 1; above 1.5 and rising is overfitting. Blind spot: augmentation, dropout
    and a running mean make the training loss another quantity; follow the change.

    Args:
        val_loss: Mean over the validation set.
        train_loss: Mean over the epoch.

    Returns:
        The ratio; NaN if the training loss is not above 0.

    Example:
        >>> val_train_ratio(0.3, 0.2) == 0.3 / 0.2
        True
    """
    return val_loss / train_loss if train_loss > 0 else math.nan


def _finite(values: NDArray[np.generic]) -> NDArray[np.float64]:
    flat = np.asarray(values, np.float64).ravel()
    return flat[np.isfinite(flat)]
