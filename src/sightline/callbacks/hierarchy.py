"""What each level of the hierarchy sees: its features, their spectrum, and how alike levels are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any

from sightline.callbacks.base import Trainer
from sightline.callbacks.cadence import Cadence
from sightline.callbacks.joint_embedding import Array, JointEmbeddingOutput, middle_cell
from sightline.callbacks.monitor import Monitor
from sightline.diagnostics import (
    covariance_eigenvalues,
    effective_rank,
    feature_statistics,
    linear_cka,
)
from sightline.figures import LevelCost, plot_hierarchy_resolution, plot_spectrum

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class HierarchyMonitor(Monitor):
    """Logs what the target features of each level look like.

    Rank, spectrum and similarity of two levels are those of the cell in the middle of the grid.

    | tag | meaning |
    |---|---|
    | `hierarchy/level{l}_feat_mean` | mean of all features of level l |
    | `hierarchy/level{l}_feat_std` | their standard deviation |
    | `hierarchy/level{l}_feat_min` | smallest of them |
    | `hierarchy/level{l}_feat_max` | largest of them |
    | `hierarchy/level{l}_feat_norm` | mean length of a cell's features |
    | `hierarchy/level{l}_effective_rank` | entropy rank |
    | `hierarchy/cka_{l}_{m}` | linear CKA of two levels |
    | `hierarchy/level{l}_spectrum` | image: eigenvalues of the covariance |
    | `hierarchy/resolution` | image, once: tokens, work and memory of each level |

    Args:
        costs: Measures what each level costs; called at the start of a run.
        every: Steps between readings, or a cadence.
        figures_every: Steps between spectra, or a cadence; None for none.
    """

    def __init__(
        self,
        *,
        costs: Callable[[], Sequence[LevelCost]] | None = None,
        every: int | Cadence = 50,
        figures_every: int | Cadence | None = 500,
    ) -> None:
        super().__init__(every=every, figures_every=figures_every)
        self.costs = costs

    def on_train_begin(self, trainer: Trainer) -> None:
        """Draw what the levels cost, at the start of a new run."""
        if trainer.step == 0 and self.costs is not None and self.figures_every is not None:
            figure = plot_hierarchy_resolution(self.costs())
            trainer.logger.log_image("hierarchy/resolution", figure, step=0)

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log features and ranks."""
        outputs: JointEmbeddingOutput = trainer.outputs
        readings: dict[str, Any] = {}
        for level, target_BHWD in enumerate(outputs.targets):
            statistics = feature_statistics(target_BHWD.reshape(-1, target_BHWD.shape[-1]))
            readings |= {
                f"hierarchy/level{level}_feat_{name}": value
                for name, value in statistics._asdict().items()
            }
            rank = effective_rank(middle_cell(target_BHWD))
            readings[f"hierarchy/level{level}_effective_rank"] = rank
        for (low, one), (high, other) in combinations(enumerate(outputs.targets), 2):
            cka = linear_cka(middle_cell(one), middle_cell(other))
            readings[f"hierarchy/cka_{low}_{high}"] = cka
        num_samples, *_, width = outputs.targets[0].shape
        self.log(trainer, readings, num_samples=num_samples, width=width)

    def draw(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log the spectrum of each level."""
        outputs: JointEmbeddingOutput = trainer.outputs
        for level, target_BHWD in enumerate(outputs.targets):
            tag, draw = f"hierarchy/level{level}_spectrum", partial(_draw_spectrum, level)
            trainer.logger.log_drawing(tag, draw, middle_cell(target_BHWD), step=trainer.step)


def _draw_spectrum(level: int, features_ND: Array) -> Figure:
    return plot_spectrum({f"level {level}": covariance_eigenvalues(features_ND)})
