"""What reaches the encoders: pixels that are prepared as they should be?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from array_api_compat import array_namespace

from sightline.callbacks.base import Trainer
from sightline.callbacks.cadence import Cadence
from sightline.callbacks.joint_embedding import Array, JointEmbeddingOutput
from sightline.callbacks.monitor import Monitor


class InputMonitor(Monitor):
    """Logs mean and deviation of the images of a batch, as the encoders work on them.

    | tag | meaning |
    |---|---|
    | `input/pixel_mean` | mean of all pixels and channels after standardisation |
    | `input/pixel_std` | their standard deviation |

    Args:
        standardize: From images as they are stored, 0 to 1, to what the encoders work on.
        every: Steps between readings, or a cadence.
    """

    def __init__(self, standardize: Callable[[Array], Array], *, every: int | Cadence = 50) -> None:
        super().__init__(every=every)
        self.standardize = standardize

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log the moments of this batch."""
        outputs: JointEmbeddingOutput = trainer.outputs
        images_BCHW = self.standardize(outputs.images_BCHW)
        xp = array_namespace(images_BCHW)
        moments = {"mean": xp.mean(images_BCHW), "std": xp.std(images_BCHW)}
        self.log(trainer, {f"input/pixel_{name}": value for name, value in moments.items()})
