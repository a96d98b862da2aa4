"""Each kind of value that MLflow keeps as files of a run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import singledispatch
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sightline.events import encode_gif, encode_wav
from sightline.writers.mlflow_names import mlflow_path
from sightline.writers.plain import plain
from sightline.writers.values import (
    Audio,
    Histogram,
    Image,
    Mesh,
    PRCurve,
    Table,
    Text,
    Value,
    Video,
)
from sightline.writers.wavefront import encode_obj

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

    def put(self, folder: str, tag: str, ending: str, content: str | bytes) -> None:
        """Log a file; one of an earlier session is replaced.

        Args:
            folder: First part of its path, before the tag.
            tag: The value's name.
            ending: Last part of its path, behind the step.
            content: What it holds.
        """
        path = Path(folder, mlflow_path(tag), f"step_{self.step:010d}{ending}")
        import tempfile

        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch, path.name)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
            self.client.log_artifact(self.run_id, str(file), path.parent.as_posix())


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
    place.put("texts", tag, ".md", value.markdown)


@upload.register
def _histogram(value: Histogram, tag: str, place: Place) -> None:
    place.put("histograms", tag, ".json", json.dumps(plain(value)))


@upload.register
def _table(value: Table, tag: str, place: Place) -> None:
    # MLflow's own tables grow where one is logged again, and are listed in a tag that fills up.
    place.put("tables", tag, ".json", json.dumps(plain(value)))


@upload.register
def _video(value: Video, tag: str, place: Place) -> None:
    place.put("videos", tag, ".gif", encode_gif(value.frames, value.fps))


@upload.register
def _audio(value: Audio, tag: str, place: Place) -> None:
    place.put("sounds", tag, ".wav", encode_wav(value.samples, value.sample_rate))


@upload.register
def _pr_curve(value: PRCurve, tag: str, place: Place) -> None:
    names = ("threshold", "tp", "fp", "tn", "fn", "precision", "recall")
    thresholds = np.linspace(0.0, 1.0, value.curve.shape[1])
    table = Table(names, tuple(map(tuple, np.vstack([thresholds, value.curve]).T.tolist())))
    place.put("pr_curves", tag, ".json", json.dumps(plain(table)))


@upload.register
def _mesh(value: Mesh, tag: str, place: Place) -> None:
    for index, vertices in enumerate(value.vertices):
        faces = None if value.faces is None else value.faces[index]
        colors = None if value.colors is None else value.colors[index]
        ending = ".obj" if len(value.vertices) == 1 else f"_{index}.obj"
        place.put("meshes", tag, ending, encode_obj(vertices, faces, colors))


UPLOADED: frozenset[type] = frozenset(upload.registry) - {object}
