"""Sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.writers.arrays import fetch, freeze, num_bytes
from sightline.writers.frameworks import to_numpy
from sightline.writers.values.base import Value

LAYOUTS = {"T": 1, "TC": 2, "CT": 2}
FULL_SCALE = 32_767


@dataclass(frozen=True, slots=True)
class Audio(Value):
    """A sound.

    Args:
        samples: An array, floating from -1 to 1 or int16; for a writer an int16 array of shape
            (time, channels) with 1 or 2 channels.
        sample_rate: Samples a second.
        layout: Axes: "T", "TC" or "CT"; None to go by the shape.
    """

    samples: Any
    sample_rate: int
    layout: str | None = None

    def frozen(self) -> Audio:
        """The same, of memory that the caller cannot write to."""
        return Audio(freeze(self.samples), self.sample_rate, self.layout)

    def on_host(self) -> Audio:
        """The same in 16 bits, time first."""
        array = to_numpy(fetch(self.samples))
        layout = audio_layout(array.shape, self.layout)
        samples_TC = array.T if layout == "CT" else array.reshape(len(array), -1)
        return Audio(_to_int16(samples_TC), self.sample_rate, "TC")

    @property
    def nbytes(self) -> int:
        """Memory that it holds while it waits."""
        return num_bytes(self.samples)


def audio_layout(shape: tuple[int, ...], layout: str | None = None) -> str:
    """Which axis of a sound is which: of two, the one with 1 or 2 entries is the channel.

    Args:
        shape: Shape of the samples.
        layout: "T", "TC" or "CT", to be checked; None to go by the shape.

    Returns:
        The layout.

    Raises:
        ValueError: If the shape fits none, or two.

    Example:
        >>> audio_layout((16000,)), audio_layout((2, 16000)), audio_layout((16000, 1))
        ('T', 'CT', 'TC')
    """
    fitting = [
        name
        for name, num_axes in LAYOUTS.items()
        if num_axes == len(shape)
        and ("C" not in name or shape[name.index("C")] in {1, 2})
        and 0 not in shape
    ]
    if layout is not None and layout not in LAYOUTS:
        raise ValueError(f"expected layout T, TC or CT, got {layout!r}; use one of these")
    if layout is not None and layout in fitting:
        return layout
    if layout is not None or not fitting:
        raise ValueError(
            f"expected samples with axes {layout or 'T, TC or CT'} and 1 or 2 channels, got shape "
            f"{tuple(shape)}; reorder its axes, or log each sound under a tag of its own"
        )
    if len(fitting) > 1:
        raise ValueError(
            f"expected samples, got shape {tuple(shape)}, which may be both TC and CT; say which "
            'with layout="TC" or layout="CT"'
        )
    return fitting[0]


def _to_int16(samples: NDArray[Any]) -> NDArray[np.int16]:
    if samples.dtype == np.int16:
        return samples
    scaled = samples.astype(np.float64) * FULL_SCALE
    # Within half a step of the range, as resampling and rounding leave it, nothing is lost.
    if not (np.abs(scaled) <= FULL_SCALE + 0.5).all():
        num_nan = int(np.isnan(samples).sum())
        low, high = samples.min(), samples.max()
        got = f"{num_nan} that are NaN" if num_nan else f"{low:.4g} to {high:.4g}"
        raise ValueError(
            f"expected samples from -1 to 1 in a floating sound, got {got}; divide them by their "
            "largest magnitude before logging, or log int16"
        )
    return np.clip(np.rint(scaled), -FULL_SCALE, FULL_SCALE).astype(np.int16)
