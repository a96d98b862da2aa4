"""Dropped tokens and one joint predictor pass: what they save of the work of H-JEPA.

Claims, at ViT-S/16 and 224 pixels, under the same masks:

- an image costs at most 26 GFLOP a training step, by torch's own counter, attention included;
- a training step on the CPU serves at least twice the images a second of the first public
  implementation, where masked tokens are kept and zeroed.

That implementation encodes all patches, those that are masked as zeros, and its predictor gets the
features of all of them beside a query for each target, as many for each image as the most that one
has. Its predictor is as wide as its encoder. Beside it stand the same work with our narrow
predictor, which is what dropping alone saves, and four predictor passes over dropped tokens, one a
target block, as in the public code of I-JEPA.

A step is forward, loss, backward, AdamW and moving average. The variants take turns, in another
order each round. On a shared machine look at the CPU time, which others do not take from. Ends with
status 1 if a claim is broken.

    python -m benchmarks.hjepa_work [--rounds 7] [--batch-size 8] [--threads 2] [--bf16]
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from sightline.hjepa import HJEPAConfig, HJEPAModel, create_loss, create_masking
from sightline.hjepa.build import assemble
from sightline.hjepa.hierarchy import on_grid
from sightline.hjepa.pixels import Standardize
from sightline.hjepa.selection import Masks
from sightline.training import create_optimizer, load_config
from sightline.training.averaging import ema_update

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
AS_WIDE = ("model.predictor.embed_dim=384", "model.predictor.num_heads=6")
OURS, PUBLISHED = "dropped tokens, one pass", "zeroed tokens, as published"
Predictions = list[Tensor]


def dropped(model: HJEPAModel, images: Tensor, masks: Masks) -> Predictions:
    """As it is: masked tokens are dropped, and all blocks are answered in one pass."""
    return model(images, masks).predictions


def zeroed(model: HJEPAModel, images: Tensor, masks: Masks) -> Predictions:
    """Masked tokens go through the encoder as zeros, and the predictor gets all of them."""
    encoder, predictor, target = model.context_encoder, model.predictor, masks.target
    patches = encoder.patch_embed(encoder.standardize(images)).flatten(2).transpose(1, 2)
    embedding, _ = encoder.positions()
    x = (patches + embedding) * masks.seen_BHW.flatten(1)[..., None]
    for block in encoder.blocks:
        x = block(x)
    place, _ = predictor.positions()
    assert place is not None
    asked = predictor.mask_token + place[target.index_BM]  # empty slots ask for patch 0
    x = torch.cat([predictor.embed(encoder.norm(x)) + place, asked], dim=1)
    for block in predictor.blocks:
        x = block(x)
    answered = predictor.norm(x[:, -asked.shape[1] :]) * target.valid_BM[..., None]
    return heads_of(model, on_grid(answered, masks.target, model.grid_size), masks)


def four_passes(model: HJEPAModel, images: Tensor, masks: Masks) -> Predictions:
    """Masked tokens are dropped, and the predictor runs once for each target block."""
    context = model.context_encoder(images, masks.context)
    total: Tensor | float = 0.0
    for block in masks.blocks_BKHW.unbind(1):
        one = Masks.of(masks.eligible_BHW, block[:, None])
        total = total + on_grid(model.predictor(context, one), one.target, model.grid_size)
    assert isinstance(total, Tensor)
    return heads_of(model, total, masks)


def heads_of(model: HJEPAModel, grid: Tensor, masks: Masks) -> Predictions:
    """From predictions on the grid to those of each level."""
    levels = model.fusion(grid, masks.target_BHW)
    return [head(level) for head, level in zip(model.heads, levels, strict=True)]


Variant = Callable[[HJEPAModel, Tensor, Masks], Predictions]
# What each computes, and how its predictor is set.
VARIANTS: dict[str, tuple[Variant, tuple[str, ...]]] = {
    OURS: (dropped, ()),
    PUBLISHED: (zeroed, AS_WIDE),
    "zeroed tokens, our predictor": (zeroed, ()),
    "dropped tokens, four passes": (four_passes, ()),
}


class Training:
    """One variant with a model and an optimizer of its own."""

    def __init__(self, name: str, is_bf16: bool) -> None:
        self.predict, settings = VARIANTS[name]
        config = load_config(HJEPAConfig, None, (*SETTINGS, *settings))
        torch.manual_seed(0)
        self.model = assemble(config, Standardize(torch.full((3,), 0.5), torch.full((3,), 0.3)))
        self.loss_fn = create_loss(config)
        self.optimizer = create_optimizer(self.model, lr=1e-4, weight_decay=0.05)
        self.masking = create_masking(config, self.model.grid_size)
        self._is_bf16 = is_bf16

    def differentiate(self, images: Tensor, masks: Masks) -> None:
        """Forward and backward."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self._is_bf16):
            if self.predict is dropped:
                outputs = self.model(images, masks)
                predictions, targets = outputs.predictions, outputs.targets
            else:
                predictions = self.predict(self.model, images, masks)
                targets = self.model.encode_targets(images)
            loss = self.loss_fn(predictions, targets, self.model._scored(masks)).total
        loss.backward()

    def step(self, images: Tensor, masks: Masks) -> tuple[float, float]:
        """Seconds of a training step, by the clock and of CPU."""
        wall, cpu = time.perf_counter(), time.process_time()
        self.differentiate(images, masks)
        self.optimizer.step()
        self.optimizer.zero_grad()
        ema_update(self.model.target_encoder, self.model.context_encoder, 0.996)
        return time.perf_counter() - wall, time.process_time() - cpu

    def gflop(self, images: Tensor, masks: Masks) -> float:
        """Of an image and step, counted."""
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            self.differentiate(images, masks)
        self.optimizer.zero_grad()
        return counter.get_total_flops() / len(images) / 1e9


