"""Every message, byte for byte and field by field, beside TensorBoard's own protocol buffers."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import numpy as np
import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto.event_pb2 import Event as EventProto
from tensorboard.compat.proto.event_pb2 import SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.plugins.audio.plugin_data_pb2 import AudioPluginData
from tensorboard.plugins.custom_scalar.layout_pb2 import Category as CategoryProto
from tensorboard.plugins.custom_scalar.layout_pb2 import (
    Chart,
    MarginChartContent,
    MultilineChartContent,
)
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout as LayoutProto
from tensorboard.plugins.histogram import summary_v2 as histogram_summary
from tensorboard.plugins.hparams.plugin_data_pb2 import (
    HParamsPluginData,
    SessionEndInfo,
    SessionStartInfo,
)
from tensorboard.plugins.mesh.plugin_data_pb2 import MeshPluginData
from tensorboard.plugins.pr_curve.plugin_data_pb2 import PrCurvePluginData
from tensorboard.util import tensor_util

from sightline import events
from sightline.events import (
    Category,
    Event,
    Margin,
    MeshPart,
    Multiline,
    RunStatus,
    ScalarEncoder,
    SessionStatus,
    Value,
    bucketize,
    encode_event,
)
from sightline.events.messages import Metadata
from sightline.events.tensors import DType, Tensor
from sightline.events.wire import WireError

GOLDEN = Path(__file__).parents[1] / "golden" / "events"
STEP, WALL_TIME = 7, 1.5e9
ROWS = bucketize([0.0, 1.0, 1.0, 4.0], num_buckets=2)
CURVE = events.pr_curve([True, False], [0.75, 0.25], num_thresholds=3)
CORNERS = np.arange(9.0, dtype=np.float32).reshape(1, 3, 3)
FACES = np.array([[[0, 1, 2]]], np.int32)
COLORS = np.full((1, 3, 3), 200, np.uint8)
LAYOUT = (
    Category("loss", [Multiline("both", ["train/loss", "a+b"])], closed=True),
    Category("rest", [Margin("band", [("mean", "low", "high"), ("m", "l", "h")])]),
)


def scalars_event() -> bytes:
    encoder = ScalarEncoder({"loss/total": "the **loss**"}.get)
    first = encoder.encode({"loss/total": 0.5, "größe": -1.0})
    return encode_event(first + encoder.encode({"loss/total": 0.25}), [], STEP, WALL_TIME)


def event_with(*values: Value) -> bytes:
    return Event(WALL_TIME, STEP, values).encode()


OURS = {
    "scalars": scalars_event(),
    "image": event_with(
        events.image_value("i", [b"png1", b"png2"], width=3, height=2, description="a picture")
    ),
    "histogram": event_with(events.histogram_value("h", ROWS, description="how *spread*")),
    "text": event_with(events.text_value("t", "# ü", description="a text")),
    "file_version": Event(WALL_TIME, file_version="brain.Event:2").encode(),
    "session_start": Event(WALL_TIME, STEP, session=SessionStatus.START).encode(),
    "graph": Event(WALL_TIME, graph_def=b"graph").encode(),
    "audio": event_with(events.audio_value("a", b"wav", description="a sound")),
    "pr_curve": event_with(events.pr_curve_value("p", CURVE, description="a curve")),
    "mesh": event_with(
        *events.mesh_values(
            "m",
            {MeshPart.VERTEX: CORNERS, MeshPart.FACE: FACES, MeshPart.COLOR: COLORS},
            config={"material": {"cls": "PointsMaterial"}, "camera": {}},
            description="a mesh",
        )
    ),
    "points": event_with(*events.mesh_values("m", {MeshPart.VERTEX: CORNERS})),
    "layout": event_with(events.layout_value(LAYOUT)),
    "hparams": event_with(
        events.hparams_value(
            {"flag": False, "on": True, "lr": 0.0, "name": "ü", "none": ""},
            start_secs=1.5,
            group_name="seeds",
        )
    ),
    "run_end": event_with(events.run_end_value(RunStatus.FAILURE, end_secs=2.5)),
}


def metadata_proto(
    plugin: str, data_class: int, description: str = "", content: Message | None = None
) -> SummaryMetadata:
    return SummaryMetadata(
        plugin_data=SummaryMetadata.PluginData(
            plugin_name=plugin, content=content.SerializeToString() if content else b""
        ),
        data_class=data_class,
        summary_description=description,
    )


def shape_proto(*sizes: int) -> TensorShapeProto:
    return TensorShapeProto(dim=[TensorShapeProto.Dim(size=size) for size in sizes])


def summary_proto(*values: Summary.Value) -> EventProto:
    return EventProto(wall_time=WALL_TIME, step=STEP, summary=Summary(value=values))


def mesh_proto(
    part: str, dtype: int, array: np.ndarray, components: int, config: str, description: str
) -> Summary.Value:
    content = MeshPluginData(
        name="m",
        content_type=part,
        json_config=config,
        shape=array.shape,
        components=components,
    )
    return Summary.Value(
        tag=f"m_{part}",
        metadata=metadata_proto("mesh", 2, description, content),
        tensor=TensorProto(
            dtype=dtype, tensor_shape=shape_proto(*array.shape), tensor_content=array.tobytes()
        ),
    )


def hparams_proto(tag: str, content: HParamsPluginData) -> Summary.Value:
    return Summary.Value(
        tag=tag,
        metadata=metadata_proto("hparams", 2, content=content),
        tensor=TensorProto(dtype=1, tensor_shape=shape_proto(1), tensor_content=bytes(4)),
    )


START = SessionStartInfo(group_name="seeds", start_time_secs=1.5)
START.hparams["flag"].bool_value = False
START.hparams["on"].bool_value = True
START.hparams["lr"].number_value = 0.0
START.hparams["name"].string_value = "ü"
START.hparams["none"].string_value = ""
CONFIG = '{"camera": {}, "material": {"cls": "PointsMaterial"}}'

THEIRS = {
    "scalars": summary_proto(
        Summary.Value(
            tag="loss/total",
            simple_value=0.5,
            metadata=metadata_proto("scalars", 1, "the **loss**"),
        ),
        Summary.Value(tag="größe", simple_value=-1.0),
        Summary.Value(tag="loss/total", simple_value=0.25),
    ),
    "image": summary_proto(
        Summary.Value(
            tag="i",
            metadata=metadata_proto("images", 3, "a picture"),
            tensor=TensorProto(
                dtype=7, tensor_shape=shape_proto(4), string_val=[b"3", b"2", b"png1", b"png2"]
            ),
        )
    ),
    "histogram": summary_proto(
        Summary.Value(
            tag="h",
            metadata=metadata_proto("histograms", 2, "how *spread*"),
            tensor=TensorProto(
                dtype=2,
                tensor_shape=shape_proto(2, 3),
                tensor_content=np.array([[0, 2, 3], [2, 4, 1.0]]).tobytes(),
            ),
        )
    ),
    "text": summary_proto(
        Summary.Value(
            tag="t",
            metadata=metadata_proto("text", 2, "a text"),
            tensor=TensorProto(dtype=7, tensor_shape=shape_proto(1), string_val=["# ü".encode()]),
        )
    ),
    "file_version": EventProto(wall_time=WALL_TIME, file_version="brain.Event:2"),
    "session_start": EventProto(
        wall_time=WALL_TIME, step=STEP, session_log=SessionLog(status=SessionLog.START)
    ),
    "graph": EventProto(wall_time=WALL_TIME, graph_def=b"graph"),
    "audio": summary_proto(
        Summary.Value(
            tag="a",
            metadata=metadata_proto("audio", 3, "a sound", AudioPluginData(encoding="WAV")),
            tensor=TensorProto(dtype=7, tensor_shape=shape_proto(1), string_val=[b"wav"]),
        )
    ),
    "pr_curve": summary_proto(
        Summary.Value(
            tag="p",
            metadata=metadata_proto("pr_curves", 2, "a curve", PrCurvePluginData(num_thresholds=3)),
            tensor=TensorProto(
                dtype=1,
                tensor_shape=shape_proto(6, 3),
                tensor_content=CURVE.astype(np.float32).tobytes(),
            ),
        )
    ),
    "mesh": summary_proto(
        mesh_proto("VERTEX", 1, CORNERS, 0b1110, CONFIG, "a mesh"),
        mesh_proto("FACE", 3, FACES, 0b1110, CONFIG, "a mesh"),
        mesh_proto("COLOR", 4, COLORS, 0b1110, CONFIG, "a mesh"),
    ),
    "points": summary_proto(mesh_proto("VERTEX", 1, CORNERS, 0b10, "{}", "")),
    "layout": summary_proto(
        Summary.Value(
            tag="custom_scalars__config__",
            metadata=metadata_proto("custom_scalars", 2),
            tensor=TensorProto(
                dtype=7,
                tensor_shape=shape_proto(),
                string_val=[
                    LayoutProto(
                        category=[
                            CategoryProto(
                                title="loss",
                                closed=True,
                                chart=[
                                    Chart(
                                        title="both",
                                        multiline=MultilineChartContent(
                                            tag=["train/loss$", r"a\+b$"]
                                        ),
                                    )
                                ],
                            ),
                            CategoryProto(
                                title="rest",
                                chart=[
                                    Chart(
                                        title="band",
                                        margin=MarginChartContent(
                                            series=[
                                                MarginChartContent.Series(
                                                    value="mean", lower="low", upper="high"
                                                ),
                                                MarginChartContent.Series(
                                                    value="m", lower="l", upper="h"
                                                ),
                                            ]
                                        ),
                                    )
                                ],
                            ),
                        ]
                    ).SerializeToString()
                ],
            ),
        )
    ),
    "hparams": summary_proto(
        hparams_proto("_hparams_/session_start_info", HParamsPluginData(session_start_info=START))
    ),
    "run_end": summary_proto(
        hparams_proto(
            "_hparams_/session_end_info",
            HParamsPluginData(
                session_end_info=SessionEndInfo(status="STATUS_FAILURE", end_time_secs=2.5)
            ),
        )
    ),
}


def parsed(message: bytes) -> tuple[EventProto, list[HParamsPluginData]]:
    """An event, and apart from it the settings in it: a map may be written in any order."""
    event = EventProto.FromString(message)
    settings = []
    for value in event.summary.value:
        plugin = value.metadata.plugin_data
        if plugin.plugin_name == "hparams":
            settings.append(HParamsPluginData.FromString(plugin.content))
            plugin.content = b""
    return event, settings


@pytest.mark.parametrize("name", OURS)
def test_tensorboards_protocol_buffers_read_every_field(name: str) -> None:
    assert parsed(OURS[name]) == parsed(THEIRS[name].SerializeToString())


@pytest.mark.parametrize("name", OURS)
def test_the_bytes_are_those_of_the_golden_file(name: str) -> None:
    golden = GOLDEN / f"{name}.hex"
    if os.environ.get("SIGHTLINE_UPDATE_GOLDEN") == "1":
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(OURS[name].hex() + "\n")
    assert OURS[name].hex() == golden.read_text().strip()


@pytest.mark.parametrize("name", THEIRS)
def test_what_protocol_buffers_wrote_is_read_and_written_the_same(name: str) -> None:
    event = Event.decode(THEIRS[name].SerializeToString())
    assert EventProto.FromString(event.encode()) == THEIRS[name]


@given(
    st.dictionaries(st.text(min_size=1, max_size=20), st.floats(width=32), max_size=20),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
)
def test_scalars_round_trip(scalars: dict[str, float], step: int, wall_time: float) -> None:
    scalars = {tag: number for tag, number in scalars.items() if tag.isprintable()}
    encoder = ScalarEncoder()
    for _ in range(2):  # the first value of a tag takes another way than the next ones
        message = encode_event(encoder.encode(scalars), [], step, wall_time)
        event = Event.decode(message)
        assert (event.step, event.wall_time) == (step, wall_time)
        read = {value.tag: value.simple_value for value in event.values}
        np.testing.assert_equal(read, scalars)
        proto = EventProto.FromString(message)
        np.testing.assert_equal({v.tag: v.simple_value for v in proto.summary.value}, scalars)


def test_a_number_beyond_single_precision_becomes_infinite() -> None:
    encoder = ScalarEncoder()
    for _ in range(2):
        message = encode_event(encoder.encode({"a": 1e300, "b": -1e300, "c": 1.0}), [], 0, 0.0)
        numbers = [value.simple_value for value in Event.decode(message).values]
        assert numbers == [float("inf"), float("-inf"), 1.0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0, 3)])
def test_tensors_of_other_writers_are_read(dtype: type, shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape, dtype=int), dtype=dtype).reshape(shape) + dtype(0.5)
    read = Tensor.decode(tensor_util.make_tensor_proto(array).SerializeToString())
    np.testing.assert_array_equal(read.numpy(), array)


def test_an_unpacked_tensor_is_read_too() -> None:
    proto = TensorProto(dtype=1, tensor_shape=shape_proto(2), float_val=[1.5, 2.5])
    assert Tensor.decode(proto.SerializeToString()).numpy().tolist() == [1.5, 2.5]


def test_tensorboards_own_histograms_are_read() -> None:
    proto = histogram_summary.histogram_pb("h", [0.0, 1.0, 1.0, 4.0], buckets=2)
    event = EventProto(summary=proto)
    (value,) = Event.decode(event.SerializeToString()).values
    assert value.tensor is not None
    np.testing.assert_array_equal(value.tensor.numpy(), ROWS.rows)
    assert value.metadata == Metadata("histograms")


@pytest.mark.parametrize("shape", [(3,), (2**40,), (0,)])
def test_a_tensor_with_too_few_elements_is_an_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(WireError, match="expected shape"):
        Tensor(DType.DOUBLE, shape, np.zeros(2).tobytes()).numpy()


@given(st.binary(max_size=80))
def test_arbitrary_bytes_are_an_event_or_a_wire_error(message: bytes) -> None:
    with contextlib.suppress(WireError):
        Event.decode(message)
