"""Log directories for the benchmarks of the reader, as real writers lay them out."""

import struct
from pathlib import Path

import numpy as np

from sightline.events import Event, Value, frame
from sightline.writers.tensorboard import TensorBoard
from sightline.writers.values import Scalar

START_SECS = 1.7e9
VERSION = frame(Event(START_SECS, file_version="brain.Event:2").encode())


def one_value_an_event(folder: Path, *, num_steps: int, tags: list[str]) -> int:
    """What `SummaryWriter.add_scalar` writes: an event for each value. Returns how many."""
    numbers = np.random.default_rng(0).normal(size=(num_steps, len(tags))).tolist()
    folder.mkdir(parents=True)
    with (folder / "events.out.tfevents.1700000000.host.1.0").open("wb") as file:
        file.write(VERSION)
        for step, row in enumerate(numbers):
            file.writelines(
                frame(Event(START_SECS + step / 7, step, (Value(tag, number),)).encode())
                for tag, number in zip(tags, row, strict=True)
            )
    return num_steps * len(tags)


def many_values_an_event(folder: Path, *, num_steps: int, tags: list[str]) -> int:
    """What Sightline's writer writes: one event a step. Returns how many values."""
    numbers = np.random.default_rng(0).normal(size=(num_steps, len(tags))).tolist()
    writer = TensorBoard(folder)
    for step, row in enumerate(numbers):
        values = {tag: Scalar(number) for tag, number in zip(tags, row, strict=True)}
        writer.write(values, step=step, wall_time=START_SECS + step / 7)
    writer.close()
    return num_steps * len(tags)


def mostly_images(folder: Path, *, num_bytes: int, image_bytes: int, tags: list[str]) -> int:
    """Ten scalars a step, each an event, and a picture a step. Returns how many scalars."""
    picture = np.random.default_rng(0).bytes(image_bytes)
    folder.mkdir(parents=True)
    num_steps = num_bytes // image_bytes
    # As torch lays it out: Summary.Value { tag, image { height width colorspace encoded } }.
    image = b"\x08\x80\x02\x10\x80\x02\x18\x03\x22" + _varint(len(picture)) + picture
    value = b"\x0a\x06images" + b"\x22" + _varint(len(image)) + image
    summary = b"\x0a" + _varint(len(value)) + value
    with (folder / "events.out.tfevents.1700000000.host.1.0").open("wb") as file:
        file.write(VERSION)
        for step in range(num_steps):
            wall_time = START_SECS + step
            for tag in tags:
                file.write(frame(Event(wall_time, step, (Value(tag, step / 3),)).encode()))
            head = Event(wall_time, step).encode()
            file.write(frame(head + b"\x2a" + _varint(len(summary)) + summary))
    return num_steps * len(tags)


def many_tags(folder: Path, *, num_tags: int, num_steps: int) -> int:
    """Many tags with few points, an event for each value. Returns how many points."""
    tags = [f"layer{number // 100:04d}/unit{number % 100:02d}" for number in range(num_tags)]
    folder.mkdir(parents=True)
    heads = [_head(tag) for tag in tags]
    pack = struct.Struct("<f").pack
    with (folder / "events.out.tfevents.1700000000.host.1.0").open("wb") as file:
        file.write(VERSION)
        for step in range(num_steps):
            event = Event(START_SECS + step, step).encode()
            file.writelines(frame(event + head + pack(step / 3)) for head in heads)
    return num_tags * num_steps


def _head(tag: str) -> bytes:
    value = Value(tag, 0.0).encode()[:-4]
    size = len(value) + 4
    return b"\x2a" + _varint(1 + len(_varint(size)) + size) + b"\x0a" + _varint(size) + value


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])
