"""The reader neither crashes nor hangs on damaged files, and agrees with a plain reading of them.

Valid logs of several layouts are mutated at random: bits flipped, bytes cut out, put in, copied and
cut off, lengths rewritten with a right checksum, records rewritten with a right checksum. Each file
is read by `sightline.read`, whole and in pieces while it grows. Where checksums say the truth, the
scalars have to be those of a plain reading. Prints counts; ends with status 1 at the first
difference, crash, or reading of more than ten seconds, and keeps that file.

    python benchmarks/fuzz_reader.py [--seconds 60] [--seed 0]
"""

import argparse
import collections
import math
import struct
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import sightline
from sightline.events import Event, Metadata, SessionStatus, Tensor, Value, frame
from sightline.events.framing import masked_crc32c
from sightline.events.tensors import DType
from sightline.events.wire import bytes_field
from sightline.reading import Log
from tests.reading.plain import Point, read_plainly

LIMIT_SECS = 10.0


def valid_log(rng: np.random.Generator) -> list[bytes]:
    """Events as some loop writes them."""
    num_tags = int(rng.integers(1, 8))
    tags = [f"{'x' * int(rng.integers(0, 4))}/{number}" for number in range(num_tags)]
    layout = rng.choice(["one", "many", "tensors", "mixed"])
    start = int(rng.choice([0, 120, 16_380, -5]))
    events = [Event(1.0, file_version="brain.Event:2").encode()]
    for step in range(start, start + int(rng.integers(1, 200))):
        values = tuple(Value(tag, step / 4) for tag in tags)
        if layout == "tensors":
            content = np.float32(step / 4).tobytes()
            values = tuple(
                Value(tag, tensor=Tensor(DType.FLOAT, (), content), metadata=Metadata("scalars"))
                for tag in tags
            )
        if layout in {"many", "mixed"}:
            events.append(Event(1e9 + step, step, values).encode())
        if layout != "many":
            events += [Event(1e9 + step, step, (value,)).encode() for value in values]
        if rng.random() < 0.02:
            events.append(Event(1e9, step, session=SessionStatus.START).encode())
        if rng.random() < 0.02:
            blob = bytes_field(5, bytes_field(1, bytes_field(1, b"b") + bytes_field(4, bytes(300))))
            events.append(Event(1e9, step).encode() + blob)
    return events


def mutated(events: list[bytes], rng: np.random.Generator, counts: collections.Counter) -> bytes:
    """A file of events with some damage."""
    for _ in range(int(rng.integers(0, 3))):
        place = int(rng.integers(len(events)))
        if events[place] and rng.random() < 0.5:  # wrong, with a right checksum
            event = bytearray(events[place])
            event[int(rng.integers(len(event)))] = int(rng.integers(256))
            events[place] = bytes(event)
            counts["records rewritten"] += 1
    content = bytearray(b"".join(map(frame, events)))
    for _ in range(int(rng.integers(0, 6))):
        place, size = int(rng.integers(len(content) + 1)), int(rng.integers(1, 200))
        kind = str(rng.choice(["flip", "cut", "insert", "copy", "zero", "length", "tear"]))
        counts[kind] += 1
        match kind:
            case "flip" if place < len(content):
                content[place] ^= 1 << int(rng.integers(8))
            case "cut":
                del content[place : place + size]
            case "insert":
                content[place:place] = rng.bytes(size)
            case "copy":
                content[place:place] = content[size : 2 * size]
            case "zero":
                content[place : place + size] = bytes(size)
            case "length":
                length = struct.pack("<Q", int(rng.integers(0, 2 * len(content) + 1)))
                content[place:place] = length + struct.pack("<I", masked_crc32c(length))
            case "tear":
                del content[max(place, len(content) - 100) :]
    return bytes(content)


def shown(log: Log) -> dict[str, list[Point]]:
    """Step, wall time and value of every point, by tag."""
    return {
        tag: [
            (step, wall_time, value)
            for step, wall_time, value in zip(
                series.steps.tolist(),
                series.wall_times.tolist(),
                series.values.tolist(),
                strict=True,
            )
        ]
        for tag, series in log.run.scalars.items()
    }


def same(first: dict[str, list[Point]], second: dict[str, list[Point]]) -> bool:
    """Whether all points are the same; NaN equals NaN."""

    def plain(points: dict[str, list[Point]]) -> dict[str, list[tuple[object, ...]]]:
        return {
            tag: [
                tuple("nan" if math.isnan(number) else number for number in point)
                for point in series
            ]
            for tag, series in points.items()
            if series
        }

    return plain(first) == plain(second)


def check(path: Path, content: bytes, rng: np.random.Generator, *, is_plain: bool) -> str:
    """Read a file in all ways; returns what is wrong, or nothing."""
    path.write_bytes(content)
    start = time.perf_counter()
    log = sightline.read(path)
    whole = shown(log)
    for damage in log.damage:
        if not 0 <= damage.offset < damage.offset + damage.num_bytes <= len(content):
            return f"damage outside of the file: {damage}"
    for tag in log.run.images:
        for image in log.run.images[tag]:
            _ = image.content
    if is_plain and not same(whole, read_plainly([path])):
        return "other scalars than a plain reading"
    cuts = sorted(int(cut) for cut in rng.integers(0, len(content) + 1, 3))
    path.write_bytes(content[: cuts[0]])
    growing = sightline.read(path)
    growing.refresh(may_grow=True)
    for first, last in zip(cuts, [*cuts[1:], len(content)], strict=True):
        with path.open("ab") as file:
            file.write(content[first:last])
        growing.refresh(may_grow=True)
    growing.refresh()
    if not same(shown(growing), whole):
        return "other scalars when the file grows"
    if time.perf_counter() - start > LIMIT_SECS:
        return f"more than {LIMIT_SECS:.0f} s"
    return ""


def main() -> int:
    """Mutate and read until the time is up."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    counts: collections.Counter[str] = collections.Counter()
    end = time.monotonic() + arguments.seconds
    seed = arguments.seed
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tfevents")
        while time.monotonic() < end:
            rng = np.random.default_rng(seed)
            before = counts["records rewritten"]
            content = mutated(valid_log(rng), rng, counts)
            fault = ""
            try:
                # A plain reading refuses some events that ours reads in part.
                is_plain = counts["records rewritten"] == before
                fault = check(path, content, rng, is_plain=is_plain)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
                fault = repr(error)
            if fault:
                kept = Path(f"fuzz_reader_{seed}.tfevents")
                kept.write_bytes(content)
                print(f"seed {seed}: {fault}; the file is {kept}")
                return 1
            counts["files"] += 1
            counts["bytes"] += len(content)
            seed += 1
    print(", ".join(f"{name} {count:,}" for name, count in counts.most_common()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
