"""Checks for writers of one's own: what every writer of Sightline holds to."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping

import numpy as np

from sightline.events import (
    HPARAMS_TAG,
    LAYOUT_TAG,
    RUN_END_TAG,
    Category,
    GraphNode,
    Margin,
    Multiline,
    RunStatus,
    bucketize,
    pr_curve,
)
from sightline.writers import (
    Audio,
    Embedding,
    Graph,
    Histogram,
    HParams,
    Image,
    Layout,
    Mesh,
    PRCurve,
    Row,
    RunEnd,
    Scalar,
    Table,
    Text,
    Value,
    Video,
    Writer,
    hand_over,
    hand_over_rows,
)
from sightline.writers.values import KINDS

__all__ = ["check_writer"]

SCALARS = {
    "whole/zero": 0.0,
    "with space": -1.5e-30,
    "größe": 1e300,
    "nan": float("nan"),
    "inf": float("-inf"),
}


def check_writer(make_writer: Callable[[], Writer]) -> None:
    """Check that a writer does what a logger counts on.

    It takes all that it says it supports: numbers that are not finite, steps that are negative,
    large or lower than before, empty histograms, any legal tag. It leaves what it is handed as it
    is. It can be flushed and closed at any time, and closed twice.

    Args:
        make_writer: Makes a fresh writer, several times.

    Raises:
        AssertionError: If it does not.

    Example:
        >>> from sightline.writers import Memory
        >>> check_writer(Memory)
    """
    kinds = KINDS
    writer = make_writer()
    if not isinstance(writer, Writer):
        raise AssertionError(
            f"expected a writer, got {type(writer).__name__}; it needs supports, write, flush and "
            "close"
        )
    if not (isinstance(writer.supports, frozenset) and writer.supports <= set(kinds)):
        names = ", ".join(kind.__name__ for kind in kinds)
        raise AssertionError(
            f"expected supports to be a frozenset of some of {names}, got {writer.supports!r}"
        )
    writer.flush()
    writer.close()
    writer.close()

    writer = make_writer()
    values = sample_values()
    before = sample_values()
    for step in (0, 1, 2**40, -1):
        hand_over(writer, values, step=step, wall_time=1.5e9)
        writer.flush()
    numbers = tuple(SCALARS.values())
    rows = [Row(tuple(SCALARS), numbers, step, 1.5e9) for step in (2, 300, 2**62, -5)]
    hand_over_rows(writer, [*rows, Row(("another",), (1.0,), 3, 1.5e9)])
    hand_over_rows(writer, [])
    writer.flush()
    _check_unchanged(before, values)
    hand_over(writer, values, step=7, wall_time=1.5e9)
    writer.close()
    writer.close()


def sample_values() -> dict[str, Value]:
    """Values of every kind, as a writer is handed them.

    Returns:
        Value by tag, the same every time.
    """
    generator = np.random.default_rng(0)
    values: dict[str, Value] = {tag: Scalar(number) for tag, number in SCALARS.items()}
    for num_channels in (1, 3, 4):
        pixels = generator.integers(0, 256, (5, 7, num_channels), dtype=np.uint8)
        values[f"image/{num_channels}"] = Image((pixels,), "a caption", "HWC")
    values["image/samples"] = Image((np.zeros((2, 2, 1), np.uint8),) * 2, is_grid=False)
    values["histogram"] = Histogram(bucketize(generator.normal(size=(3, 50))))
    values["histogram/empty"] = Histogram(bucketize(np.zeros(0)))
    values["histogram/nan"] = Histogram(bucketize([np.nan, np.inf, 1.0]))
    values["text"] = Text("| a | b |\n|---|---|\n| ü | 1 |")
    values["table"] = Table(("a|b", "ü"), (("x", 1.5), (None, True), ("two\nlines", float("nan"))))
    values["table/empty"] = Table(("a",), ())
    for num_channels in (1, 3, 4):
        frames = generator.integers(0, 256, (3, 4, 5, num_channels), dtype=np.uint8)
        values[f"video/{num_channels}"] = Video(frames, 25, "HWC", "a caption")
    for num_channels in (1, 2):
        samples = generator.integers(-(2**15), 2**15, (9, num_channels), dtype=np.int16)
        values[f"audio/{num_channels}"] = Audio(samples, 8000, "TC")
    values["pr_curve"] = PRCurve(pr_curve([True, False], [0.75, 0.25], 5))
    corners = np.eye(3, dtype=np.float32)[None]
    values["points"] = Mesh(corners)
    faces = np.array([[[0, 1, 2]]], np.int32)
    values["mesh"] = Mesh(corners, faces, np.zeros((1, 3, 3), np.uint8), {"lights": []})
    charts = (Multiline("lines", ("a", "größe")), Margin("bands", (("a", "b", "c"),)))
    values[LAYOUT_TAG] = Layout((Category("charts", charts, closed=True),))
    settings: dict[str, bool | float | str] = {"lr": 0.1, "nesterov": True, "name": "ü"}
    values[HPARAMS_TAG] = HParams(settings, 1.5e9, "seeds")
    values[RUN_END_TAG] = RunEnd(RunStatus.SUCCESS, 1.6e9)
    vectors = generator.normal(size=(5, 3)).astype(np.float32)
    thumbnails = tuple(np.full((2, 2, 3), 50 * point, np.uint8) for point in range(5))
    labels = {"größe": ("a", "b\tc", "", "d\n", "-1"), "class": ("0", "1", "2", "3", "4")}
    values["embedding/all"] = Embedding(vectors, labels, thumbnails)
    values["embedding/zero"] = Embedding(np.zeros((2, 2), np.float32))
    leaf = GraphNode("layers/0", "Linear", (), {"weight": "3 x 4 float32"}, (3, 4))
    values["graph"] = Graph((leaf, GraphNode("layers/1", "ReLU", ("layers/0",))))
    return values


def _check_unchanged(before: Mapping[str, Value], after: Mapping[str, Value]) -> None:
    for tag, value in before.items():
        now = after.get(tag)
        if pickle.dumps(now) != pickle.dumps(value):
            raise AssertionError(
                f"expected a writer that leaves values as they are, got a changed {tag!r}; "
                "copy before changing"
            )
