"""Gradient norms by module cost as much as one fused norm pass; all statistics, a small multiple.

Gradients of a ViT-S (22 million float32 in 152 tensors), against torch.nn.utils.get_total_norm:

| claim, ratio of medians | limit |
|---|---|
| `module_norms`: L2 norm by module | <= 1.3 |
| `module_statistics`: norm, mean and largest magnitude, deviation, non-finite, by module | <= 5 |

A loop that calls `.item()` for the same statistics of each tensor stands beside. All take turns and
the order alternates. Ends with status 1 if a claim does not hold.

    python -m benchmarks.gradient_statistics [--rounds 21] [--threads 1]
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor

from sightline.diagnostics import module_norms, module_statistics

WIDTH, DEPTH = 384, 12


def gradients() -> dict[str, Tensor]:
    """Random gradients with the names and shapes of a ViT-S."""
    d = WIDTH
    shapes: dict[str, tuple[int, ...]] = {
        "cls_token": (1, 1, d),
        "pos_embed": (1, 197, d),
        "patch_embed.weight": (d, 3, 16, 16),
        "patch_embed.bias": (d,),
    }
    for block in range(DEPTH):
        for layer, shape in {
            "norm1": (d,),
            "qkv": (3 * d, d),
            "proj": (d, d),
            "norm2": (d,),
            "fc1": (4 * d, d),
            "fc2": (d, 4 * d),
        }.items():
            shapes[f"block{block}.{layer}.weight"] = shape
            shapes[f"block{block}.{layer}.bias"] = shape[:1]
    for layer, shape in {"norm": (d,), "head": (1000, d)}.items():
        shapes[f"{layer}.weight"] = shape
        shapes[f"{layer}.bias"] = shape[:1]
    generator = torch.Generator().manual_seed(0)
    return {name: 1e-3 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def with_item(tensors: dict[str, Tensor]) -> list[tuple[float, ...]]:
    """The statistics as loops in the wild take them."""
    return [
        (
            x.norm().item(),
            x.abs().mean().item(),
            x.abs().max().item(),
            x.std().item(),
            x.isfinite().logical_not().sum().item(),
        )
        for x in tensors.values()
    ]


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    named = gradients()
    tensors = list(named.values())
    num_values = sum(x.numel() for x in tensors)
    print(f"{len(named)} tensors, {num_values:,} values, {arguments.threads} threads")
    contenders: dict[str, Callable[[], object]] = {
        "get_total_norm": lambda: torch.nn.utils.get_total_norm(tensors, foreach=True),
        "module_norms": lambda: module_norms(named),
        "module_statistics": lambda: module_statistics(named),
        "loop with .item()": lambda: with_item(named),
    }
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(arguments.rounds + 1):
        for name in list(contenders)[:: 1 if number % 2 else -1]:
            start = time.perf_counter()
            contenders[name]()
            if number:  # the first warms up
                times[name].append(1e3 * (time.perf_counter() - start))
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    ratios = {name: median / medians["get_total_norm"] for name, median in medians.items()}
    for name, taken in times.items():
        low, median, high = statistics.quantiles(taken, n=4)
        print(
            f"{name}: median {median:.2f} ms, quartiles {low:.2f} to {high:.2f}, "
            f"{ratios[name]:.2f} times one fused norm"
        )
    holds = ratios["module_norms"] <= 1.3 and ratios["module_statistics"] <= 5
    print("holds" if holds else "DOES NOT HOLD")
    return int(not holds)


if __name__ == "__main__":
    sys.exit(main())
