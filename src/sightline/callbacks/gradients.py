"""Does the gradient reach every part of the model, and does the optimizer make use of it?"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from array_api_compat import array_namespace

from sightline.callbacks.base import Need, Trainer
from sightline.callbacks.cadence import Cadence
from sightline.callbacks.modules import block_of, module_of, neighbours
from sightline.callbacks.monitor import Monitor
from sightline.diagnostics import (
    module_norms,
    module_statistics,
    sample_coordinates,
    signal_to_noise,
    update_rms,
    update_to_weight,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MIN_READINGS = 4  # of which a signal-to-noise ratio can be told


class GradientMonitor(Monitor):
    """Logs the gradients of each module before clipping, and the step the optimizer made of them.

    A module is the first part of a parameter's name, or the second where all have one first part. A
    block is a numbered member of a list of modules, such as `encoder.blocks.3`.

    | tag | meaning |
    |---|---|
    | `gradients/{module}_mean` | mean magnitude |
    | `gradients/{module}_max` | largest magnitude |
    | `gradients/{module}_std` | standard deviation |
    | `gradients/{module}_total_norm` | L2 norm |
    | `gradients/{module}_num_nonfinite` | values that are infinite or NaN |
    | `gradients/{module}_snr` | signal over noise of the last readings |
    | `gradients/layer_ratio/{name}` | norm of a block over that of the next shallower one |
    | `updates/{module}_update_to_weight` | norm of the applied step over norm of the weights |
    | `learning_rate/avg_param_update` | root mean square of the applied step over all weights |
    | `gradient/flow` | image: norm of each block or module, from the input to the output |

    Args:
        every: Steps between readings, or a cadence.
        figures_every: Steps between figures, or a cadence; None for none.
        window: Readings that the signal-to-noise ratio is taken over.
    """

    reading_needs: ClassVar[Need] = Need.GRADIENTS | Need.WEIGHTS_BEFORE
    drawing_needs: ClassVar[Need] = Need.GRADIENTS

    def __init__(
        self,
        *,
        every: int | Cadence = 50,
        figures_every: int | Cadence | None = None,
        window: int = 10,
    ) -> None:
        super().__init__(every=every, figures_every=figures_every)
        self._samples: dict[str, deque[Any]] = {}
        self._window = window

    def read(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Log gradients and updates of this step."""
        readings: dict[str, Any] = {}
        if trainer.gradients:
            readings |= self._gradients(trainer.gradients, logs.get("gradient/clipping_ratio", 1.0))
        if trainer.weights_before:
            updates = update_to_weight(
                trainer.weights_before, trainer.parameters, module_of(trainer.weights_before)
            )
            for index, module in enumerate(updates.names):
                readings[f"updates/{module}_update_to_weight"] = updates.ratio[index]
            readings["learning_rate/avg_param_update"] = update_rms(
                trainer.weights_before, trainer.parameters
            )
        self.log(trainer, readings)

    def draw(self, trainer: Trainer, logs: Mapping[str, Any]) -> None:
        """Draw the way of the gradient through the model, in the order of its parameters."""
        if not trainer.gradients:
            return
        of_module = module_of(trainer.gradients)
        found = module_norms(trainer.gradients, lambda name: block_of(name) or of_module(name))
        norms = found.norm / logs.get("gradient/clipping_ratio", 1.0)
        draw = partial(_draw_flow, found.names)
        trainer.logger.log_drawing("gradient/flow", draw, norms, step=trainer.step)

    def _gradients(self, gradients: Mapping[str, Any], clipping_ratio: Any) -> dict[str, Any]:
        modules = module_of(gradients)
        statistics = module_statistics(gradients, modules)
        # Clipping scales all gradients alike; this takes it back.
        columns = {
            "mean": statistics.mean_abs / clipping_ratio,
            "max": statistics.max_abs / clipping_ratio,
            "std": statistics.std / clipping_ratio,
            "total_norm": statistics.norm / clipping_ratio,
            "num_nonfinite": statistics.num_nonfinite,
        }
        readings = {
            f"gradients/{module}_{name}": column[index]
            for index, module in enumerate(statistics.names)
            for name, column in columns.items()
        }
        for module, sample in sample_coordinates(gradients, modules).items():
            window = self._samples.setdefault(module, deque(maxlen=self._window))
            window.append(sample / clipping_ratio)
            if len(window) >= MIN_READINGS:
                stacked = array_namespace(sample).stack(list(window))
                readings[f"gradients/{module}_snr"] = signal_to_noise(stacked)
        return readings | dict(_layer_ratios(gradients))

    def state_dict(self) -> dict[str, Any]:
        """The sampled gradients of the last readings."""
        return {
            module: array_namespace(*window).stack(list(window))
            for module, window in self._samples.items()
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with the window."""
        self._samples = {
            module: deque(window, maxlen=self._window) for module, window in state.items()
        }


def _layer_ratios(gradients: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each block's norm over the next shallower one's, by tag."""
    blocks = {name: gradient for name, gradient in gradients.items() if block_of(name)}
    if not blocks:
        return
    norms = module_norms(blocks, block_of)
    index = {block: place for place, block in enumerate(norms.names)}
    for shallower, block in neighbours(norms.names):
        ratio = norms.norm[index[block]] / norms.norm[index[shallower]]
        yield f"gradients/layer_ratio/{block}", ratio


def _draw_flow(names: Sequence[str], norm_M: Any) -> Figure:
    from sightline.figures import visualize_gradient_flow

    return visualize_gradient_flow(dict(zip(names, norm_M, strict=True)))
