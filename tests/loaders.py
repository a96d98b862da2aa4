"""TensorBoard's two loaders, asked as TensorBoard asks them.

"Python" is the loader behind `load_fast=false`, "Rust" the data server behind `load_fast=true`.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import tensorboard_data_server
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.context import RequestContext
from tensorboard.data import grpc_provider

ALL = 1_000_000
PLUGINS = ("scalars", "images", "audio", "histograms", "text", "pr_curves", "mesh", "hparams")
EXPERIMENT = {"ctx": RequestContext(), "experiment_id": ""}


@dataclass
class Shown:
    """What a loader shows of a log directory.

    Args:
        series: By run and tag, pairs of step and value: a float, an array, or a list of blobs.
        descriptions: By run and tag.
        plugins: By run and tag.
        contents: What the plugin is told beside, by run and tag.
    """

    series: dict[str, dict[str, list[tuple[int, Any]]]] = field(default_factory=dict)
    descriptions: dict[str, dict[str, str]] = field(default_factory=dict)
    plugins: dict[str, dict[str, str]] = field(default_factory=dict)
    contents: dict[str, dict[str, bytes]] = field(default_factory=dict)

    def steps(self, tag: str, run: str = ".") -> list[int]:
        return [step for step, _ in self.series.get(run, {}).get(tag, [])]


def read_python(logdir: Path) -> Shown:
    """What the Python loader shows of a log directory; the directory itself is the run "."."""
    with python_loader(logdir) as provider:
        return _shown(provider)


@contextmanager
def python_loader(logdir: Path) -> Iterator[data_provider.MultiplexerDataProvider]:
    """The Python loader, which has loaded a log directory once."""
    multiplexer = plugin_event_multiplexer.EventMultiplexer(
        size_guidance={"tensors": 0}, tensor_size_guidance=dict.fromkeys(PLUGINS, 0)
    )
    multiplexer.AddRunsFromDirectory(str(logdir))
    multiplexer.Reload()
    yield data_provider.MultiplexerDataProvider(multiplexer, str(logdir))


def read_rust(logdir: Path) -> Shown:
    """What the data server shows of a log directory; the directory itself is the run "."."""
    with data_server(logdir) as provider:
        return _shown(provider)


@contextmanager
def data_server(logdir: Path) -> Iterator[grpc_provider.GrpcDataProvider]:
    """A data server that has loaded a log directory once."""
    with tempfile.TemporaryDirectory() as scratch:
        port_file = Path(scratch, "port")
        command = [
            tensorboard_data_server.server_binary(),
            f"--logdir={logdir}",
            "--reload=once",
            "--port=0",
            f"--port-file={port_file}",
            "--samples-per-plugin=" + ",".join(f"{plugin}=all" for plugin in PLUGINS),
            "--die-after-stdin",
            "--verbose",
        ]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as server:
            assert server.stderr is not None
            log = []
            for line in server.stderr:
                log.append(line)
                if "Finished load cycle" in line:
                    break
            else:
                raise AssertionError("the data server did not load:\n" + "".join(log))
            address = f"localhost:{int(port_file.read_text())}"
            with grpc.insecure_channel(address) as channel:
                stub = grpc_provider.make_stub(channel)
                yield grpc_provider.GrpcDataProvider(address, stub)
            server.communicate()  # closes its stdin, which ends it


def _shown(provider: Any) -> Shown:
    shown = Shown()
    for plugin in provider.list_plugins(**EXPERIMENT):
        ask = {**EXPERIMENT, "plugin_name": plugin}
        scalars = provider.read_scalars(**ask, downsample=ALL)
        _add(shown, plugin, provider.list_scalars(**ask), scalars, lambda datum: datum.value)
        tensors = provider.read_tensors(**ask, downsample=ALL)
        _add(shown, plugin, provider.list_tensors(**ask), tensors, lambda datum: datum.numpy)
        blobs = provider.read_blob_sequences(**ask, downsample=ALL)
        _add(
            shown,
            plugin,
            provider.list_blob_sequences(**ask),
            blobs,
            lambda datum: [
                provider.read_blob(ctx=EXPERIMENT["ctx"], blob_key=blob.blob_key)
                for blob in datum.values
            ],
        )
    return shown


def _add(shown: Shown, plugin: str, listed: Any, read: Any, value_of: Any) -> None:
    for run, tags in listed.items():
        for tag, about in tags.items():
            shown.descriptions.setdefault(run, {})[tag] = about.description
            shown.plugins.setdefault(run, {})[tag] = plugin
            shown.contents.setdefault(run, {})[tag] = about.plugin_content
            shown.series.setdefault(run, {})[tag] = [
                (datum.step, value_of(datum)) for datum in read[run][tag]
            ]
