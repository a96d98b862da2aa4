"""Reads W&B's own `.wandb` files: LevelDB log blocks around W&B's own protocol buffers."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from wandb.proto.wandb_internal_pb2 import Record

BLOCK_SIZE = 1 << 15
FILE_HEADER = 7
CHUNK_HEADER = struct.Struct("<IHB")
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def records(path: Path) -> list[Record]:
    """The records of a finished run: W&B's own process writes the last ones a little later."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            found = list(_records(path.read_bytes()))
        except (DecodeError, struct.error):  # in the middle of a write
            found = []
        if any(record.HasField("exit") for record in found):
            return found
        time.sleep(0.02)
    raise AssertionError(f"{path} is not complete")


def _records(buffer: bytes) -> Iterator[Record]:
    assert buffer[:4] == b":W&B"
    offset, message = FILE_HEADER, b""
    while offset < len(buffer):
        left_in_block = BLOCK_SIZE - offset % BLOCK_SIZE
        if left_in_block < CHUNK_HEADER.size:
            offset += left_in_block
            continue
        _, length, kind = CHUNK_HEADER.unpack_from(buffer, offset)
        offset += CHUNK_HEADER.size
        message += buffer[offset : offset + length]
        offset += length
        if kind in {FULL, LAST}:
            yield Record.FromString(message)
            message = b""


def history(path: Path) -> list[dict[str, Any]]:
    """The rows that were logged."""
    return [
        {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in row}
        for record in records(path)
        if record.HasField("history") and (row := record.history.item)
    ]


def config(path: Path) -> dict[str, Any]:
    """The configuration of the run."""
    found: dict[str, Any] = {}
    for record in records(path):
        if record.HasField("run"):
            updates = record.run.config.update
        elif record.HasField("config"):
            updates = record.config.update
        else:
            continue
        found |= {
            item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in updates
        }
    return found
