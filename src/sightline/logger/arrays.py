"""Logging how many numbers are distributed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sightline.logger.run import Run
from sightline.writers import Histogram, Value
from sightline.writers.checks import check_array
from sightline.writers.tables import flatten


class LogsArrays(Run):
    """The part of a logger that takes arrays: values, weights and gradients."""

    def log_histogram(self, name: str, values: Any, step: int | None = None) -> None:
        """Log how values are distributed.

        Args:
            name: Their tag.
            values: Array of real numbers, any shape. Those that are not finite are left out.
            step: Their step; None for the current one.
        """
        self._log_histograms("", {name: values}, step)

    def log_model_weights(self, model: Any, step: int | None = None) -> None:
        """Log a histogram of each parameter, under `weights/<name>`.

        Args:
            model: A torch module, or arrays by name; nested names are joined by dots.
            step: Their step; None for the current one.
        """
        self._log_histograms("weights/", _named_parameters(model), step)

    def log_model_gradients(self, model: Any, step: int | None = None) -> None:
        """Log a histogram of each gradient, under `gradients/<name>`.

        Args:
            model: A torch module, of which parameters without gradient are left out; or gradients
                by name, nested names joined by dots.
            step: Their step; None for the current one.
        """
        arrays = _named_parameters(model)
        if not isinstance(model, Mapping):
            arrays = {name: parameter.grad for name, parameter in arrays.items()}
        present = {name: array for name, array in arrays.items() if array is not None}
        self._log_histograms("gradients/", present, step)

    def _log_histograms(self, prefix: str, arrays: Mapping[str, Any], step: int | None) -> None:
        values: dict[str, Value] = {}
        for name, array in arrays.items():
            tag = prefix + name if prefix else name
            self._check_tag(tag)
            check_array(tag, array)
            values[tag] = Histogram(array)
        self._log(values, step)


def _named_parameters(model: Any) -> dict[str, Any]:
    if isinstance(model, Mapping):
        return dict(flatten(model))
    if hasattr(model, "named_parameters"):
        return dict(model.named_parameters())
    raise TypeError(
        f"expected a torch module or a mapping from names to arrays, got {type(model).__name__}; "
        "pass its arrays by name"
    )
