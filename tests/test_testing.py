from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightline import writers
from sightline.testing import check_writer
from sightline.writers import Histogram, Memory, Scalar, Value, Writer

WRITERS = [
    kind
    for name in writers.__all__
    if inspect.isclass(kind := getattr(writers, name))
    and kind is not Writer
    and all(inspect.isfunction(getattr(kind, verb, None)) for verb in ("write", "flush", "close"))
]


def arguments(kind: type, folder: Path) -> dict[str, Any]:
    """What a writer's constructor needs, by the names of its parameters."""
    fitting = {
        "run_dir": folder,
        "path": folder / "log.jsonl",
        "writer": Memory(),
        "writers": [Memory()],
        "directory": folder,
        "mode": "offline",
    }
    return {name: fitting[name] for name in inspect.signature(kind).parameters if name in fitting}


def test_all_writers_of_the_package_are_found() -> None:
    names = {kind.__name__ for kind in WRITERS}
    assert {"TensorBoard", "Jsonl", "Memory", "Console", "Wandb", "Fanout", "Background"} <= names


@pytest.mark.parametrize("kind", WRITERS)
def test_every_writer_of_the_package_keeps_the_contract(kind: type, tmp_path: Path) -> None:
    check_writer(lambda: kind(**arguments(kind, tmp_path)))


class FailsOnNan(Memory):
    def write(self, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
        for value in values.values():
            if isinstance(value, Scalar) and value.value != value.value:
                raise ValueError("NaN")


class SortsInPlace(Memory):
    def write(self, values: Mapping[str, Value], *, step: int, wall_time: float) -> None:
        for value in values.values():
            if isinstance(value, Histogram):
                value.values.rows.sort(axis=0)


class ClosesOnce(Memory):
    closed = False

    def close(self) -> None:
        if self.closed:
            raise RuntimeError("closed twice")
        self.closed = True


class SupportsEverything(Memory):
    supports: frozenset[type] = frozenset({Scalar, np.ndarray})


@pytest.mark.parametrize(
    ("make_writer", "error"),
    [
        (FailsOnNan, ValueError),
        (SortsInPlace, AssertionError),
        (ClosesOnce, RuntimeError),
        (SupportsEverything, AssertionError),
        (list, AssertionError),
    ],
)
def test_a_writer_that_breaks_the_contract_is_found_out(
    make_writer: Callable[[], Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        check_writer(make_writer)
