"""Reads W&B's own `.wandb` files: LevelDB log blocks around W&B's own protocol buffers."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wandb.proto.wandb_internal_pb2 import Record

BLOCK_SIZE = 1 << 15
FILE_HEADER = 7
CHUNK_HEADER = struct.Struct("<IHB")
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def records(path: Path) -> Iterator[Record]:
    buffer = path.read_bytes()
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
            found |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
    return found
