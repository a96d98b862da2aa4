"""Random numbers that are a function of where the run stands, not of how it got there.

A resumed run must draw the masks, crops and batches that the uninterrupted run would have drawn.
Instead of saving the state of a shared generator, each consumer asks for a fresh one, named by
the seed, its own stream and the step. Nothing has to be saved, and two consumers cannot disturb
each other. The global generators, which initialise weights, are seeded by Fabric's
``seed_everything``.
"""

from __future__ import annotations

import hashlib
import operator

import torch


def generator(
    seed: int, stream: str, *indices: int, device: str | torch.device = "cpu"
) -> torch.Generator:
    """Make the generator of one stream at one place of the run.

    The seed is the 64-bit BLAKE2b hash of all arguments but the device. PyTorch's CPU engine keeps
    the low 32 bits, so two of ``n`` distinct calls coincide with a probability of about
    ``n² / 2³³``; such a pair repeats one step's masks at some other step, and no more.

    Args:
        seed: The run's seed, any integer.
        stream: The consumer's name, such as ``"masks"`` or ``"augmentation"``.
        *indices: Where the run stands, such as the global step.
        device: Where the numbers will be drawn. CPU and CUDA engines draw different numbers.

    Returns:
        A new generator. Equal arguments give equal states; arguments that differ in any part give
        states that are unrelated.

    Example:
        >>> first, again = (generator(7, "masks", 120) for _ in range(2))
        >>> torch.equal(torch.rand(3, generator=first), torch.rand(3, generator=again))
        True
        >>> generator(7, "masks", 121).initial_seed() == again.initial_seed()
        False
    """
    place = (operator.index(seed), stream, *map(operator.index, indices))
    digest = hashlib.blake2b(repr(place).encode(), digest_size=8).digest()
    return torch.Generator(device).manual_seed(int.from_bytes(digest, "big"))
