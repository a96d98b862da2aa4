from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from sightline.events import bucketize
from sightline.writers import Histogram, Jsonl, Scalar, Text


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_call_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "new" / "log.jsonl"
    writer = Jsonl(path)
    writer.write({"loss": Scalar(0.25), "note": Text("hi\nthere")}, step=3, wall_time=1.5)
    writer.write({"h": Histogram(bucketize([1.0, 1.0, np.nan, np.inf]))}, step=4, wall_time=2.5)
    writer.close()
    first, second = lines(path)
    assert first == {
        "step": 3,
        "wall_time": 1.5,
        "scalars": {"loss": 0.25},
        "texts": {"note": "hi\nthere"},
    }
    histogram = second["histograms"]["h"]
    assert sum(histogram["counts"]) == 2
    assert len(histogram["edges"]) == len(histogram["counts"]) + 1
    assert (histogram["num_nan"], histogram["num_inf"]) == (1, 1)


def test_numbers_that_json_lacks_can_be_read_back(tmp_path: Path) -> None:
    odd = [float("nan"), float("inf"), float("-inf")]
    writer = Jsonl(tmp_path / "log.jsonl")
    writer.write({str(n): Scalar(n) for n in odd}, step=0, wall_time=0.0)
    writer.close()
    (line,) = lines(tmp_path / "log.jsonl")
    np.testing.assert_equal([float(text) for text in line["scalars"].values()], odd)


def test_a_torn_line_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 0}\n{"step": 1, "wall')
    writer = Jsonl(path)
    writer.write({"loss": Scalar(1.0)}, step=2, wall_time=0.0)
    writer.close()
    assert [line[:10] for line in path.read_text().splitlines()] == [
        '{"step": 0',
        '{"step": 1',
        '{"step": 2',
    ]
