"""Where the features of images lie, seen in two or three dimensions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from sightline.callbacks.base import Trainer
from sightline.callbacks.cadence import Cadence
from sightline.callbacks.joint_embedding import Array, JointEmbeddingOutput
from sightline.callbacks.monitor import Monitor
from sightline.figures import plot_embedding

MAX_POINTS = 200


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
        method: Literal["pca", "tsne", "umap"] = "pca",
        every: int | Cadence = 500,
    ) -> None:
        super().__init__(every=every)
        self.normalize = normalize
        self.samples = samples
        self.method = method

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log both."""
        outputs: JointEmbeddingOutput = trainer.outputs
        levels = zip(outputs.predictions, outputs.targets, outputs.scored, strict=True)
        pairs = [
            (prediction[scored][:MAX_POINTS], self.normalize(target)[scored][:MAX_POINTS])
            for prediction, target, scored in levels
        ]
        predictions, targets = zip(*pairs, strict=True)
        figure = plot_embedding(predictions, targets, method=self.method)
        logger, step = trainer.logger, trainer.step
        logger.log_image("embeddings/tsne_pred_vs_target", figure, step=step)
        if self.samples is not None:
            features_ND, labels, images = self.samples()
            logger.log_embedding(
                "embeddings/projector", features_ND, step, metadata={"label": labels}, images=images
            )
