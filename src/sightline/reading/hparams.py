"""The hyperparameters of a run."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from sightline.events.wire import FIXED64, VARINT, decode
from sightline.reading.walk import text_of

STATUS = {0: None, 1: "success", 2: "failure", 3: "running"}


@dataclass(slots=True)
class HParams:
    """What a run says of itself.

    Args:
        values: Hyperparameters by name.
        status: `success`, `failure`, `running`, or None.
        group_name: Name of the group that runs with the same hyperparameters share, or None.
    """

    values: dict[str, bool | float | str] = field(default_factory=dict)
    status: str | None = None
    group_name: str | None = None

    def update(self, message: bytes) -> None:
        """Read the message HParamsPluginData; bytes that are none raise WireError."""
        for number, _, part in decode(message):
            if isinstance(part, int):
                continue
            if number == 3:
                self._start(part)
            elif number == 4:
                for inner, _, status in decode(part):
                    if inner == 1 and isinstance(status, int):
                        self.status = STATUS.get(status)

    def _start(self, message: bytes) -> None:
        if self.status is None:
            self.status = "running"
        for number, _, part in decode(message):
            if number == 1 and isinstance(part, bytes):
                name, value = "", None
                for inner, _, content in decode(part):
                    if inner == 1 and isinstance(content, bytes):
                        name = text_of(content)
                    elif inner == 2 and isinstance(content, bytes):
                        value = _value(content)
                if value is not None:
                    self.values[name] = value
            elif number == 4 and isinstance(part, bytes):
                self.group_name = text_of(part) or None


def _value(message: bytes) -> bool | float | str | None:
    found: bool | float | str | None = None
    for number, kind, content in decode(message):
        if number == 2 and kind == FIXED64 and isinstance(content, bytes):
            (found,) = struct.unpack("<d", content)
        elif number == 3 and isinstance(content, bytes):
            found = text_of(content)
        elif number == 4 and kind == VARINT:
            found = bool(content)
    return found
