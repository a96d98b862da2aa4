"""Where the features of images lie, seen in two or three dimensions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from sightline.callbacks.base import Trainer
from sightline.callbacks.cadence import Cadence
from sightline.callbacks.joint_embedding import Array, JointEmbeddingOutput
from sightline.callbacks.monitor import Monitor
from sightline.figures import plot_embedding

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Method = Literal["pca", "tsne", "umap"]

MAX_POINTS = 200
MAX_IMAGES = 64  # that they are from


class Samples(NamedTuple):
    """Features of images, and what is known of them.

    Args:
        features_ND: One row an image.
        labels: A label for each.
        images: A picture of each.
    """

    features_ND: Array
    labels: Any
    images: Any


class EmbeddingMonitor(Monitor):
    """Shows predictions beside their targets, and features of images in the Projector tab.

    | tag | meaning |
    |---|---|
    | `embeddings/tsne_pred_vs_target` | image: predictions and targets of each level in a plane |
    | `embeddings/projector` | embedding: features with labels and pictures, in the Projector tab |

    Args:
        normalize: Brings the targets of a level, (B, H, W, D), to what the loss compares with.
        samples: Makes features of some images; None for no projector.
        method: How dimensions are reduced in the picture: "pca", which takes no time and whose
            distances mean something, "tsne" or "umap".
        every: Steps between both, or a cadence.
    """

    def __init__(
        self,
        normalize: Callable[[Array], Array],
        samples: Callable[[], Samples] | None = None,
        *,
        method: Method = "pca",
        every: int | Cadence = 500,
    ) -> None:
        super().__init__(every=every)
        self.normalize = normalize
        self.samples = samples
        self.method = method

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log both."""
        outputs: JointEmbeddingOutput = trainer.outputs
        targets = map(self.normalize, outputs.targets)
        levels = zip(outputs.predictions, targets, outputs.scored, strict=True)
        arrays = [array[:MAX_IMAGES] for level in levels for array in level]
        logger, step = trainer.logger, trainer.step
        draw = partial(_draw, self.method)
        logger.log_drawing("embeddings/tsne_pred_vs_target", draw, *arrays, step=step)
        if self.samples is not None:
            features_ND, labels, images = self.samples()
            logger.log_embedding(
                "embeddings/projector", features_ND, step, metadata={"label": labels}, images=images
            )


def _draw(method: Method, *arrays: Array) -> Figure:
    """Of the prediction, the target, and where they count, of each level in turn."""
    predictions, targets = (
        [
            x_BHWD[scored_BHW][:MAX_POINTS]
            for x_BHWD, scored_BHW in zip(arrays[first::3], arrays[2::3], strict=True)
        ]
        for first in (0, 1)
    )
    return plot_embedding(predictions, targets, method=method)
