"""Sightline: see whether a model is learning, while it trains.

Importing this loads NumPy and nothing heavier; the names that need more are loaded at first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sightline.logger import MetricsLogger

if TYPE_CHECKING:
    from sightline.reading import read
    from sightline.training.progress import ProgressTracker

__all__ = ["MetricsLogger", "ProgressTracker", "read"]


def __getattr__(name: str) -> Any:
    if name == "ProgressTracker":
        from sightline.training.progress import ProgressTracker

        return ProgressTracker
    if name == "read":
        from sightline.reading import read

        return read
    raise AttributeError(f"module 'sightline' has no attribute {name!r}")
