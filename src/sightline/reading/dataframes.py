"""Columns as tables of pandas, Polars and Arrow."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sightline._optional import missing
from sightline.reading.columns import Columns, check_wide

if TYPE_CHECKING:
    import polars

EXTRA = "frames"


def to_pandas(columns: Columns, *, wide: bool = False) -> Any:
    """Columns as a table of pandas.

    Args:
        columns: The points.
        wide: One column a tag, with run and step as index; of several points of one tag at one
            step the last one counts.

    Returns:
        Columns run and tag (categorical), step, wall_time, value.

    Raises:
        ValueError: If a tag of a wide table is called run or step.
    """  # noqa: DOC502  check_wide raises it
    if wide:
        check_wide(columns)
    pd = _package("pandas")
    frame = pd.DataFrame({
        "run": pd.Categorical.from_codes(columns.run, categories=list(columns.run_names)),
        "tag": pd.Categorical.from_codes(columns.tag, categories=list(columns.tag_names)),
        "step": columns.step,
        "wall_time": columns.wall_time,
        "value": columns.value,
    })
    if not wide:
        return frame
    last = frame.drop_duplicates(["run", "tag", "step"], keep="last")
    last = last.astype({"run": object, "tag": object})
    table = last.pivot(index=["run", "step"], columns="tag", values="value")
    return table.reindex(columns=list(columns.tag_names))


def to_polars(columns: Columns, *, wide: bool = False) -> polars.DataFrame:
    """Columns as a table of Polars.

    Args:
        columns: The points.
        wide: Columns run and step, and one for each tag; of several points of one tag at one step
            the last one counts.

    Returns:
        Columns run and tag (categorical), step, wall_time, value.

    Raises:
        ValueError: If a tag of a wide table is called run or step.
    """  # noqa: DOC502  check_wide raises it
    if wide:
        check_wide(columns)
    pl = _package("polars")

    def categories(names: tuple[str, ...], codes: NDArray[np.int32]) -> Any:
        return pl.Series(list(names), dtype=pl.String).gather(codes).cast(pl.Categorical)

    frame = pl.DataFrame({
        "run": categories(columns.run_names, columns.run),
        "tag": categories(columns.tag_names, columns.tag),
        "step": columns.step,
        "wall_time": columns.wall_time,
        "value": columns.value,
    })
    if not wide:
        return frame
    table = frame.pivot(on="tag", index=["run", "step"], values="value", aggregate_function="last")
    return table.sort("run", "step")


def to_arrow(columns: Columns, *, wide: bool = False) -> Any:
    """Columns as an Arrow table.

    Args:
        columns: The points.
        wide: Columns run and step, and one for each tag, null where it has no point; of several
            points of one tag at one step the last one counts.

    Returns:
        Columns run and tag (dictionaries), step, wall_time, value.

    Raises:
        ValueError: If a tag of a wide table is called run or step.
    """  # noqa: DOC502  check_wide raises it
    if wide:
        check_wide(columns)
    pa = _package("pyarrow")
    if wide:
        return pa.table(_wide(pa, columns))
    return pa.table({
        "run": pa.DictionaryArray.from_arrays(
            columns.run, pa.array(columns.run_names, pa.string())
        ),
        "tag": pa.DictionaryArray.from_arrays(
            columns.tag, pa.array(columns.tag_names, pa.string())
        ),
        "step": columns.step,
        "wall_time": columns.wall_time,
        "value": columns.value,
    })


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        missing(name, EXTRA)


def _wide(pa: Any, columns: Columns) -> dict[str, object]:
    """Run, step and one column for each tag, null where there is no point."""
    keys = np.stack([columns.run.astype(np.int64), columns.step])
    rows, place = np.unique(keys, axis=1, return_inverse=True)
    table: dict[str, object] = {
        "run": [columns.run_names[number] for number in rows[0]],
        "step": rows[1],
    }
    for number, tag in enumerate(columns.tag_names):
        values = np.empty(rows.shape[1])
        which = columns.tag == number
        values[place[which]] = columns.value[which]
        is_missing = np.ones(rows.shape[1], np.bool_)
        is_missing[place[which]] = False
        table[tag] = pa.array(values, mask=is_missing)
    return table
