"""Cuts gradients to a largest norm, and knows how often it had to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from sightline.training.sharding import whole

WINDOW = 100  # steps that the clipped share is of


class GradientClipping:
    """Clips by the global norm, without waiting for the device.

    Args:
        max_norm: Largest norm; None to leave gradients as they are.
        device: Where the model trains.
    """

    def __init__(self, max_norm: float | None, device: torch.device) -> None:
        self.max_norm = max_norm
        self._was_clipped = torch.zeros(WINDOW, device=device)
        self._num_steps = 0

    def __call__(
        self, fabric: Fabric, module: nn.Module, optimizer: Optimizer, *, measure: bool
    ) -> dict[str, Tensor | float]:
        """Clip the gradients of a step.

        Args:
            fabric: What set up the module and the optimizer.
            module: The module.
            optimizer: Its optimizer.
            measure: Whether the metrics are wanted; where nothing is clipped, the norm costs a pass
                over the gradients that is otherwise left out.

        Returns:
            The metrics `gradient/*`, 0-d tensors on the device; none if they were not wanted.
        """
        if self.max_norm is None and not measure:
            return {}
        limit = float("inf") if self.max_norm is None else self.max_norm
        before = fabric.clip_gradients(module, optimizer, max_norm=limit, error_if_nonfinite=False)
        assert before is not None
        before = whole(before)
        was_clipped = (before > limit).float()
        self._was_clipped[self._num_steps % WINDOW] = was_clipped
        self._num_steps += 1
        if not measure:
            return {}
        ratio = torch.where(was_clipped > 0, limit / before, 1.0)
        return {
            "gradient/global_norm_before_clip": before,
            "gradient/global_norm_after_clip": before * ratio,
            "gradient/was_clipped": was_clipped,
            "gradient/clipping_ratio": ratio,
            "gradient/clipping_percentage": (
                self._was_clipped.sum() * (100.0 / min(self._num_steps, WINDOW))
            ),
        }

    def state_dict(self) -> dict[str, Any]:
        """Which of the last steps were clipped."""
        return {"was_clipped": self._was_clipped, "num_steps": self._num_steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on counting."""
        self._was_clipped.copy_(state["was_clipped"])
        self._num_steps = state["num_steps"]