def summary(values: list[float], form: str = ".2f") -> str:
    """Median and range."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def main() -> int:
    """Count, time, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bf16", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    trainings = {name: Training(name, arguments.bf16) for name in VARIANTS}
    masking, images = trainings[OURS].masking, torch.rand(arguments.batch_size, 3, 224, 224)
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in VARIANTS}
    gflop = dict.fromkeys(VARIANTS, 0.0)
    order = list(VARIANTS)
    shuffle = random.Random(0)  # the order of turns
    for number in range(arguments.rounds + 1):
        shuffle.shuffle(order)
        masks = masking(arguments.batch_size, torch.Generator().manual_seed(number))
        for name in order:
            if number:
                seconds[name].append(trainings[name].step(images, masks))
            else:  # a count, which warms up
                gflop[name] = trainings[name].gflop(images, masks)
    print(
        f"ViT-S/16 at 224, {'bf16' if arguments.bf16 else 'fp32'}, batch {arguments.batch_size}, "
        f"{arguments.threads} threads, {arguments.rounds} rounds: median (range)\n"
    )
    print("| variant | GFLOP an image | over ours | images a second | theirs over our time | CPU |")
    print("|---|---|---|---|---|---|")
    ratios = {}
    for name, taken in seconds.items():
        rates = [arguments.batch_size / wall for wall, _ in taken]
        slower, more = (
            [theirs[clock] / own[clock] for theirs, own in zip(taken, seconds[OURS], strict=True)]
            for clock in range(2)
        )
        ratios[name] = statistics.median(slower)
        print(
            f"| {name} | {gflop[name]:.1f} | {gflop[name] / gflop[OURS]:.2f} | {summary(rates)} "
            f"| {summary(slower)} | {summary(more)} |"
        )
    holds = gflop[OURS] <= MOST_GFLOP and ratios[PUBLISHED] >= LEAST_RATIO
    print(f"\n{'Both claims hold.' if holds else 'A claim is broken.'}")
    return int(not holds)


if __name__ == "__main__":
    sys.exit(main())
