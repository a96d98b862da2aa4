"""Tables, from the logger to TensorBoard's two loaders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.logger import MetricsLogger
from sightline.writers import Jsonl, Memory, Table
from tests.loaders import Shown, read_python

Loader = Callable[[Path], Shown]

COLUMNS = ("class", "recall", "num")
ROWS = [("cat", 1 / 3, 12), ("a|b\nc", None, True), ("ü", float("nan"), 2**60)]


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def logger(memory: Memory, tmp_path: Path) -> MetricsLogger:
    return MetricsLogger("run", tmp_path, writers=[memory])


def rows(memory: Memory) -> Any:
    *_, value = (one.value for one in memory.written if isinstance(one.value, Table))
    return value.rows


def test_a_loader_shows_a_table_in_markdown(tmp_path: Path, read_loader: Loader) -> None:
    with MetricsLogger("run", tmp_path, describe=lambda tag: f"about {tag}") as logger:
        for step in range(2):
            logger.log_table("t", COLUMNS, ROWS[step:], step=step)
    shown = read_loader(tmp_path)
    assert shown.plugins["run"] == {"t": "text"}
    assert shown.descriptions["run"] == {"t": "about t"}
    lines = [
        "| class | recall | num |",
        "| --- | --- | --- |",
        "| cat | 0.333333 | 12 |",
        "| a\\|b c |  | True |",
        f"| ü | nan | {2**60} |",
    ]
    first, second = (text.item().decode() for _, text in shown.series["run"]["t"])
    assert first.splitlines() == lines
    assert second.splitlines() == [*lines[:2], *lines[3:]]


def test_numbers_of_any_framework_become_pythons_own(logger: MetricsLogger, memory: Memory) -> None:
    tensor = torch.tensor(0.5)
    row = (tensor, jnp.int32(3), np.float32(0.25), np.bool_(True), np.int64(7), "text")
    logger.log_table("t", "abcdef", [row])
    tensor += 1
    logger.close()
    assert rows(memory) == ((0.5, 3, 0.25, True, 7, "text"),)
    assert list(map(type, rows(memory)[0])) == [float, int, float, bool, int, str]


@pytest.mark.parametrize("make", [np.asarray, torch.tensor, jnp.asarray])
def test_an_array_of_two_axes_is_a_table(
    logger: MetricsLogger, memory: Memory, make: Callable[[Any], Any]
) -> None:
    logger.log_table("t", ("a", "b", "c"), make([[1, 2, 3], [4, 5, 6]]))
    logger.close()
    assert rows(memory) == ((1, 2, 3), (4, 5, 6))


def test_rows_may_come_one_by_one_and_cells_be_anything(
    logger: MetricsLogger, memory: Memory
) -> None:
    logger.log_table("t", ("path", "many"), ((Path("a"), torch.ones(2)) for _ in range(2)))
    logger.log_table("empty", ("a",), [])
    logger.close()
    assert memory.written[0].value == Table(("path", "many"), (("a", "[1.0, 1.0]"),) * 2)
    assert rows(memory) == ()


@pytest.mark.parametrize(
    ("columns", "table", "message"),
    [
        ((), [], "at least one column for 't', got none"),
        (("a", "b"), [(1, 2), (1,)], "expected 2 cells in row 1 of 't', got 1"),
        (("a", "b"), ["ab"], "in row 0 of 't', got a text"),
        (("a", "b"), np.zeros((2, 3)), r"got an array of shape \(2, 3\); give a name"),
        (("a", "b"), np.zeros(2), r"got an array of shape \(2,\)"),
    ],
)
def test_rows_that_do_not_fit_are_refused_at_the_call(
    logger: MetricsLogger, columns: Any, table: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        logger.log_table("t", columns, table)
    logger.close()


def test_jsonl_keeps_the_cells_as_they_are(tmp_path: Path) -> None:
    with MetricsLogger("run", tmp_path, writers=[Jsonl(tmp_path / "log.jsonl")]) as logger:
        logger.log_table("t", COLUMNS, ROWS, step=3)
    line = json.loads((tmp_path / "log.jsonl").read_text())
    assert line["tables"] == {
        "t": {
            "columns": list(COLUMNS),
            "rows": [["cat", 1 / 3, 12], ["a|b\nc", None, True], ["ü", "NaN", 2**60]],
        }
    }


@settings(max_examples=30)
@given(st.lists(st.tuples(st.text(max_size=9), st.integers(), st.booleans()), max_size=5))
def test_a_table_keeps_its_rows_and_columns_whatever_its_cells_say(
    tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, int, bool]]
) -> None:
    logdir = tmp_path_factory.mktemp("logs")
    with MetricsLogger("run", logdir) as logger:
        logger.log_table("t", ("a", "b", "c"), table)
    ((_, text),) = read_python(logdir).series["run"]["t"]
    lines = text.item().decode().split("\n")
    assert len(lines) == 2 + len(table)
    for line, (_, number, flag) in zip(lines[2:], table, strict=True):
        assert line.replace("\\|", "").count("|") == 4
        assert line.endswith(f" | {number} | {flag} |")
