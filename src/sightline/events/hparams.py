"""What TensorBoard's HParams page says of a run: its settings, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from sightline.events.messages import DataClass, Metadata, Value
from sightline.events.tensors import DType, Tensor
from sightline.events.wire import bytes_field, double_field, string_field, varint_field

HPARAMS_TAG, RUN_END_TAG = "_hparams_/session_start_info", "_hparams_/session_end_info"
SESSION_START, SESSION_END = 3, 4


class RunStatus(IntEnum):
    """How a run ended."""

    SUCCESS = 1
    FAILURE = 2


def hparams_value(
    hparams: Mapping[str, bool | float | str], *, start_secs: float, group_name: str = ""
) -> Value:
    """The settings of a run.

    They stand in the run itself. No experiment is described, because TensorBoard would take that of
    one run for all; without it, it shows the settings of every run.

    Args:
        hparams: Setting by name.
        start_secs: When the run started, in seconds since 1970.
        group_name: Runs of one group, such as those of different seeds, make one row.

    Returns:
        A value for the plugin `hparams`.
    """
    message = b"".join(
        bytes_field(1, string_field(1, name) + bytes_field(2, _setting(value)))
        for name, value in hparams.items()
    )
    if group_name:
        message += string_field(4, group_name)
    return _value(HPARAMS_TAG, bytes_field(SESSION_START, message + double_field(5, start_secs)))


def run_end_value(status: RunStatus, *, end_secs: float) -> Value:
    """How a run ended.

    TensorBoard shows the first that it reads of a run, and keeps it: there must be one at most, so
    nothing says that a run is still going on.

    Args:
        status: Success or failure.
        end_secs: When, in seconds since 1970.

    Returns:
        A value for the plugin `hparams`.
    """
    message = varint_field(1, status) + double_field(2, end_secs)
    return _value(RUN_END_TAG, bytes_field(SESSION_END, message))


def _setting(value: bool | float | str) -> bytes:
    """The message google.protobuf.Value."""
    if isinstance(value, bool):
        return varint_field(4, value)
    if isinstance(value, str):
        return string_field(3, value)
    return double_field(2, value)


def _value(tag: str, content: bytes) -> Value:
    # The page reads the content alone, and a loader keeps no content without a tensor.
    tensor = Tensor(DType.FLOAT, (1,), bytes(4))
    return Value(
        tag, tensor=tensor, metadata=Metadata("hparams", DataClass.TENSOR, content=content)
    )
