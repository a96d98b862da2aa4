from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from torch.utils.tensorboard import SummaryWriter

import sightline
from sightline.events import Event, Metadata, SessionStatus, Tensor, Value, frame
from sightline.events.framing import masked_crc32c
from sightline.events.tensors import DType
from sightline.events.wire import bytes_field, varint_field
from sightline.reading import Columns, places, resync
from sightline.reading.log import Log
from sightline.reading.places import LocalFile


def scalar(step: int, tag: str = "loss") -> bytes:
    return frame(Event(float(step), step, (Value(tag, step / 2),)).encode())


def picture(step: int, size: int = 300_000) -> bytes:
    tensor = Tensor(DType.STRING, (3,), strings=(b"1", b"1", bytes(size)))
    value = Value("picture", tensor=tensor, metadata=Metadata("images"))
    return frame(Event(float(step), step, (Value("loss", 1.0), value)).encode())


def write(path: Path, *parts: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(parts))
    return path


def test_runs_are_named_by_their_path_below_the_directory(tmp_path: Path) -> None:
    for folder in (".", "train", "deep/er/still"):
        write(tmp_path / folder / "events.out.tfevents.1", scalar(1))
    write(tmp_path / "train/events.out.tfevents.1.profile-empty", b"nothing")
    (tmp_path / "train/loop").symlink_to(tmp_path)
    log = sightline.read(str(tmp_path))
    assert list(log.runs) == [".", "deep/er/still", "train"]
    assert len(log["train"].scalars["loss"]) == 1
    with pytest.raises(KeyError, match=r"got 'test'; use one of: '.', 'deep/er/still', 'train'"):
        log["test"]
    with pytest.raises(ValueError, match=r"got 3; name one of them, as in log\[name\]: '.'"):
        _ = log.run


def test_one_file_is_a_run(tmp_path: Path) -> None:
    run = sightline.read(write(tmp_path / "tfevents", scalar(1))).run
    assert run.scalars["loss"].values.tolist() == [0.5]
    with pytest.raises(KeyError, match="expected a tag of scalars, got 'x'; use one of: 'loss'"):
        run.scalars["x"]


def test_a_place_without_event_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="name the directory that TensorBoard is started"):
        sightline.read(tmp_path / "missing")


def test_nothing_is_read_before_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a/tfevents", scalar(1))
    write(tmp_path / "b/tfevents", scalar(1))
    opened = []
    open_file = LocalFile.open
    monkeypatch.setattr(LocalFile, "open", lambda self: opened.append(self.path) or open_file(self))
    log = sightline.read(tmp_path)
    assert opened == []
    assert list(log["a"].scalars) == ["loss"]
    assert opened == [tmp_path / "a/tfevents"]


def test_pictures_are_not_read_with_the_scalars_between_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [part for step in range(20) for part in (picture(2 * step), scalar(2 * step + 1))]
    path = write(tmp_path / "tfevents", *parts)
    num_read = 0
    read = places._LocalHandle.read

    def counted(self: object, offset: int, num_bytes: int) -> object:
        nonlocal num_read
        data = read(self, offset, num_bytes)
        num_read += data.size
        return data

    monkeypatch.setattr(places._LocalHandle, "read", counted)
    log = sightline.read(path)
    assert log.run.scalars["loss"].steps.tolist() == list(range(40))
    assert num_read < path.stat().st_size / 10
    assert log.run.images["picture"][3].encoded == (bytes(300_000),)


def test_a_damaged_picture_is_skipped_and_noted_when_it_is_looked_at(tmp_path: Path) -> None:
    torn = bytearray(picture(1))
    torn[50_000] ^= 1
    path = write(tmp_path / "tfevents", picture(0), torn, picture(2))
    log = sightline.read(path)
    assert log.damage == []
    assert [image.step for image in log.run.images["picture"]] == [0, 2]
    [damage] = log.damage
    assert (damage.path, damage.offset) == (path, len(picture(0)))
    with pytest.raises(ValueError, match=r"expected a whole record at byte .* got damaged bytes"):
        _ = log.run.images["picture"][1].encoded


def test_many_scalars_in_one_large_record_are_read(tmp_path: Path) -> None:
    def event(step: int) -> bytes:
        values = tuple(Value(f"layer/{number}", step + number) for number in range(5000))
        return frame(Event(1.0, step, values).encode())

    run = sightline.read(write(tmp_path / "tfevents", *map(event, range(5)))).run
    assert len(run.scalars) == 5000
    assert run.scalars["layer/7"].values.tolist() == [7.0, 8.0, 9.0, 10.0, 11.0]


