"""The fast way and the plain way see the same, whatever is in the file."""

from __future__ import annotations

import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sightline
from sightline.events import Event, Metadata, SessionStatus, Tensor, Value, frame
from sightline.events.tensors import DType
from sightline.reading import event_files, extraction
from tests.reading.plain import damage_found, read_plainly

SCALARS = Metadata("scalars")
FLOATS = st.floats(width=32, allow_nan=False)
STEPS = st.one_of(st.integers(0, 300), st.integers(-(2**63), 2**63 - 1))


class Content(bytes):
    """Bytes that print short."""

    def __repr__(self) -> str:
        return f"Content(zlib.decompress({zlib.compress(self)!r}))"


@st.composite
def runs_of_records(draw: st.DrawFn) -> list[bytes]:
    """Records as one loop writes them: the same tags again and again."""
    tags = draw(st.lists(st.text("abc/é", max_size=3), max_size=4))
    kind = draw(st.sampled_from(["simple", "float", "double", "packed", "mixed"]))
    start = draw(STEPS)
    stride = draw(st.integers(-2, 9))
    events = []
    for row in range(draw(st.integers(1, 70))):
        step = min(max(start + row * stride, -(2**63)), 2**63 - 1)
        values = [value(tag, kind, row + place, row % 2) for place, tag in enumerate(tags)]
        wall_time = draw(st.sampled_from([0.0, 1.5, 1e9])) + row
        if draw(st.booleans()) and draw(st.booleans()) and tags:
            events += [Event(wall_time, step, (one,)).encode() for one in values]
        else:
            events.append(Event(wall_time, step, tuple(values)).encode())
    return events


def value(tag: str, kind: str, number: int, parity: int) -> Value:
    kind = ["simple", "double"][parity] if kind == "mixed" else kind
    if kind == "simple":
        return Value(tag, simple_value=number / 4)
    dtype, numpy_type = (DType.DOUBLE, "<f8") if kind == "double" else (DType.FLOAT, "<f4")
    content = np.array(number / 4, numpy_type).tobytes()
    shape = (1,) if kind == "packed" else ()
    return Value(tag, tensor=Tensor(dtype, shape, content), metadata=SCALARS)


OTHER_RECORDS = st.one_of(
    st.builds(lambda step: Event(1.0, step, session=SessionStatus.START).encode(), STEPS),
    st.just(Event(1.0, file_version="brain.Event:2").encode()),
    st.builds(lambda size: Event(1.0, 1, graph_def=bytes(size)).encode(), st.integers(0, 4_000)),
    # No event: a field of kind 7. Of fields of a wrong kind the plain reading makes something else.
    st.binary(max_size=40).map(lambda tail: b"\x0f" + tail),
    st.just(b""),
)
RECORDS = st.lists(
    st.one_of(runs_of_records(), OTHER_RECORDS.map(lambda record: [record])), max_size=6
).map(lambda parts: [record for part in parts for record in part])


@st.composite
def files(draw: st.DrawFn) -> Content:
    """A file, whole or with some of its bytes changed, cut out, put in or cut off."""
    content = bytearray(b"".join(map(frame, draw(RECORDS))))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(content)))
        match draw(st.sampled_from(["flip", "cut", "insert", "tear"])):
            case "flip" if place < len(content):
                content[place] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del content[place : place + draw(st.integers(1, 60))]
            case "insert":
                content[place:place] = draw(st.binary(max_size=60))
            case "tear":
                del content[max(place, len(content) - 100) :]
    return Content(content)


def shown(log: sightline.reading.Log) -> dict[str, list[tuple[int, float, float]]]:
    return {
        tag: list(
            zip(
                series.steps.tolist(),
                series.wall_times.tolist(),
                series.values.tolist(),
                strict=True,
            )
        )
        for tag, series in log.run.scalars.items()
    }


@given(st.lists(files(), min_size=1, max_size=2), st.booleans())
@settings(max_examples=150, deadline=None)
def test_the_fast_way_agrees_with_the_plain_one(contents: list[bytes], raw: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for number, content in enumerate(contents):
            paths.append(Path(folder, f"tfevents.{number}"))
            paths[-1].write_bytes(content)
        log = sightline.read(folder, raw=raw)
        expected = read_plainly(paths, raw=raw)
        assert shown(log) == expected
        found = sorted((damage.path, damage.offset, damage.num_bytes) for damage in log.damage)
        assert found == [(path, *stretch) for path in paths for stretch in damage_found(path)]


@pytest.mark.parametrize("window", [4096, 1 << 14])
@given(files())
@settings(max_examples=30, deadline=None)
def test_small_windows_change_nothing(window: int, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder, "tfevents")
        path.write_bytes(content)
        whole = shown(sightline.read(path))
        patch.setattr(event_files, "MAX_WINDOW", window)
        patch.setattr(event_files, "BATCH_BYTES", window)
        patch.setattr(extraction, "FEW_ROWS", 4)
        assert shown(sightline.read(path)) == whole


@given(files(), st.lists(st.integers(0, 2**16), max_size=6))
@settings(max_examples=60, deadline=None)
def test_a_file_that_grows_ends_as_the_whole_file(content: bytes, cuts: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tfevents")
        ends = sorted(cut % (len(content) + 1) for cut in cuts)
        path.write_bytes(content[: ends[0] if ends else 0])
        log = sightline.read(path)
        log.refresh(may_grow=True)
        for start, end in zip(ends, [*ends[1:], len(content)], strict=True) if ends else []:
            with path.open("ab") as file:
                file.write(content[start:end])
            log.refresh(may_grow=True)
        if not ends:
            path.write_bytes(content)
        log.refresh()
        assert shown(log) == shown(sightline.read(path))


@pytest.mark.parametrize("tags", [["loss"], [f"layer/{number}" for number in range(6)]])
def test_a_flipped_bit_is_found_wherever_it_is_among_many_records(
    tmp_path: Path, tags: list[str]
) -> None:
    records = [
        frame(Event(1e9 + row, row, tuple(Value(tag, row / 4) for tag in tags)).encode())
        for row in range(200, 300)
    ]
    path = tmp_path / "tfevents"
    for place in range(len(records[50])):
        damaged = bytearray(records[50])
        damaged[place] ^= 1 << place % 8
        path.write_bytes(b"".join([*records[:50], damaged, *records[51:]]))
        log = sightline.read(path)
        assert shown(log) == read_plainly([path]), place
        assert all(len(series) == 99 for series in log.run.scalars.values()), place
        assert [damage.num_bytes for damage in log.damage] == [len(records[50])], place
