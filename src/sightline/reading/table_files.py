"""Points of scalars as files of tables: Parquet, Feather, CSV and lines of JSON."""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from sightline._optional import missing
from sightline.events.json_numbers import json_number
from sightline.events.whole_files import whole_file
from sightline.reading import dataframes
from sightline.reading.columns import Columns, check_wide

CHUNK = 10_000


def export(columns: Columns, path: Path, file_format: str, *, wide: bool = False) -> int:
    """Write points to a file, which appears when it is whole.

    Args:
        columns: The points.
        path: The file; one that is there is replaced.
        file_format: A key of `FORMATS`.
        wide: Columns run and step, and one for each tag, empty where there is no point.

    Returns:
        Its size in bytes.

    Raises:
        OSError: If it cannot be written; what was there is then left as it is.
    """  # noqa: DOC502  open and replace raise it
    with whole_file(path) as file:
        write_table(columns, file, file_format, wide=wide)
        return file.tell()


def write_table(columns: Columns, file: BinaryIO, file_format: str, *, wide: bool = False) -> None:
    """Write points to an open file.

    Args:
        columns: The points.
        file: Opened for bytes; it is only appended to.
        file_format: A key of `FORMATS`.
        wide: Columns run and step, and one for each tag, empty where there is no point.

    Raises:
        ValueError: If a tag of a wide table is called as one of its other columns.
    """  # noqa: DOC502  check_wide raises it
    if wide:
        check_wide(columns)
    FORMATS[file_format](columns, file, wide)


def _parquet(columns: Columns, file: BinaryIO, wide: bool) -> None:
    table = dataframes.to_arrow(columns, wide=wide)
    _module("pyarrow.parquet").write_table(table, file)


def _feather(columns: Columns, file: BinaryIO, wide: bool) -> None:
    table = dataframes.to_arrow(columns, wide=wide)
    _module("pyarrow.feather").write_feather(table, file)


def _csv(columns: Columns, file: BinaryIO, wide: bool) -> None:
    table = dataframes.to_arrow(columns, wide=wide)
    # Fails on dictionaries: their texts are written instead.
    names = [name for name in ("run", "tag") if name in table.column_names]
    string = _module("pyarrow").string()
    for name in names if not wide else names[:1]:
        place = table.column_names.index(name)
        table = table.set_column(place, name, table.column(name).cast(string))
    _module("pyarrow.csv").write_csv(table, file)


def _jsonl(columns: Columns, file: BinaryIO, wide: bool) -> None:
    lines = _wide_lines(columns) if wide else _lines(columns)
    for line in lines:
        file.write(line.encode())


def _lines(columns: Columns) -> Iterator[str]:
    runs = [json.dumps(name) for name in columns.run_names]
    tags = [json.dumps(name) for name in columns.tag_names]
    for start in range(0, len(columns), CHUNK):
        part = slice(start, start + CHUNK)
        points = zip(
            columns.run[part].tolist(),
            columns.tag[part].tolist(),
            columns.step[part].tolist(),
            columns.wall_time[part].tolist(),
            columns.value[part].tolist(),
            strict=True,
        )
        yield "".join(
            f'{{"run": {runs[run]}, "tag": {tags[tag]}, "step": {step}, '
            f'"wall_time": {_json(wall_time)}, "value": {_json(value)}}}\n'
            for run, tag, step, wall_time, value in points
        )


def _wide_lines(columns: Columns) -> Iterator[str]:
    tags = [json.dumps(name) for name in columns.tag_names]
    order = np.lexsort((columns.step, columns.run))  # stable: the last of several points is last
    previous: tuple[int, int] | None = None
    cells: dict[int, float] = {}
    rows = zip(
        columns.run[order].tolist(),
        columns.step[order].tolist(),
        columns.tag[order].tolist(),
        columns.value[order].tolist(),
        strict=True,
    )

    def line(run: int, step: int) -> str:
        numbers = "".join(f", {tags[tag]}: {_json(value)}" for tag, value in cells.items())
        return f'{{"run": {json.dumps(columns.run_names[run])}, "step": {step}{numbers}}}\n'

    for run, step, tag, value in rows:
        if previous is not None and previous != (run, step):
            yield line(*previous)
            cells.clear()
        previous = run, step
        cells[tag] = value
    if previous is not None:
        yield line(*previous)


def _json(number: float) -> str:
    return repr(number) if math.isfinite(number) else f'"{json_number(number)}"'


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        missing("pyarrow", dataframes.EXTRA)


FORMATS: dict[str, Callable[[Columns, BinaryIO, bool], None]] = {
    "parquet": _parquet,
    "csv": _csv,
    "jsonl": _jsonl,
    "feather": _feather,
    "arrow": _feather,
}
"""How to write each format, by the ending of its files."""
