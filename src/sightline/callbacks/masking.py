"""Do the masks hide what they should, and nothing twice over?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from array_api_compat import array_namespace

from sightline.callbacks.base import Trainer
from sightline.callbacks.cadence import Cadence
from sightline.callbacks.joint_embedding import Array, JointEmbeddingOutput
from sightline.callbacks.monitor import Monitor
from sightline.diagnostics import (
    block_shapes,
    context_kept_frac,
    context_target_overlap,
    coverage_min_max_ratio,
    mask_hashes,
    mask_ratio,
    patches_per_image,
    remember,
    seen_before,
    share_unchanged,
    times_masked,
)
from sightline.figures import plot_mask_geometry, visualize_masking_strategy

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class MaskingMonitor(Monitor):
    """Logs how much the masks hide, whether they leak or repeat, and pictures of some.

    | tag | meaning |
    |---|---|
    | `masking/mask_ratio` | share of the patches that are predicted |
    | `masking/num_masked_patches` | predicted patches an image |
    | `masking/num_unmasked_patches` | context patches an image |
    | `masking/target_mask_count` | target blocks an image |
    | `masking/context_target_overlap` | share of the predicted patches that the context sees |
    | `masking/context_kept_frac` | context patches used over those that could be |
    | `masking/coverage_min_max_ratio` | least over most often predicted position so far |
    | `masking/repeated_frac` | share of the masks that were drawn before |
    | `masking/unchanged_frac` | share that equals the last batch's at its place, or its neighbour |
    | `masking/geometry_analysis` | image: areas, aspect ratios and coverage of the blocks |
    | `masking/samples` | image: input, context, targets, masked image |

    Args:
        every: Steps between readings, or a cadence.
        figures_every: Steps between pictures, or a cadence; None for none.
        max_images: Images in a picture.
    """

    def __init__(
        self,
        *,
        every: int | Cadence = 50,
        figures_every: int | Cadence | None = 500,
        max_images: int = 4,
    ) -> None:
        super().__init__(every=every, figures_every=figures_every)
        self.max_images = max_images
        self.coverage_HW: Array | None = None
        self._history: Array | None = None

    def on_batch_end(self, trainer: Trainer, batch: Any, logs: Mapping[str, Any]) -> None:
        """Count this batch's masks, and read and draw, if it is due."""
        outputs: JointEmbeddingOutput = trainer.outputs
        times_HW = times_masked(outputs.masks.target_BHW)
        self.coverage_HW = times_HW if self.coverage_HW is None else self.coverage_HW + times_HW
        super().on_batch_end(trainer, batch, logs)

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log what this batch's masks do, and which positions all of them reached."""
        masks = trainer.outputs.masks
        target, seen = masks.target_BHW, masks.seen_BHW
        blocks = block_shapes(np.asarray(masks.blocks_BKHW))
        readings = {
            "masking/mask_ratio": mask_ratio(target),
            "masking/num_masked_patches": patches_per_image(target),
            "masking/num_unmasked_patches": patches_per_image(seen),
            "masking/target_mask_count": float(blocks.count_B.mean()),
            "masking/context_target_overlap": context_target_overlap(seen, target),
            "masking/context_kept_frac": context_kept_frac(seen, masks.eligible_BHW),
            "masking/coverage_min_max_ratio": coverage_min_max_ratio(self.coverage_HW),
            **self._repeated(target),
        }
        self.log(trainer, readings)

    def draw(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log pictures of some images and their masks."""
        few = slice(self.max_images)
        outputs: JointEmbeddingOutput = trainer.outputs
        masks, logger, step = outputs.masks, trainer.logger, trainer.step
        shown = outputs.images_BCHW[few], masks.seen_BHW[few], masks.target_BHW[few]
        logger.log_drawing("masking/samples", visualize_masking_strategy, *shown, step=step)
        arrays = masks.blocks_BKHW, self.coverage_HW, *shown
        logger.log_drawing("masking/geometry_analysis", _draw_geometry, *arrays, step=step)

    def _repeated(self, target_BHW: Array) -> dict[str, Array]:
        hashes_B = mask_hashes(target_BHW)
        history_M = hashes_B[:0] if self._history is None else self._history
        self._history = remember(history_M, hashes_B)
        xp = array_namespace(hashes_B)
        repeated = xp.mean(xp.astype(seen_before(hashes_B, history_M), xp.float32))
        unchanged = share_unchanged(hashes_B, history_M[-hashes_B.shape[0] :])
        return {"masking/repeated_frac": repeated, "masking/unchanged_frac": unchanged}

    def state_dict(self) -> dict[str, Any]:
        """How often each position was predicted so far, and the masks of the last readings."""
        state = {"coverage_HW": self.coverage_HW, "history": self._history}
        return {name: array for name, array in state.items() if array is not None}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on counting."""
        self.coverage_HW, self._history = state["coverage_HW"], state.get("history")


def _draw_geometry(
    blocks_BKHW: Array, coverage_HW: Array, images_BCHW: Array, seen_BHW: Array, target_BHW: Array
) -> Figure:
    blocks = block_shapes(blocks_BKHW)
    areas = blocks.area_K * math.prod(blocks_BKHW.shape[2:])
    return plot_mask_geometry(
        areas, blocks.aspect_K, coverage_HW, images_BCHW, seen_BHW, target_BHW
    )
