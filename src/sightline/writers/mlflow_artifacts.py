"""Each kind of value that MLflow keeps as files of a run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import singledispatch
from typing import TYPE_CHECKING

from sightline.writers.mlflow_names import mlflow_path
from sightline.writers.values import Histogram, Image, Text, Value

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value goes.

    Args:
        client: Who takes it.
        run_id: The run.
        step: Its step.
        wall_ms: When it was logged, in milliseconds since 1970.
    """

    client: MlflowClient
    run_id: str
    step: int
    wall_ms: int

    def put_text(self, folder: str, tag: str, ending: str, text: str) -> None:
        """Log a file of text.

        Args:
            folder: First part of its path, before the tag.
            tag: The value's name.
            ending: Last part of its path, behind the step.
            text: What it holds.
        """
        path = f"{folder}/{mlflow_path(tag)}/step_{self.step:010d}{ending}"
        self.client.log_text(self.run_id, text, path)


@singledispatch
def upload(value: Value, tag: str, place: Place) -> None:
    """Log a value.

    Args:
        value: On the host.
        tag: Its name.
        place: Where it goes.

    Raises:
        AssertionError: If MLflow keeps nothing of this kind.
    """
    raise AssertionError(f"{type(value).__name__} is not supported")


@upload.register
def _image(value: Image, tag: str, place: Place) -> None:
    from PIL.Image import fromarray

    key = mlflow_path(tag)
    for index, pixels in enumerate(value.pixels):
        place.client.log_image(
            place.run_id,
            fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels),
            key=key if len(value.pixels) == 1 else f"{key}/{index}",
            step=place.step,
            timestamp=place.wall_ms,
        )


@upload.register
def _text(value: Text, tag: str, place: Place) -> None:
    place.put_text("texts", tag, ".md", value.markdown)


@upload.register
def _histogram(value: Histogram, tag: str, place: Place) -> None:
    buckets = value.values
    counted = {
        "edges": [*buckets.rows[:, 0].tolist(), float(buckets.rows[-1, 1])],
        "counts": buckets.rows[:, 2].astype(int).tolist(),
        "num_nan": buckets.num_nan,
        "num_inf": buckets.num_inf,
    }
    place.put_text("histograms", tag, ".json", json.dumps(counted))


UPLOADED: frozenset[type] = frozenset(upload.registry) - {object}
