"""What TensorBoard's two loaders show of our files."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from sightline.events import bucketize, event_files, read
from sightline.writers import Background, Histogram, Image, Row, Scalar, TensorBoard, Text, Value
from tests.loaders import Shown

Loader = Callable[[Path], Shown]

NOW = 1_700_000_000.0


def describe(tag: str) -> str:
    return f"what **{tag}** means"


def clock() -> float:
    return NOW


def session(
    run_dir: Path, steps: Iterable[int], *, value: float = 0.0, resume_step: int | None = None
) -> TensorBoard:
    """A session that logs `loss` and `lr` together, and other kinds at every fourth step."""
    writer = TensorBoard(run_dir, describe=describe, resume_step=resume_step, clock=clock)
    for step in steps:
        values: dict[str, Value] = {"loss": Scalar(value + step), "lr": Scalar(value)}
        if step % 4 == 0:
            values |= {
                "image": Image((np.full((2, 3, 3), step, np.uint8),)),
                "weights": Histogram(bucketize(np.arange(10.0) + step)),
                "text": Text(f"step {step}"),
            }
        writer.write(values, step=step, wall_time=NOW + step)
    return writer


def tear(path: Path, num_bytes: int = 5) -> None:
    """What a kill in the middle of a write leaves."""
    with path.open("rb+") as file:
        file.truncate(path.stat().st_size - num_bytes)


def test_a_loader_shows_every_kind_of_value(tmp_path: Path, read_loader: Loader) -> None:
    session(tmp_path / "run", range(6)).close()
    shown = read_loader(tmp_path)
    series = shown.series["run"]
    assert series["loss"] == [(step, float(step)) for step in range(6)]
    assert shown.plugins["run"] == {
        "loss": "scalars",
        "lr": "scalars",
        "image": "images",
        "weights": "histograms",
        "text": "text",
    }
    assert [(step, text.tolist()) for step, text in series["text"]] == [
        (0, [b"step 0"]),
        (4, [b"step 4"]),
    ]
    assert shown.steps("weights", "run") == [0, 4]
    np.testing.assert_array_equal(series["weights"][1][1], bucketize(np.arange(10.0) + 4).rows)
    step, (width, height, png) = series["image"][1]
    assert (step, width, height) == (4, b"3", b"2")
    np.testing.assert_array_equal(
        np.asarray(PilImage.open(BytesIO(png))), np.full((2, 3, 3), 4, np.uint8)
    )


def test_the_event_accumulator_that_people_script_with_reads_the_scalars(tmp_path: Path) -> None:
    session(tmp_path, range(3)).close()
    accumulator = EventAccumulator(str(tmp_path)).Reload()
    assert [(event.step, event.value) for event in accumulator.Scalars("loss")] == [
        (0, 0.0),
        (1, 1.0),
        (2, 2.0),
    ]


def test_a_description_reaches_a_loader_for_every_kind(tmp_path: Path, read_loader: Loader) -> None:
    session(tmp_path, range(6)).close()
    descriptions = read_loader(tmp_path).descriptions["."]
    assert descriptions == {
        tag: describe(tag) for tag in ("loss", "lr", "image", "weights", "text")
    }


def test_a_tag_without_description_is_shown_without_one(
    tmp_path: Path, read_loader: Loader
) -> None:
    writer = TensorBoard(tmp_path, describe={"a": "only a"}.get)
    writer.write({"a": Scalar(1.0), "b": Scalar(2.0)}, step=0, wall_time=NOW)
    writer.close()
    assert read_loader(tmp_path).descriptions["."] == {"a": "only a", "b": ""}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf"), 1e-45, -0.0])
def test_odd_numbers_are_shown_as_they_are(
    tmp_path: Path, read_loader: Loader, number: float
) -> None:
    writer = TensorBoard(tmp_path)
    writer.write({"a": Scalar(number)}, step=0, wall_time=NOW)
    writer.close()
    ((_, shown),) = read_loader(tmp_path).series["."]["a"]
    np.testing.assert_equal(shown, float(np.float32(number)))


@pytest.mark.parametrize("is_torn", [False, True])
@pytest.mark.parametrize("resume_step", [-1, 0, 5, 7, 8, 9])
def test_a_resumed_run_shows_every_step_once(
    tmp_path: Path, read_loader: Loader, resume_step: int, is_torn: bool
) -> None:
    killed = session(tmp_path, range(9))
    killed.close()
    if is_torn:
        tear(killed.path)
    resumed = session(tmp_path, range(resume_step + 1, 13), value=100.0, resume_step=resume_step)
    resumed.close()
    kept = [step for step in range(9 - is_torn) if step <= resume_step]
    series = read_loader(tmp_path).series["."]
    assert series["loss"] == [
        *((step, float(step)) for step in kept),
        *((step, 100.0 + step) for step in range(resume_step + 1, 13)),
    ]
    expected = [*kept, *range(resume_step + 1, 13)]
    for tag in ("weights", "image", "text"):
        assert [step for step, _ in series[tag]] == [step for step in expected if step % 4 == 0]


def test_a_tag_that_is_not_written_again_shows_nothing_past_the_resume_step(
    tmp_path: Path, read_loader: Loader
) -> None:
    session(tmp_path, range(9)).close()
    resumed = TensorBoard(tmp_path, resume_step=4, clock=clock)
    resumed.write({"other": Scalar(1.0)}, step=5, wall_time=NOW)
    resumed.close()
    shown = read_loader(tmp_path)
    assert shown.steps("loss") == [0, 1, 2, 3, 4]
    assert shown.steps("weights") == [0, 4]
    assert shown.steps("other") == [5]
    assert shown.descriptions["."]["loss"] == describe("loss")


def test_descriptions_survive_a_resume_before_their_first_value(
    tmp_path: Path, read_loader: Loader
) -> None:
    session(tmp_path, range(5, 9)).close()
    session(tmp_path, range(3, 9), resume_step=2).close()
    shown = read_loader(tmp_path)
    assert shown.steps("loss") == [3, 4, 5, 6, 7, 8]
    for tag in ("loss", "weights", "image", "text"):
        assert shown.descriptions["."][tag] == describe(tag)


def test_a_run_may_be_killed_and_resumed_many_times(tmp_path: Path, read_loader: Loader) -> None:
    """Within one second, under a clock that stands still, from earlier and earlier steps."""
    for resume_step, last in [(None, 20), (10, 15), (12, 18), (4, 7), (6, 30)]:
        first = 0 if resume_step is None else resume_step + 1
        writer = session(tmp_path, range(first, last + 1), resume_step=resume_step)
        writer.close()
        tear(writer.path, 3)
    shown = read_loader(tmp_path)
    assert shown.steps("loss") == list(range(30))
    assert shown.steps("text") == list(range(0, 30, 4))
    assert len(event_files(tmp_path)) == 5


def test_the_session_logs_say_where_each_session_starts(tmp_path: Path) -> None:
    first = session(tmp_path, range(3))
    first.close()
    second = session(tmp_path, range(2, 5), resume_step=1)
    second.close()
    starts = [
        [event.step for event in read(writer.path) if event.session] for writer in (first, second)
    ]
    assert starts == [[0], [2]]
    assert [event.file_version for event in read(second.path)][:2] == ["brain.Event:2", None]


@pytest.mark.parametrize("first", [0, 3, 6])
def test_a_second_session_without_resume_step_hides_what_it_writes_again_but_keeps_the_files(
    tmp_path: Path, read_loader: Loader, first: int
) -> None:
    earlier = session(tmp_path, range(6))
    earlier.close()
    before = earlier.path.read_bytes()
    session(tmp_path, range(first, 9), value=100.0).close()
    assert read_loader(tmp_path).series["."]["loss"] == [
        *((step, float(step)) for step in range(first)),
        *((step, 100.0 + step) for step in range(first, 9)),
    ]
    assert earlier.path.read_bytes() == before


def test_a_tag_keeps_its_kind_and_a_mix_up_costs_no_other_value(tmp_path: Path) -> None:
    writer = TensorBoard(tmp_path)
    writer.write({"a": Scalar(1.0)}, step=0, wall_time=NOW)
    with pytest.raises(ValueError, match="expected a scalar for 'a' as before, got a histogram"):
        writer.write(
            {"a": Histogram(bucketize(np.ones(3))), "b": Scalar(2.0)}, step=1, wall_time=NOW
        )
    with pytest.raises(ValueError, match="use 'c'"):
        writer.write({"/c": Scalar(1.0), "b": Scalar(3.0)}, step=2, wall_time=NOW)
    writer.close()
    values = [(event.step, v.tag, v.simple_value) for event in read(tmp_path) for v in event.values]
    assert values == [(0, "a", 1.0), (1, "b", 2.0), (2, "b", 3.0)]


def test_only_the_first_value_of_a_tag_in_a_file_carries_metadata(tmp_path: Path) -> None:
    session(tmp_path, range(9)).close()
    session(tmp_path, range(9, 13), resume_step=8).close()
    described = [
        (value.tag, event.step)
        for event in read(tmp_path)
        for value in event.values
        if value.metadata
    ]
    kinds = ("loss", "lr", "image", "weights", "text")
    assert sorted(described) == sorted(
        [(tag, 0) for tag in kinds]
        + [(tag, 9) for tag in ("loss", "lr")]
        + [(tag, 12) for tag in ("image", "weights", "text")]
    )


def test_a_scalar_takes_twenty_bytes_beside_its_first(tmp_path: Path) -> None:
    writer = TensorBoard(tmp_path)
    tags = [f"train/{i:05d}" for i in range(10)]
    sizes = []
    for step in range(1, 101):
        writer.write(dict.fromkeys(tags, Scalar(0.5)), step=step, wall_time=NOW)
        writer.flush()
        sizes.append(writer.path.stat().st_size)
    writer.close()
    assert (sizes[-1] - sizes[0]) / 99 / 10 <= 24


def test_a_place_that_is_no_directory_is_named_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"expected a log directory that can be written, got .*file"):
        TensorBoard(tmp_path / "file" / "run")


def rows(steps: Iterable[int], *tags: str) -> list[Row]:
    return [Row(tags, tuple(float(step) for _ in tags), step, NOW + step) for step in steps]


def test_rows_are_shown_as_single_writes_are(tmp_path: Path, read_loader: Loader) -> None:
    one_by_one, together = TensorBoard(tmp_path / "a"), TensorBoard(tmp_path / "b")
    batch = [*rows(range(-3, 300), "loss", "lr"), *rows(range(5), "other"), *rows([400], "loss")]
    for tags, numbers, step, wall_time in batch:
        values = dict(zip(tags, map(Scalar, numbers), strict=True))
        one_by_one.write(values, step=step, wall_time=wall_time)
    together.write_rows(batch)
    one_by_one.close()
    together.close()
    shown = read_loader(tmp_path)
    assert shown.series["a"] == shown.series["b"]
    assert shown.steps("loss", "b") == [*range(-3, 300), 400]


def test_a_row_with_a_tag_of_another_kind_loses_that_number_alone(tmp_path: Path) -> None:
    writer = TensorBoard(tmp_path)
    writer.write({"text": Text("hi")}, step=0, wall_time=NOW)
    with pytest.raises(ExceptionGroup) as raised:
        writer.write_rows(rows(range(1, 4), "loss", "text"))
    assert len(raised.value.exceptions) == 3
    writer.close()
    found = [(e.step, [v.tag for v in e.values]) for e in read(tmp_path) if e.values]
    assert found == [(0, ["text"]), (1, ["loss"]), (2, ["loss"]), (3, ["loss"])]


def test_a_file_that_has_grown_to_its_limit_is_followed_by_another(
    tmp_path: Path, read_loader: Loader
) -> None:
    writer = TensorBoard(tmp_path, describe=describe, max_file_bytes=3000, clock=clock)
    for start in range(0, 200, 20):
        writer.write_rows(rows(range(start, start + 20), "loss", "lr"))
        writer.write({"text": Text(f"step {start}")}, step=start, wall_time=NOW)
        writer.flush()
    writer.close()
    files = event_files(tmp_path)
    assert len(files) > 3
    assert all(path.stat().st_size < 6000 for path in files)
    shown = read_loader(tmp_path)
    assert shown.steps("loss") == list(range(200))
    assert shown.steps("text") == list(range(0, 200, 20))
    assert shown.descriptions["."]["loss"] == describe("loss")
    last = [value for event in read(files[-1]) for value in event.values]
    assert last[0].metadata is not None, "a file can be read without those before it"


def test_a_run_of_several_files_is_resumed_like_one(tmp_path: Path, read_loader: Loader) -> None:
    writer = TensorBoard(tmp_path, max_file_bytes=1000, clock=clock)
    for step in range(60):
        writer.write_rows(rows([step], "loss"))
        writer.flush()
    writer.close()
    assert len(event_files(tmp_path)) > 1
    resumed = TensorBoard(tmp_path, max_file_bytes=1000, clock=clock, resume_step=30)
    resumed.write_rows(rows(range(31, 70), "loss"))
    resumed.close()
    assert read_loader(tmp_path).steps("loss") == list(range(70))


def test_a_directory_that_is_removed_while_it_is_written_is_named_and_logging_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_dir = tmp_path / "run"
    writer = Background(TensorBoard(run_dir, describe=describe), flush_secs=3600)
    writer.write({"loss": Scalar(0.0)}, step=0, wall_time=NOW)
    writer.flush()
    shutil.rmtree(run_dir)
    writer.write({"loss": Scalar(1.0)}, step=1, wall_time=NOW)
    writer.drain()
    writer.write({"loss": Scalar(2.0)}, step=2, wall_time=NOW)
    with pytest.raises(FileNotFoundError, match="got it removed while it was written"):
        writer.close()
    assert [event.step for event in read(run_dir) if event.values] == [1, 2]
    assert capsys.readouterr().err.count("training goes on") == 1


def test_a_directory_that_may_not_be_written_for_a_while_loses_nothing(
    tmp_path: Path,
) -> None:
    """Root may write anywhere, so a child without privileges does it."""
    program = (
        "import os, sys\n"
        "from sightline.writers import Row, TensorBoard\n"
        "if os.geteuid() == 0:\n"
        "    os.chown(sys.argv[1], 65534, 65534)\n"
        "    os.seteuid(65534)\n"
        "writer = TensorBoard(sys.argv[1], max_file_bytes=300)\n"
        "writer.write_rows([Row(('loss',), (0.5,), step, 0.0) for step in range(20)])\n"
        "os.chmod(sys.argv[1], 0o555)\n"
        "try:\n"
        "    writer.flush()\n"  # needs a new file
        "except PermissionError:\n"
        "    writer.write_rows([Row(('loss',), (0.5,), 20, 0.0)])\n"
        "    os.chmod(sys.argv[1], 0o755)\n"
        "    writer.flush()\n"
        "    writer.write_rows([Row(('loss',), (0.5,), 21, 0.0)])\n"
        "    writer.close()\n"
    )
    with tempfile.TemporaryDirectory() as shared:
        Path(shared).chmod(0o777)
        subprocess.run([sys.executable, "-c", program, shared], check=True, timeout=60)
        steps = [event.step for event in read(shared) if event.values]
        num_files = len(event_files(Path(shared)))
    assert (steps, num_files) == (list(range(22)), 2)


def test_a_run_that_somebody_removes_goes_on_with_its_descriptions(
    tmp_path: Path, read_loader: Loader
) -> None:
    run_dir = tmp_path / "run"
    writer = TensorBoard(run_dir, describe=describe)
    values: dict[str, Value] = {
        "loss": Scalar(0.5),
        "weights": Histogram(bucketize([1.0, 2.0])),
        "text": Text("a"),
    }
    writer.write(values, step=0, wall_time=NOW)
    writer.flush()
    shutil.rmtree(run_dir)
    writer.write(values, step=1, wall_time=NOW)
    writer.flush()
    with pytest.raises(FileNotFoundError, match="logging goes on in a new file"):
        writer.write(values, step=2, wall_time=NOW)
    writer.close()
    shown = read_loader(tmp_path)
    assert {tag: shown.steps(tag, "run") for tag in values} == {tag: [1, 2] for tag in values}
    assert shown.descriptions["run"] == {tag: describe(tag) for tag in values}
