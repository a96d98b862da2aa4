"""What a training loop talks to."""

from sightline.logger.metrics import MetricsLogger

__all__ = ["MetricsLogger"]
