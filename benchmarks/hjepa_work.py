"""Dropped tokens and one joint predictor pass: what they save of the work of H-JEPA.

Claims, at ViT-S/16 and 224 pixels, under the same masks:

- an image costs at most 26 GFLOP a training step, by torch's own counter;
- a training step on the CPU serves at least twice the images a second of the same model whose
  masked tokens are kept and zeroed, as in the first public implementation.

Four predictor passes, one a target block, as in the public code of I-JEPA, are timed beside both. A
step is forward, loss, backward and AdamW. The variants take turns, in another order each round.
Ends with status 1 if a claim is broken.

    python -m benchmarks.hjepa_work [--rounds 7] [--batch-size 8] [--threads 2]
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor

from sightline.hjepa import HJEPAConfig, HJEPAModel, create_loss, create_masking
from sightline.hjepa.build import assemble
from sightline.hjepa.costs import measure_costs
from sightline.hjepa.pixels import Standardize
from sightline.hjepa.selection import Masks
from sightline.training import create_optimizer, load_config

MOST_GFLOP, LEAST_RATIO = 26.0, 2.0
SETTINGS = (
    "model.size=small",
    "model.patch_size=16",
    "data.image_size=224",
    "model.num_hierarchies=3",
    "model.predictor.embed_dim=192",
    "model.predictor.depth=6",
    "model.predictor.num_heads=3",
)
Predictions = list[Tensor]


def dropped(model: HJEPAModel, images: Tensor, masks: Masks) -> Predictions:
    """As it is: masked tokens are dropped, and all blocks are answered in one pass."""
    return model(images, masks).predictions


def zeroed(model: HJEPAModel, images: Tensor, masks: Masks) -> Predictions:
    """Masked tokens go through the encoder as zeros, and the predictor gets all of them."""
    encoder, predictor = model.context_encoder, model.predictor
    patches = encoder.patch_embed(encoder.standardize(images)).flatten(2).transpose(1, 2)
    embedding, _ = encoder.positions()
    x = (patches + embedding) * masks.seen_BHW.flatten(1)[..., None]
    for block in encoder.blocks:
        x = block(x)
    x = predictor.embed(encoder.norm(x))
    asked = masks.target_BHW.flatten(1)[..., None]
    x = torch.where(asked, predictor.mask_token, x) + predictor.positions()[0]
    for block in predictor.blocks:
        x = block(x)
    grid = predictor.norm(x).unflatten(1, model.grid_size)
    return heads_of(model, grid, masks)


def four_passes(model: HJEPAModel, images: Tensor, masks: Masks) -> Predictions:
    """Masked tokens are dropped, and the predictor runs once for each target block."""
    context = model.context_encoder(images, masks.context)
    total: Tensor | float = 0.0
    for block in masks.blocks_BKHW.unbind(1):
        one = Masks.of(masks.eligible_BHW, block[:, None])
        total = total + model._on_grid(model.predictor(context, one), one)
    assert isinstance(total, Tensor)
    return heads_of(model, total, masks)


def heads_of(model: HJEPAModel, grid: Tensor, masks: Masks) -> Predictions:
    """From predictions on the grid to those of each level."""
    levels = model.fusion(grid, masks.target_BHW)
    return [head(level) for head, level in zip(model.heads, levels, strict=True)]


VARIANTS: dict[str, Callable[[HJEPAModel, Tensor, Masks], Predictions]] = {
    "dropped tokens, one pass": dropped,
    "zeroed tokens, one pass": zeroed,
    "dropped tokens, four passes": four_passes,
}


def main() -> int:
    """Count, time, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    config = load_config(HJEPAConfig, None, SETTINGS)
    model = assemble(config, Standardize(torch.full((3,), 0.5), torch.full((3,), 0.3)))
    masking, loss_fn = create_masking(config, model.grid_size), create_loss(config)
    costs = measure_costs(model, masking, (3, 224, 224))
    gflop = costs.step_flops / 1e9
    parts = ", ".join(f"{name} {flops / 1e9:.1f}" for name, flops in costs.forward_flops.items())
    print(f"ViT-S/16 at 224: {gflop:.1f} GFLOP an image and step (limit {MOST_GFLOP:g})")
    print(f"forward: {parts}\n")

    optimizer = create_optimizer(model, lr=1e-4, weight_decay=0.05)
    images = torch.rand(arguments.batch_size, 3, 224, 224)
    seconds: dict[str, list[float]] = {name: [] for name in VARIANTS}
    order = list(VARIANTS)
    shuffle = random.Random(0)  # the order of turns
    for number in range(arguments.rounds + 1):
        shuffle.shuffle(order)
        masks = masking(arguments.batch_size, torch.Generator().manual_seed(number))
        for name in order:
            began = time.perf_counter()
            predictions = VARIANTS[name](model, images, masks)
            targets = model.encode_targets(images)
            scored = model._scored(masks)
            loss_fn(predictions, targets, scored).total.backward()
            optimizer.step()
            optimizer.zero_grad()
            if number:  # the first round warms up
                seconds[name].append(time.perf_counter() - began)
    ours = seconds["dropped tokens, one pass"]
    print(
        f"Batch {arguments.batch_size}, {arguments.threads} threads, {arguments.rounds} rounds.\n"
    )
    print("| variant | images a second, median (range) | ours over it (range of rounds) |")
    print("|---|---|---|")
    ratios = {}
    for name, taken in seconds.items():
        rates = sorted(arguments.batch_size / one for one in taken)
        faster = sorted(theirs / own for theirs, own in zip(taken, ours, strict=True))
        ratios[name] = statistics.median(faster)
        print(
            f"| {name} | {statistics.median(rates):.2f} ({rates[0]:.2f} to {rates[-1]:.2f}) "
            f"| {ratios[name]:.2f} ({faster[0]:.2f} to {faster[-1]:.2f}) |"
        )
    holds = gflop <= MOST_GFLOP and ratios["zeroed tokens, one pass"] >= LEAST_RATIO
    print(f"\n{'Both claims hold.' if holds else 'A claim is broken.'}")
    return int(not holds)


if __name__ == "__main__":
    sys.exit(main())
