"""What an H-JEPA model costs: operations by part, and what each level adds."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from sightline.figures import LevelCost
from sightline.hjepa.hierarchy import pool
from sightline.hjepa.masks import MultiBlockMasking
from sightline.hjepa.model import HJEPAModel

NUM_IMAGES = 4  # over whose masks the cost is averaged


class ModelCosts(NamedTuple):
    """Measured on a few images under random masks.

    Args:
        forward_flops: Floating-point operations of a forward pass for an image, by part.
        step_flops: Those of a training step for an image: the trained parts count three times, as
            the backward pass takes twice the forward's.
        levels: What each level adds to one image.
    """

    forward_flops: dict[str, float]
    step_flops: float
    levels: list[LevelCost]


@torch.no_grad()
def measure_costs(
    model: HJEPAModel, masking: MultiBlockMasking, image_shape: tuple[int, int, int]
) -> ModelCosts:
    """Count the work of a model with torch's own counter.

    Args:
        model: The model.
        masking: Draws its masks.
        image_shape: Channels, height and width.

    Returns:
        Its costs; of a level the pooling and the head, and the memory of predictions and targets.
    """
    weight = next(model.parameters())
    images = weight.new_zeros(NUM_IMAGES, *image_shape)
    masks = masking(NUM_IMAGES, torch.Generator().manual_seed(0)).to(weight.device)
    # Of the fused attention of a CPU the counter knows nothing; of its parts it does.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        outputs = model(images, masks)
    counts = counter.get_flop_counts()
    root = type(model).__name__
    forward = {
        name: sum(counts.get(f"{root}.{name}", {}).values()) / NUM_IMAGES
        for name, _ in model.named_children()
    }
    step = sum(
        flops * (3 if any(weight.requires_grad for weight in part.parameters()) else 1)
        for (_, part), flops in zip(model.named_children(), forward.values(), strict=True)
    )
    levels = []
    grid_BHWP = images.new_zeros(1, *model.grid_size, model.predictor.width)
    for level, (head, stride) in enumerate(zip(model.heads, model.level_strides, strict=True)):
        with FlopCounterMode(display=False) as counter:
            head(pool(grid_BHWP, stride))
        target_BHWD = outputs.targets[level][:1]
        levels.append(
            LevelCost(
                level,
                tokens=target_BHWD.shape[1] * target_BHWD.shape[2],
                flops=counter.get_total_flops(),
                memory_bytes=2 * target_BHWD.nbytes,
            )
        )
    return ModelCosts(forward, step, levels)
