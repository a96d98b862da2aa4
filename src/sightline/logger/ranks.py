"""Which process of a distributed training this is."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

# What launchers tell each process: its rank, and how many there are.
LAUNCHERS = (
    ("RANK", "WORLD_SIZE"),
    ("SLURM_PROCID", "SLURM_NTASKS"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
)


def process_rank(environ: Mapping[str, str] = os.environ) -> int:
    """The rank of this process, from torch or JAX where they know it, else from the launcher.

    Args:
        environ: Environment variables.

    Returns:
        From 0; 0 where there is one process.

    Example:
        >>> process_rank({"RANK": "3", "WORLD_SIZE": "8"}), process_rank({})
        (3, 0)
    """
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        rank: int = distributed.get_rank()
        return rank
    jax = sys.modules.get("jax")
    if jax is not None and jax.distributed.is_initialized():
        index: int = jax.process_index()
        return index
    for rank_name, size_name in LAUNCHERS:
        if environ.get(rank_name, "").isdigit() and int(environ.get(size_name) or 1) > 1:
            return int(environ[rank_name])
    return 0
