"""Do predictions point where their targets point?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from array_api_compat import array_namespace

from sightline.callbacks.base import Trainer
from sightline.callbacks.cadence import Cadence
from sightline.callbacks.joint_embedding import Array, JointEmbeddingOutput
from sightline.callbacks.monitor import Monitor
from sightline.diagnostics import cosine_similarity, gram, prediction_agreement
from sightline.figures import (
    plot_gram_triptych,
    plot_patch_difficulty,
    plot_similarity_heatmap,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NUM_GRAM_ROWS = 48


class PredictionMonitor(Monitor):
    """Logs how predicted and target features agree, where predictions are scored.

    | tag | meaning |
    |---|---|
    | `prediction/level{l}_cosine_sim_mean` | mean cosine over the scored cells of the batch |
    | `prediction/level{l}_cosine_sim_std` | its standard deviation over the cells |
    | `prediction/level{l}_cosine_sim_min` | its smallest value |
    | `prediction/level{l}_cosine_sim_max` | its largest value |
    | `prediction/level{l}_normalized_mse` | squared error over the variance of the targets |
    | `prediction/level{l}_similarity` | histogram of the cosines; NaN where nothing is scored |
    | `prediction/level{l}_gram` | image: similarities among predictions and among targets |
    | `prediction/most_difficult_patches` | image: hardest and easiest patches |
    | `patches/similarity_heatmap` | image: cosine of each predicted patch |

    Args:
        normalize: Brings the targets of a level, (B, H, W, D), to what the loss compares with.
        every: Steps between readings, or a cadence.
        figures_every: Steps between pictures, or a cadence; None for none.
        max_images: Images that pictures are drawn from.
    """

    def __init__(
        self,
        normalize: Callable[[Array], Array],
        *,
        every: int | Cadence = 50,
        figures_every: int | Cadence | None = 500,
        max_images: int = 32,
    ) -> None:
        super().__init__(every=every, figures_every=figures_every)
        self.normalize = normalize
        self.max_images = max_images

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log how well predictions and targets agree."""
        logger, step = trainer.logger, trainer.step
        readings: dict[str, Any] = {}
        for level, prediction_BHWD, target_BHWD, scored_BHW in self._levels(trainer.outputs):
            width = prediction_BHWD.shape[-1]
            agreement = prediction_agreement(
                prediction_BHWD.reshape(-1, width),
                target_BHWD.reshape(-1, width),
                scored_BHW.reshape(-1),
            )
            readings |= {
                f"prediction/level{level}_{name.replace('cosine', 'cosine_sim')}": value
                for name, value in agreement._asdict().items()
            }
            cosine_BHW = _where_scored(prediction_BHWD, target_BHWD, scored_BHW)
            logger.log_histogram(f"prediction/level{level}_similarity", cosine_BHW, step=step)
        self.log(trainer, readings)

    def draw(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log pictures of what is predicted well and what is not."""
        logger, step = trainer.logger, trainer.step
        images_BCHW = trainer.outputs.images_BCHW[: self.max_images]
        for level, *whole in self._levels(trainer.outputs):
            prediction_BHWD, target_BHWD, scored_BHW = (x[: self.max_images] for x in whole)
            shown = prediction_BHWD, target_BHWD, scored_BHW
            logger.log_drawing(f"prediction/level{level}_gram", _draw_gram, *shown, step=step)
            if level == 0:
                cosine_BHW = _where_scored(prediction_BHWD, target_BHWD, scored_BHW)
                tag = "prediction/most_difficult_patches"
                logger.log_drawing(tag, plot_patch_difficulty, images_BCHW, cosine_BHW, step=step)
                tag = "patches/similarity_heatmap"
                logger.log_drawing(tag, plot_similarity_heatmap, images_BCHW, cosine_BHW, step=step)

    def _levels(self, outputs: JointEmbeddingOutput) -> Iterator[tuple[int, Array, Array, Array]]:
        """Level, predictions, targets as the loss sees them, and where they count."""
        levels = zip(outputs.predictions, outputs.targets, outputs.scored, strict=True)
        for level, (prediction_BHWD, target_BHWD, scored_BHW) in enumerate(levels):
            yield level, prediction_BHWD, self.normalize(target_BHWD), scored_BHW


def _draw_gram(prediction_BHWD: Array, target_BHWD: Array, scored_BHW: Array) -> Figure:
    rows = (x[scored_BHW][:NUM_GRAM_ROWS] for x in (prediction_BHWD, target_BHWD))
    return plot_gram_triptych(*map(gram, rows))


def _where_scored(prediction_BHWD: Array, target_BHWD: Array, scored_BHW: Array) -> Array:
    """Cosine of each cell; NaN where it is not scored, since to select cells waits for a device."""
    cosine_BHW = cosine_similarity(prediction_BHWD, target_BHWD)
    return array_namespace(cosine_BHW).where(scored_BHW, cosine_BHW, float("nan"))