def test_refresh_reads_what_was_appended_and_new_files_and_runs(tmp_path: Path) -> None:
    path = write(tmp_path / "a/tfevents.1", *map(scalar, range(50)))
    log = sightline.read(tmp_path)
    assert log.refresh() == 50
    assert log.refresh() == 0
    with path.open("ab") as file:
        file.write(scalar(50) + scalar(51)[:-5])
    assert log.refresh() == 1
    assert [damage.reason for damage in log.damage] == ["the file ends inside a record"]
    with path.open("ab") as file:
        file.write(scalar(51)[-5:])
    write(tmp_path / "a/tfevents.2", scalar(52))
    write(tmp_path / "b/tfevents", scalar(0))
    assert log.refresh() == 3
    assert log.damage == []
    assert log["a"].scalars["loss"].steps.tolist() == list(range(53))


def test_a_file_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    path = write(tmp_path / "tfevents", *map(scalar, range(10)))
    log = sightline.read(tmp_path)
    assert len(log.run.scalars["loss"]) == 10
    write(tmp_path / "new", *map(scalar, range(5))).replace(path)
    log.refresh()
    assert log.run.scalars["loss"].steps.tolist() == list(range(5))


def test_columns_and_tables_hold_all_points(tmp_path: Path) -> None:
    write(tmp_path / "a/tfevents", scalar(0), scalar(1), scalar(0, "rate"))
    write(tmp_path / "b/tfevents", scalar(3))
    log = sightline.read(tmp_path)
    columns = log.columns()
    assert columns.run_names == ("a", "b")
    assert columns.tag_names == ("loss", "rate")
    assert columns.run.tolist() == [0, 0, 0, 1]
    assert columns.tag.tolist() == [0, 0, 1, 0]
    assert columns.step.tolist() == [0, 1, 0, 3]
    assert columns.value.tolist() == [0.0, 0.5, 0.0, 1.5]
    assert len(log.columns(tags=["rate"], runs=["a"])) == 1

    frame_ = log.to_pandas()
    assert frame_.columns.tolist() == ["run", "tag", "step", "wall_time", "value"]
    assert frame_["tag"].tolist() == ["loss", "loss", "rate", "loss"]
    wide = log.to_pandas(wide=True)
    assert wide.loc[("a", 1), "loss"] == 0.5
    assert np.isnan(wide.loc[("a", 1), "rate"])
    assert log.to_polars().rows()[3] == ("b", "loss", 3, 3.0, 1.5)
    assert log.to_polars(wide=True).rows() == [
        ("a", 0, 0.0, 0.0),
        ("a", 1, 0.5, None),
        ("b", 3, 1.5, None),
    ]
    assert log.to_arrow().to_pylist()[2] == {
        "run": "a", "tag": "rate", "step": 0, "wall_time": 0.0, "value": 0.0,
    }  # fmt: skip
    assert log.to_arrow(wide=True).column("loss").to_pylist() == [0.0, 0.5, 1.5]


@pytest.mark.parametrize("tag", ["run", "step"])
@pytest.mark.parametrize("convert", [Log.to_pandas, Log.to_polars, Log.to_arrow])
def test_a_tag_that_is_called_as_a_column_of_wide_tables_is_refused_there(
    tmp_path: Path, convert: Callable[..., Any], tag: str
) -> None:
    write(tmp_path / "tfevents", scalar(1), scalar(2, tag))
    log = sightline.read(tmp_path)
    with pytest.raises(ValueError, match=rf"wide table, got \['{tag}'\]; leave them out"):
        convert(log, wide=True)
    assert len(convert(log)) == 2
    assert len(convert(log, ["loss"], wide=True)) == 1


