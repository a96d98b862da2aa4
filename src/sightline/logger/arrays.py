"""Logging many numbers at once: how they are distributed, how good they are, where they lie."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from sightline.logger.run import Run
from sightline.writers import Computed, Histogram, Mesh, PRCurve, Scores, Value
from sightline.writers.checks import check_array
from sightline.writers.shapes import check_mesh, check_scores
from sightline.writers.tables import flatten


class LogsArrays(Run):
    """The part of a logger that takes arrays: values, weights, gradients, scores and meshes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._mesh_parts: dict[str, str] = {}

    def log_histogram(self, name: str, values: Any, step: int | None = None) -> None:
        """Log how values are distributed.

        Args:
            name: Their tag.
            values: Array of real numbers, any shape. Those that are not finite are left out.
            step: Their step; None for the current one.
        """
        self._log_histograms("", {name: values}, step)

    def log_computed(
        self, name: str, function: Callable[..., float], *arrays: Any, step: int | None = None
    ) -> None:
        """Log a number that the worker computes from arrays, so that the caller does not wait.

        Args:
            name: Its tag.
            function: Takes the arrays as NumPy arrays on the host, and returns the number. What it
                raises is a logging error, for `flush` and `close` to raise.
            *arrays: Arrays of NumPy, torch or JAX, kept as they are now.
            step: Its step; None for the current one.
        """
        self._log({name: Computed(function, arrays)}, step)

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

    def log_pr_curve(
        self,
        name: str,
        labels: Any,
        predictions: Any,
        step: int | None = None,
        *,
        num_thresholds: int = 127,
        weights: Any = None,
    ) -> None:
        """Log precision against recall of a classifier of two classes.

        Both are counted in the worker. Whether labels and predictions lie within their range shows
        only there: one that does not is a logging error, for `flush` and `close` to raise.

        Args:
            name: Its tag.
            labels: Array of bools, or of numbers that are 0 or 1, any shape.
            predictions: Array of scores from 0 to 1, of the same shape.
            step: Its step; None for the current one.
            num_thresholds: Thresholds between 0 and 1 at which is counted, at least 2; the same at
                each step.
            weights: Array of what each example counts, of the same shape; 1 by default.
        """
        self._check_tag(name)
        check_scores(name, labels, predictions, num_thresholds, weights)
        self._log({name: PRCurve(Scores(labels, predictions, num_thresholds, weights))}, step)

    def log_mesh(
        self,
        name: str,
        vertices: Any,
        faces: Any = None,
        colors: Any = None,
        step: int | None = None,
        *,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        """Log a mesh, a cloud of points, or a batch of either.

        Args:
            name: Its tag.
            vertices: Array of shape (vertices, 3) or (meshes, vertices, 3).
            faces: Indices of the three vertices of each triangle, of shape (faces, 3) or (meshes,
                faces, 3); None for points. Each step of a tag has the same parts.
            colors: Red, green and blue of each vertex, as uint8 or floating from 0 to 1.
            step: Its step; None for the current one.
            config: Settings of the three.js scene: `camera`, `lights` and `material`.

        Raises:
            ValueError: If the arrays make no mesh, or one of other parts than before.
        """
        self._check_tag(name)
        check_mesh(name, vertices, faces, colors)
        parts = "vertices"
        parts += ("" if faces is None else ", faces") + ("" if colors is None else ", colours")
        before = self._mesh_parts.setdefault(name, parts)
        if parts != before:
            raise ValueError(
                f"expected {name!r} with {before} as before, got {parts}; TensorBoard draws those "
                "of the first step, so use another tag"
            )
        config = None if config is None else json.loads(json.dumps(config))
        self._log({name: Mesh(vertices, faces, colors, config)}, step)

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
