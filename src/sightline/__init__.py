"""Sightline: see whether a model is learning, while it trains.

Importing this loads NumPy and nothing heavier; the names that need more are loaded at first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sightline.logger import MetricsLogger

if TYPE_CHECKING:
    from sightline.callbacks.watching import watch
    from sightline.reading import read
    from sightline.training.progress import ProgressTracker

__all__ = ["MetricsLogger", "ProgressTracker", "read", "watch"]


def __getattr__(name: str) -> Any:
    if name == "ProgressTracker":
        from sightline.training.progress import ProgressTracker

        return ProgressTracker
    if name == "read":
        from sightline.reading import read

        return read
    if name == "watch":
        from sightline.callbacks.watching import watch

        return watch
    raise AttributeError(f"module 'sightline' has no attribute {name!r}")