def test_a_missing_table_package_names_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = sightline.read(write(tmp_path / "tfevents", scalar(0)))
    for name in ("pandas", "polars", "pyarrow"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
        with pytest.raises(ModuleNotFoundError, match=rf'{name} .*"sightline\[frames\]"'):
            getattr(log, f"to_{name.replace('pyarrow', 'arrow')}")()


def test_hyperparameters_have_their_types(tmp_path: Path) -> None:
    with SummaryWriter(tmp_path) as writer:
        writer.add_hparams({"rate": 0.5, "name": "adam"}, {"best": 1.0}, run_name=".")
    run = sightline.read(tmp_path).run
    assert run.hparams == {"rate": 0.5, "name": "adam"}
    assert run.status == "success"
    assert run.group_name is None


def test_a_log_behind_a_url_reads_as_one_on_disk() -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/logs/a/tfevents", b"".join(map(scalar, range(40))) + picture(40))
    memory.pipe("/logs/b/tfevents", scalar(1))
    try:
        log = sightline.read("memory://logs")
        assert list(log.runs) == ["a", "b"]
        assert log["a"].scalars["loss"].steps.tolist() == list(range(41))
        assert log["a"].images["picture"][0].encoded == (bytes(300_000),)
        assert log.refresh() == 1, "the run b was not read before"
        memory.pipe("/logs/b/tfevents", scalar(1) + scalar(2))
        assert log.refresh() == 1
        one = sightline.read("memory://logs/b/tfevents")
        assert one.run.scalars["loss"].steps.tolist() == [1, 2]
    finally:
        memory.rm("/logs", recursive=True)


def test_following_yields_each_point_once_and_waits_for_torn_records(tmp_path: Path) -> None:
    path = write(tmp_path / "a/tfevents", scalar(0), scalar(1)[:-3])
    pauses: list[Callable[[], object]] = [
        lambda: write(path, scalar(0), scalar(1)),
        lambda: None,
        lambda: write(tmp_path / "b/tfevents", *map(scalar, range(40))),
        lambda: write(tmp_path / "a/tfevents.2", scalar(2)),
    ]
    seen: list[tuple[str, int]] = []
    log = sightline.read(tmp_path)
    for batch in log.follow(stop=lambda: not pauses, sleep=lambda secs: pauses.pop(0)()):
        assert isinstance(batch, Columns)
        names = [batch.run_names[run] for run in batch.run]
        seen += zip(names, batch.step.tolist(), strict=True)
    assert seen == [("a", 0), ("a", 1), *(("b", step) for step in range(40)), ("a", 2)]


def test_following_waits_for_a_directory_and_ends_with_its_event(tmp_path: Path) -> None:
    stop = threading.Event()
    batches = Log(tmp_path / "later").follow(stop=stop)
    write(tmp_path / "later/tfevents", scalar(7))
    assert next(batches).step.tolist() == [7]
    stop.set()
    assert list(batches) == []


HUGE = struct.pack("<Q", 2**64 - 1)


@pytest.mark.parametrize(
    "content",
    [
        HUGE + struct.pack("<I", masked_crc32c(HUGE)) + b"x" * 50,
        struct.pack("<QI", 1 << 62, 7) * 100,
        bytes(5000),
        b"\xff" * 5000,
        frame(b"")[:12] * 300,
        frame(b""),
    ],
    ids=["huge length", "lengths", "zeros", "ones", "headers only", "an empty record"],
)
def test_hostile_bytes_neither_crash_nor_hide_what_follows(tmp_path: Path, content: bytes) -> None:
    log = sightline.read(write(tmp_path / "tfevents", scalar(0), content, scalar(1)))
    assert log.run.scalars["loss"].steps.tolist() == [0, 1]
    assert sum(damage.num_bytes for damage in log.damage) in {0, len(content)}


def test_right_lengths_of_damaged_records_do_not_take_forever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = 0
    is_right = resync.data_is_right

    def counted(handle: object, offset: int, length: int) -> bool:
        nonlocal checked
        checked += length
        return is_right(handle, offset, length)

    monkeypatch.setattr(resync, "data_is_right", counted)
    monkeypatch.setattr(resync, "FREE_BYTES", 1 << 16)
    length = struct.pack("<Q", 20_000)
    header = length + struct.pack("<I", masked_crc32c(length))
    content = b"x" + header * 10_000
    log = sightline.read(write(tmp_path / "tfevents", content))
    assert log.damage
    assert checked <= (1 << 16) + 5 * len(content)


def test_a_tensor_with_a_huge_shape_takes_no_memory(tmp_path: Path) -> None:
    dims = b"".join(bytes_field(2, varint_field(1, 2**62)) for _ in range(3))
    tensor = varint_field(1, 1) + bytes_field(2, dims) + bytes_field(5, bytes(4))
    value = bytes_field(1, b"t") + bytes_field(8, tensor)
    event = Event(1.0, 1).encode() + bytes_field(5, bytes_field(1, value))
    run = sightline.read(write(tmp_path / "tfevents", frame(event))).run
    with pytest.raises(ValueError, match="expected a shape that fits into memory"):
        _ = run.tensors["t"][0].array


def test_values_stay_in_order_where_records_of_one_length_are_read_together(
    tmp_path: Path,
) -> None:
    def text(step: int) -> bytes:
        strings = (b"even" if step % 2 == 0 else b"odd",)
        value = Value("note", tensor=Tensor(DType.STRING, (), strings=strings))
        value = Value("note", tensor=value.tensor, metadata=Metadata("text"))
        return frame(Event(float(step), step, (value,)).encode())

    def start(step: int) -> bytes:
        return frame(Event(1.0, step, session=SessionStatus.START).encode())

    starts = [start(400), *[start(step % 3 + 200) for step in range(20)]]
    run = sightline.read(write(tmp_path / "tfevents", *map(text, range(200)), *starts)).run
    assert [text.step for text in run.texts["note"]] == list(range(200))


def number_in_tensor(tag: str, step: int, plugin: str | None = "scalars") -> bytes:
    tensor = Tensor(DType.FLOAT, (), np.float32(step / 2).tobytes())
    metadata = None if plugin is None else Metadata(plugin)
    return frame(Event(1e9, step, (Value(tag, tensor=tensor, metadata=metadata),)).encode())


@pytest.mark.parametrize(
    ("wrong", "num_damaged"), [(b"\xc3calars", 8), (b"xcalars", 0)], ids=["no text", "other plugin"]
)
@pytest.mark.parametrize("num_first", [0, 1, 8])
def test_what_a_record_says_of_its_tag_does_not_depend_on_what_was_read_before_it(
    tmp_path: Path, wrong: bytes, num_damaged: int, num_first: int
) -> None:
    data = number_in_tensor("loss", 0)[12:-4]
    records = [frame(data.replace(b"scalars", wrong))] * 8 + [number_in_tensor("loss", 1)]
    path = write(tmp_path / "tfevents", *records[:num_first])
    log = sightline.read(path)
    log.refresh(may_grow=True)
    with path.open("ab") as file:
        file.write(b"".join(records[num_first:]))
    log.refresh()
    assert log.run.scalars["loss"].steps.tolist() == [1]
    assert len(log.damage) == num_damaged


@pytest.mark.parametrize("num_first", range(5))
@pytest.mark.parametrize("num_told", [1, 20])
def test_a_value_that_does_not_say_what_it_is_is_not_told_by_a_later_one(
    tmp_path: Path, num_first: int, num_told: int
) -> None:
    untold = number_in_tensor("loss", 0, plugin=None)
    told = [number_in_tensor("loss", step) for step in range(1, num_told + 1)]
    records = [untold, *told, number_in_tensor("loss", 21, plugin=None)]
    path = write(tmp_path / "tfevents", *records[:num_first])
    log = sightline.read(path)
    log.refresh(may_grow=True)
    with path.open("ab") as file:
        file.write(b"".join(records[num_first:]))
    log.refresh()
    assert log.run.scalars["loss"].steps.tolist() == [*range(1, num_told + 1), 21]
    assert [tensor.step for tensor in log.run.tensors["loss"]] == [0]
    assert dict(log.run.tags) == {"loss": "scalar"}


def test_later_values_of_a_tag_follow_its_first_one_where_many_first_ones_have_one_length(
    tmp_path: Path,
) -> None:
    tags = [f"loss/{number}" for number in range(9)]
    firsts = [number_in_tensor(tag, 1) for tag in tags]
    later = [number_in_tensor(tag, 128, plugin=None) for tag in tags[:3]]  # a longer step
    run = sightline.read(write(tmp_path / "tfevents", *firsts, *later)).run
    assert set(run.tags.values()) == {"scalar"}
    assert [run.scalars[tag].steps.tolist() for tag in tags[2:4]] == [[1, 128], [1]]


def test_a_large_value_follows_the_first_one_of_its_tag_that_is_small(tmp_path: Path) -> None:
    def text(step: int, size: int, metadata: Metadata | None) -> bytes:
        tensor = Tensor(DType.STRING, (), strings=(b"x" * size,))
        return frame(Event(1.0, step, (Value("note", tensor=tensor, metadata=metadata),)).encode())

    records = [text(1, 10, Metadata("text")), text(2, 100_000, None)]
    run = sightline.read(write(tmp_path / "tfevents", *records)).run
    assert dict(run.tags) == {"note": "text"}
    assert [text.step for text in run.texts["note"]] == [1, 2]
    assert not run.tensors
