"""Log directories that are ill, made by real writers, and what the doctor reads of them."""

from __future__ import annotations

import struct
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from sightline.health.doctor.event_file import EventFileFacts, read_facts
from sightline.reading.places import find_runs

NOW = 1_700_000_000.0


def facts_of(logdir: Path) -> list[EventFileFacts]:
    return [read_facts(run, place) for run, places in find_runs(logdir).items() for place in places]


def facts_of_one(logdir: Path) -> EventFileFacts:
    [facts] = facts_of(logdir)
    return facts


def write_scalars(
    run_dir: Path, points: list[tuple[int, float]], tag: str = "loss", *, number: int | None = None
) -> None:
    """A file of TensorBoard's own writer, with a scalar at each pair of step and wall time.

    Of several files of a run the number says which comes first: names of one second are not in
    order.
    """
    writer = EventFileWriter(str(run_dir), filename_suffix="" if number is None else ".new")
    for step, wall_time in points:
        value = Summary.Value(tag=tag, simple_value=0.5)
        writer.add_event(Event(step=step, wall_time=wall_time, summary=Summary(value=[value])))
    writer.close()
    if number is not None:
        [path] = run_dir.glob("*.new")
        path.rename(run_dir / f"events.out.tfevents.{NOW + number:010.0f}.host.{1 + number}.0")


def write_image(run_dir: Path, encoded: bytes, tag: str = "picture", *, num: int = 1) -> None:
    """A file of TensorBoard's own writer, with bytes as pictures, whatever they are."""
    writer = EventFileWriter(str(run_dir))
    for step in range(num):
        image = Summary.Image(width=4, height=4, colorspace=3, encoded_image_string=encoded)
        value = Summary.Value(tag=tag, image=image)
        writer.add_event(Event(step=step, wall_time=NOW + step, summary=Summary(value=[value])))
    writer.close()


def record_offsets(path: Path) -> list[int]:
    """Where the records of a whole event file begin."""
    content, offset, found = path.read_bytes(), 0, []
    while offset < len(content):
        found.append(offset)
        offset += struct.unpack_from("<Q", content, offset)[0] + 16
    return found


def flip(path: Path, offset: int) -> None:
    """Damage a byte."""
    content = bytearray(path.read_bytes())
    content[offset] ^= 0xFF
    path.write_bytes(content)


def event_file(run_dir: Path) -> Path:
    [path] = run_dir.glob("*tfevents*")
    return path
