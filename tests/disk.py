"""A disk that is full, for real: the operating system takes no more bytes."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def room_for(num_bytes: int, path: Path) -> Iterator[None]:
    """Lets no file of this process grow past the present size of one and so many bytes."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + num_bytes, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@contextmanager
def no_space_left(descriptor: int) -> Iterator[None]:
    """Lets nothing be written through an open file: as on a full disk, with ENOSPC."""
    kept, full = os.dup(descriptor), os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, descriptor)
    os.close(full)
    try:
        yield
    finally:
        os.dup2(kept, descriptor)
        os.close(kept)
