"""A mean over samples that stays on the device until somebody asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class SampleMean:
    """Mean of a metric over samples that come in batches of different sizes.

    Args:
        device: Where the metric lies.
    """

    def __init__(self, device: torch.device) -> None:
        self._sum = torch.zeros((), device=device)
        self._num_samples = 0

    def add(self, mean: Tensor, num_samples: int) -> None:
        """Take in a batch.

        Args:
            mean: Its mean, 0-d.
            num_samples: Samples in it.
        """
        self._sum += mean * num_samples
        self._num_samples += num_samples

    def take(self) -> Tensor:
        """The mean over all since the last call, 0-d; a new one begins."""
        mean = self._sum / self._num_samples
        self._sum.zero_()
        self._num_samples = 0
        return mean

    def state_dict(self) -> dict[str, Any]:
        """What was taken in so far."""
        return {"sum": self._sum, "num_samples": self._num_samples}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._sum.copy_(state["sum"])
        self._num_samples = state["num_samples"]
