"""What an event file holds: events, their values, and what a value says of its tag."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from sightline.events.tensors import Tensor
from sightline.events.wire import (
    WireError,
    bytes_field,
    decode,
    double_field,
    signed,
    string_field,
    varint_field,
)

FILE_VERSION = "brain.Event:2"


class SessionStatus(IntEnum):
    """What a session log says; START at a step makes loaders forget what lies from there on."""

    START = 1
    STOP = 2
    CHECKPOINT = 3


class DataClass(IntEnum):
    """How a loader keeps the values of a tag."""

    UNKNOWN = 0
    SCALAR = 1
    TENSOR = 2
    BLOB_SEQUENCE = 3


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the first value of a tag says of the tag.

    Args:
        plugin: The part of TensorBoard that shows it.
        data_class: How it is kept.
        description: Markdown behind the info icon.
        display_name: A title in place of the tag.
        content: What the plugin wants to know beside.
    """

    plugin: str
    data_class: DataClass = DataClass.UNKNOWN
    description: str = ""
    display_name: str = ""
    content: bytes = b""

    def encode(self) -> bytes:
        """The message SummaryMetadata."""
        plugin = string_field(1, self.plugin)
        if self.content:
            plugin += bytes_field(2, self.content)
        message = bytes_field(1, plugin)
        if self.display_name:
            message += string_field(2, self.display_name)
        if self.description:
            message += string_field(3, self.description)
        return message + varint_field(4, self.data_class)

    @classmethod
    def decode(cls, message: bytes) -> Metadata:
        """Read the message SummaryMetadata."""
        found: dict[str, Any] = {"plugin": ""}
        for number, kind, value in decode(message):
            match number, kind, value:
                case 1, _, bytes(plugin):
                    for inner, _, content in decode(plugin):
                        if inner == 1 and isinstance(content, bytes):
                            found["plugin"] = _text(content)
                        elif inner == 2 and isinstance(content, bytes):
                            found["content"] = content
                case 2, _, bytes(text):
                    found["display_name"] = _text(text)
                case 3, _, bytes(text):
                    found["description"] = _text(text)
                case 4, _, int(data_class) if data_class in set(DataClass):
                    found["data_class"] = DataClass(data_class)
        return cls(**found)


@dataclass(frozen=True, slots=True)
class Value:
    """A value under a tag.

    Args:
        tag: Its name.
        simple_value: A scalar, or None.
        tensor: Anything else, or None.
        metadata: What the first value of a tag says of the tag, or None.
    """

    tag: str
    simple_value: float | None = None
    tensor: Tensor | None = None
    metadata: Metadata | None = None

    def encode(self) -> bytes:
        """The message Summary.Value."""
        message = string_field(1, self.tag)
        if self.simple_value is not None:
            message += b"\x15" + float32(self.simple_value)
        if self.tensor is not None:
            message += bytes_field(8, self.tensor.encode())
        if self.metadata is not None:
            message += bytes_field(9, self.metadata.encode())
        return message

    @classmethod
    def decode(cls, message: bytes) -> Value:
        """Read the message Summary.Value."""
        found: dict[str, Any] = {"tag": ""}
        for number, kind, value in decode(message):
            match number, kind, value:
                case 1, _, bytes(tag):
                    found["tag"] = _text(tag)
                case 2, 5, bytes(number32):
                    found["simple_value"] = struct.unpack("<f", number32)[0]
                case 8, _, bytes(tensor):
                    found["tensor"] = Tensor.decode(tensor)
                case 9, _, bytes(metadata):
                    found["metadata"] = Metadata.decode(metadata)
        return cls(**found)


@dataclass(frozen=True, slots=True)
class Event:
    """One record of an event file.

    Args:
        wall_time: When, in seconds since 1970.
        step: Step of all its values.
        values: The values.
        file_version: Set in the first event of a file only.
        session: What a session log says.
        graph_def: A graph, encoded.
    """

    wall_time: float
    step: int = 0
    values: tuple[Value, ...] = ()
    file_version: str | None = None
    session: SessionStatus | None = None
    graph_def: bytes | None = None

    def encode(self) -> bytes:
        """The message Event."""
        message = event_head(self.wall_time, self.step)
        if self.file_version is not None:
            message += string_field(3, self.file_version)
        if self.graph_def is not None:
            message += bytes_field(4, self.graph_def)
        if self.values:
            message += bytes_field(5, summary([value.encode() for value in self.values]))
        if self.session is not None:
            message += bytes_field(7, varint_field(1, self.session))
        return message

    @classmethod
    def decode(cls, message: bytes) -> Event:
        """Read the message Event.

        Args:
            message: What a record carries.

        Returns:
            The event; fields that this version does not know are left out. Bytes that are no
            event raise WireError.
        """
        found: dict[str, Any] = {"wall_time": 0.0}
        values: list[Value] = []
        for field in decode(message):
            match field:
                case 1, 1, bytes(number):
                    found["wall_time"] = struct.unpack("<d", number)[0]
                case 2, _, int(step):
                    found["step"] = signed(step)
                case 3, _, bytes(version):
                    found["file_version"] = _text(version)
                case 4, _, bytes(graph):
                    found["graph_def"] = graph
                case 5, _, bytes(summary_message):
                    values += _values(summary_message)
                case 7, _, bytes(session):
                    for inner, _, status in decode(session):
                        if inner == 1 and status in set(SessionStatus):
                            found["session"] = SessionStatus(status)
        return cls(values=tuple(values), **found)


def event_head(wall_time: float, step: int) -> bytes:
    """The first two fields of an event."""
    return double_field(1, wall_time) + (varint_field(2, step) if step else b"")


def encode_event(encoded_scalars: bytes, values: list[bytes], step: int, wall_time: float) -> bytes:
    """The message Event, of values that are encoded.

    Args:
        encoded_scalars: From a `ScalarEncoder`.
        values: Other values.
        step: Step of all of them.
        wall_time: When they were logged, in seconds since 1970.

    Returns:
        The message.
    """
    return event_head(wall_time, step) + bytes_field(5, encoded_scalars + summary(values))


def summary(values: list[bytes]) -> bytes:
    """The message Summary, of encoded values."""
    return b"".join(bytes_field(1, value) for value in values)


def float32(number: float) -> bytes:
    """A number as the nearest 32-bit float; one that is too large becomes infinite.

    Args:
        number: Any float.

    Returns:
        Four bytes, little endian.
    """
    with np.errstate(over="ignore"):
        return struct.pack("<f", np.float32(number))


def _values(message: bytes) -> list[Value]:
    return [
        Value.decode(value)
        for number, kind, value in decode(message)
        if number == 1 and isinstance(value, bytes)
    ]


def _text(encoded: bytes) -> str:
    try:
        return encoded.decode()
    except UnicodeDecodeError as error:
        raise WireError("expected text in UTF-8, got other bytes") from error
