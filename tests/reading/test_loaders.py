"""What is read is what TensorBoard's own loaders show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorboardX
from torch.utils.tensorboard import SummaryWriter

import sightline
from sightline.events import Event, Metadata, SessionStatus, Tensor, Value, bucketize, frame
from sightline.events.messages import DataClass
from sightline.events.tensors import DType
from sightline.reading import Log
from sightline.writers.tensorboard import TensorBoard
from sightline.writers.values import Histogram, Image, Scalar, Text
from tests.loaders import Shown, read_python, read_rust

RNG = np.random.default_rng(0)


def points(log: Log, run: str, tag: str) -> list[tuple[int, float]]:
    series = log[run].scalars[tag]
    return list(zip(series.steps.tolist(), series.values.tolist(), strict=True))


def check_scalars(log: Log, *loaders: Shown) -> None:
    for shown in loaders:
        for run in log.runs:
            for tag in log[run].scalars:
                assert points(log, run, tag) == shown.series[run][tag], (run, tag)


def write(folder: Path, *events: Event, name: str = "tfevents.1") -> None:
    folder.mkdir(exist_ok=True, parents=True)
    head = Event(1.0, file_version="brain.Event:2")
    content = b"".join(frame(event.encode()) for event in (head, *events))
    (folder / name).write_bytes(content)


def test_a_log_of_torchs_writer_reads_as_both_loaders_show_it(tmp_path: Path) -> None:
    picture = RNG.integers(0, 256, (3, 200, 150), np.uint8)
    with SummaryWriter(tmp_path / "a/b") as writer:
        for step in range(150):
            for number in range(3):
                writer.add_scalar("loss/" + "x" * number, step * number / 3, step)
            writer.add_scalar("same length", step, step, new_style=True)
            if step % 50 == 0:
                writer.add_image("picture", picture, step)
                writer.add_histogram("weights", RNG.normal(size=100), step)
                writer.add_text("note", f"step {step}", step)
                writer.add_audio("sound", RNG.uniform(-1, 1, (1, 80)), step, sample_rate=8000)
                writer.add_pr_curve("pr", RNG.integers(0, 2, 9), RNG.uniform(size=9), step)
    log = sightline.read(tmp_path)
    python, rust = read_python(tmp_path), read_rust(tmp_path)
    run = log["a/b"]
    assert list(log.runs) == ["a/b"]
    assert log.damage == []
    assert len(run.scalars) == 4
    check_scalars(log, python, rust)
    for image, (step, blobs) in zip(
        run.images["picture"], rust.series["a/b"]["picture"], strict=True
    ):
        assert (image.step, *image.encoded) == (step, *blobs[2:])
        assert (image.width, image.height) == (150, 200)
        np.testing.assert_array_equal(image.arrays()[0], picture.transpose(1, 2, 0))
    # The data server keeps an empty first bucket whose edges run backwards.
    for histogram, (step, rows) in zip(
        run.histograms["weights"], python.series["a/b"]["weights"], strict=True
    ):
        assert histogram.step == step
        np.testing.assert_allclose(histogram.rows, rows, rtol=1e-6)
    assert [text.text for text in run.texts["note/text_summary"]] == [
        "step 0",
        "step 50",
        "step 100",
    ]
    assert run.audio["sound"][0].sample_rate == 8000
    assert run.audio["sound"][0].encoded[0][:4] == b"RIFF"
    curves = [(curve.step, curve.array.tolist()) for curve in run.tensors["pr"]]
    assert curves == [(step, rows.tolist()) for step, rows in rust.series["a/b"]["pr"]]
    assert run.tags["pr"] == "pr_curve"


def test_a_log_of_our_writer_reads_as_both_loaders_show_it(tmp_path: Path) -> None:
    writer = TensorBoard(tmp_path, describe=lambda tag: f"about {tag}")
    pixels = RNG.integers(0, 256, (150, 200, 3), np.uint8)
    for step in range(200):
        values = {f"metric/{number}": Scalar(step * number / 3) for number in range(10)}
        if step % 100 == 0:
            values |= {
                "picture": Image((pixels,)),
                "weights": Histogram(bucketize(RNG.normal(size=50))),
            }
            values["note"] = Text("hello")
        writer.write(values, step=step, wall_time=1e9 + step)
    writer.close()
    log = sightline.read(tmp_path)
    python, rust = read_python(tmp_path), read_rust(tmp_path)
    check_scalars(log, python, rust)
    assert len(log.run.scalars) == 10
    assert log.run.metadata["metric/1"].description == "about metric/1"
    np.testing.assert_array_equal(log.run.images["picture"][1].arrays()[0], pixels)
    for histogram, (_, rows) in zip(
        log.run.histograms["weights"], rust.series["."]["weights"], strict=True
    ):
        np.testing.assert_array_equal(histogram.rows, rows)


def test_a_log_of_tensorboardx_reads_as_both_loaders_show_it(tmp_path: Path) -> None:
    with tensorboardX.SummaryWriter(str(tmp_path)) as writer:
        for step in range(100):
            writer.add_scalar("loss", step / 3, step)
            writer.add_scalar("rate", step / 7, step)
    check_scalars(sightline.read(tmp_path), read_python(tmp_path), read_rust(tmp_path))


@pytest.mark.parametrize("kind", ["one scalar", "many scalars of one length", "text"])
def test_the_first_description_of_a_tag_in_the_file_counts_whatever_is_read_first(
    tmp_path: Path, kind: str
) -> None:
    number = Tensor(DType.FLOAT, (), bytes(4))
    text = Tensor(DType.STRING, (), strings=(b"hello",))

    def described(step: int, tag: str, about: str) -> Event:
        plugin, tensor = ("text", text) if kind == "text" else ("scalars", number)
        metadata = Metadata(plugin, DataClass.TENSOR, description=about)
        if kind != "text":
            metadata = Metadata(plugin, DataClass.SCALAR, description=about)
        return Event(float(step), step, (Value(tag, tensor=tensor, metadata=metadata),))

    tags = [f"tag/{number}" for number in range(20)] if kind.startswith("many") else ["tag/0"]
    events = [
        described(step, tag, "the first") for step in range(1, 20) for tag in tags
    ]  # read together, after those that stand alone
    lone = [described(20, tag, "another one" + "!" * place) for place, tag in enumerate(tags)]
    write(tmp_path, *events, *lone)
    run = sightline.read(tmp_path).run
    found = {tag: run.metadata[tag].description for tag in tags}
    assert found == dict.fromkeys(tags, "the first")
    for shown in (read_python(tmp_path), read_rust(tmp_path)):
        assert {tag: shown.descriptions["."][tag] for tag in tags} == found


def test_scalars_in_tensors_read_as_both_loaders_show_them(tmp_path: Path) -> None:
    scalars = Metadata("scalars", DataClass.SCALAR)
    write(
        tmp_path,
        *(
            Event(
                float(step),
                step,
                (
                    Value(
                        "loss",
                        tensor=Tensor(DType.FLOAT, (), np.float32(step / 3).tobytes()),
                        metadata=scalars,
                    ),
                ),
            )
            for step in range(100)
        ),
    )
    check_scalars(sightline.read(tmp_path), read_python(tmp_path), read_rust(tmp_path))


@pytest.mark.parametrize(
    ("steps", "left"),
    [([0] * 5, [0]), ([0, 1, 2, 1, 2, 3], [0, 1, 2, 3]), ([5, 3, 4], [3, 4])],
)
def test_a_lower_or_equal_step_drops_later_points_as_in_the_data_server(
    tmp_path: Path, steps: list[int], left: list[int]
) -> None:
    write(
        tmp_path,
        *(
            Event(float(place), step, (Value("loss", float(place)), Value("other", 1.0)))
            for place, step in enumerate(steps)
        ),
    )
    log = sightline.read(tmp_path)
    assert log.run.scalars["loss"].steps.tolist() == left
    check_scalars(log, read_rust(tmp_path))
    raw = sightline.read(tmp_path, raw=True)
    assert raw.run.scalars["loss"].steps.tolist() == steps


def test_a_session_that_starts_again_drops_points_of_all_tags_as_in_the_python_loader(
    tmp_path: Path,
) -> None:
    def scalars(step: int, *tags: str) -> Event:
        return Event(float(step), step, tuple(Value(tag, float(step)) for tag in tags))

    def start(step: int) -> Event:
        return Event(0.5, step, session=SessionStatus.START)

    write(tmp_path, start(0), *(scalars(step, "a", "b") for step in range(60)))
    write(tmp_path, start(40), *(scalars(step, "a") for step in (40, 41)), name="tfevents.2")
    log = sightline.read(tmp_path)
    check_scalars(log, read_python(tmp_path))
    assert log.run.scalars["a"].steps.tolist() == list(range(42))
    assert log.run.scalars["b"].steps.tolist() == list(range(40))
    assert len(sightline.read(tmp_path, raw=True).run.scalars["b"]) == 60
