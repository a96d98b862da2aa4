"""Do the masks hide what they should, and nothing twice over?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sightline.callbacks.base import Trainer
from sightline.callbacks.cadence import Cadence
from sightline.callbacks.joint_embedding import Array, JointEmbeddingOutput
from sightline.callbacks.monitor import Monitor
from sightline.diagnostics import (
    context_kept_frac,
    context_target_overlap,
    coverage_min_max_ratio,
    mask_ratio,
    patches_per_image,
    times_masked,
)
from sightline.figures import visualize_masking_strategy


class MaskingMonitor(Monitor):
    """Logs how much the masks hide, whether they leak, and a picture of some.

    | tag | meaning |
    |---|---|
    | `masking/mask_ratio` | share of the patches that are predicted |
    | `masking/num_masked_patches` | predicted patches an image |
    | `masking/num_unmasked_patches` | context patches an image |
    | `masking/context_target_overlap` | share of the predicted patches that the context sees |
    | `masking/context_kept_frac` | context patches used over those that could be |
    | `masking/coverage_min_max_ratio` | least over most often predicted position so far |
    | `masking/samples` | image: input, context, targets, masked image |

    Args:
        every: Steps between readings, or a cadence.
        figures_every: Steps between pictures, or a cadence.
        max_images: Images in a picture.
    """

    def __init__(
        self,
        *,
        every: int | Cadence = 50,
        figures_every: int | Cadence = 500,
        max_images: int = 4,
    ) -> None:
        super().__init__(every=every, figures_every=figures_every)
        self.max_images = max_images
        self.coverage_HW: Array | None = None

    def on_batch_end(self, trainer: Trainer, batch: Any, logs: Mapping[str, Any]) -> None:
        """Count this batch's masks, and read and draw, if it is due."""
        outputs: JointEmbeddingOutput = trainer.outputs
        times_HW = times_masked(outputs.masks.target_BHW)
        self.coverage_HW = times_HW if self.coverage_HW is None else self.coverage_HW + times_HW
        super().on_batch_end(trainer, batch, logs)

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log what this batch's masks do, and which positions all of them reached."""
        masks = trainer.outputs.masks
        trainer.logger.log_metrics(
            {
                "masking/mask_ratio": mask_ratio(masks.target_BHW),
                "masking/num_masked_patches": patches_per_image(masks.target_BHW),
                "masking/num_unmasked_patches": patches_per_image(masks.seen_BHW),
                "masking/context_target_overlap": context_target_overlap(
                    masks.seen_BHW, masks.target_BHW
                ),
                "masking/context_kept_frac": context_kept_frac(masks.seen_BHW, masks.eligible_BHW),
                "masking/coverage_min_max_ratio": coverage_min_max_ratio(self.coverage_HW),
            },
            step=trainer.step,
        )

    def draw(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log a picture of some images and their masks."""
        few = slice(self.max_images)
        outputs: JointEmbeddingOutput = trainer.outputs
        masks = outputs.masks
        figure = visualize_masking_strategy(
            outputs.images_BCHW[few], masks.seen_BHW[few], masks.target_BHW[few]
        )
        trainer.logger.log_image("masking/samples", figure, step=trainer.step)

    def state_dict(self) -> dict[str, Any]:
        """How often each position was predicted so far."""
        return {} if self.coverage_HW is None else {"coverage_HW": self.coverage_HW}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on counting."""
        self.coverage_HW = state["coverage_HW"]
