"""Logging what a model is, and what it makes of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sightline.events import RunStatus
from sightline.logger.run import Run
from sightline.logger.watched import WatchedModel
from sightline.writers import Embedding, Graph, Histogram
from sightline.writers.checks import check_embedding
from sightline.writers.module_tree import module_nodes

GRAPH = "run/graph"


class LogsModels(Run):
    """The part of a logger that takes models and their representations."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._watched: list[WatchedModel] = []

    def log_graph(self, model: Any, step: int | None = None) -> None:
        """Log the modules of a model, for the Graphs tab of TensorBoard.

        The modules are listed, and nothing is run or traced: any model will do. Each is a node
        with its class, number of parameters and their shapes, modules that hold others are boxes
        to open, and an arrow leads from each to the one registered after it. That is the way of
        the data only where modules are registered in the order of their use.

        A run shows one graph. One that is logged at a later step replaces it; a different one at
        the same step or an earlier one is a logging error, for `flush` and `close` to raise.

        Args:
            model: A torch module or a Flax NNX module.
            step: Its step; None for the current one.
        """
        self._log({GRAPH: Graph(module_nodes(model))}, step)

    def watch_model(self, model: Any, *, every: int = 1000) -> None:
        """Log the modules of a torch model now, and its weights and gradients from now on.

        At the first backward pass and every so many further ones, each parameter gives a histogram
        of its weights and one of its gradients, `weights/<name>` and `gradients/<name>`, at the
        current step. Until `close`, a backward pass costs a Python call more a parameter.

        Args:
            model: A torch module.
            every: Backward passes from one reading to the next, at least 1.

        Raises:
            TypeError: If it is not a torch module.
            ValueError: If `every` is below 1.
        """
        if not hasattr(model, "named_parameters"):
            raise TypeError(
                f"expected a torch module, got {type(model).__name__}; log what a JAX step returns "
                "with log_model_weights and log_model_gradients"
            )
        if every < 1:
            raise ValueError(f"expected at least 1 backward pass, got every={every}; 1000 is usual")
        self.log_graph(model)
        watched = WatchedModel(model, lambda tag, x: self._log({tag: Histogram(x)}, None), every)
        self._watched.append(watched)

    def _close(self, status: RunStatus | None) -> None:
        while self._watched:
            self._watched.pop().remove()
        super()._close(status)

    def log_embedding(
        self,
        name: str,
        vectors: Any,
        step: int | None = None,
        *,
        metadata: Mapping[str, Any] | Sequence[Any] | None = None,
        images: Any = None,
    ) -> None:
        """Log vectors, for the Projector tab of TensorBoard.

        The projector places them by PCA, t-SNE or UMAP, colours them by a column of the metadata
        and shows their pictures. Every step stays, as an entry of its own in the menu. TensorBoard
        reads the list of a run when it finds the run, and again when another run appears: what is
        logged later shows after a restart of TensorBoard. It reads every step then, so that every
        epoch is often enough.

        Vectors with NaN or infinity can be placed nowhere: they are a logging error, for `flush`
        and `close` to raise.

        Args:
            name: Their tag.
            vectors: Array of NumPy, torch or JAX, shape (points, dimensions), at least 2 of each.
            step: Their step; None for the current one.
            metadata: What is known of each point: values by name of the column, or one sequence of
                labels. None and NaN are left empty.
            images: A picture of each point, as in `log_image`; an array of (points, height, width,
                channels), (points, channels, height, width) or (points, height, width), or a
                sequence. They are scaled down to at most 64 pixels.
        """
        self._check_tag(name)
        check_embedding(name, vectors, metadata, images)
        self._log({name: Embedding(vectors, metadata, images)}, step)
