"""The run's graph, as TensorBoard's Graphs plugin gets it from both loaders."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.context import RequestContext
from tensorboard.plugins.base_plugin import TBContext
from torch import nn

from sightline import MetricsLogger
from sightline.events import GraphNode
from sightline.writers import Graph, TensorBoard
from tests.loaders import data_server

with warnings.catch_warnings():  # TensorBoard 2.21 brings an html5lib that warns of itself
    warnings.simplefilter("ignore", DeprecationWarning)
    from tensorboard.plugins.graph.graphs_plugin import GraphsPlugin

NOW = 1.7e9


@contextmanager
def python_loader(logdir: Path) -> Iterator[Any]:
    multiplexer = plugin_event_multiplexer.EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(logdir))
    multiplexer.Reload()
    yield data_provider.MultiplexerDataProvider(multiplexer, str(logdir))


@pytest.fixture(params=[python_loader, data_server], ids=["python", "rust"])
def shown_graph(request: pytest.FixtureRequest) -> Callable[..., list[str] | None]:
    """Names of the nodes that the Graphs tab gets for a run; None if it has no graph."""

    def ask(logdir: Path, run: str = ".") -> list[str] | None:
        with request.param(logdir) as provider:
            plugin = GraphsPlugin(TBContext(logdir=str(logdir), data_provider=provider))
            info = plugin.info_impl(RequestContext(), "")
            if not info.get(run, {}).get("run_graph"):
                return None
            text, _ = plugin.graph_impl(
                RequestContext(), run, None, False, "", 1024, "_too_large_attrs"
            )
        return [node.name for node in text_format.Parse(text, GraphDef()).node]

    return ask


def graph(*names: str) -> Graph:
    return Graph(tuple(GraphNode(name, "Linear") for name in names))


def write(run_dir: Path, *graphs: tuple[int, Graph], resume_step: int | None = None) -> None:
    with closing(TensorBoard(run_dir, resume_step=resume_step)) as writer:
        for step, one in graphs:
            writer.write({"run/graph": one}, step=step, wall_time=NOW)


def test_a_logged_model_reaches_the_graphs_tab(
    tmp_path: Path, shown_graph: Callable[..., list[str] | None]
) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    with MetricsLogger("run", tmp_path) as logger:
        logger.log_metrics({"loss": 1.0}, step=0)
        logger.log_graph(model)
        model.append(nn.Linear(3, 1))  # later changes are not its matter
    assert shown_graph(tmp_path, "run") == ["(Sequential)", "0", "1"]


def test_a_graph_at_a_later_step_replaces_the_first(
    tmp_path: Path, shown_graph: Callable[..., list[str] | None]
) -> None:
    write(tmp_path, (0, graph("old")), (7, graph("new")))
    assert shown_graph(tmp_path) == ["new"]


@pytest.mark.parametrize("step", [5, 4])
def test_another_graph_that_the_loaders_would_disagree_on_is_refused(
    tmp_path: Path, shown_graph: Callable[..., list[str] | None], step: int
) -> None:
    with pytest.raises(ValueError, match=r"expected a graph after step 5.*got one at step"):
        write(tmp_path, (5, graph("old")), (step, graph("new")))
    assert shown_graph(tmp_path) == ["old"]


def test_the_same_graph_again_is_not_written_again(tmp_path: Path) -> None:
    write(tmp_path / "once", (5, graph("a")))
    write(tmp_path / "twice", (5, graph("a")), (3, graph("a")), (9, graph("a")))
    sizes = [path.stat().st_size for path in sorted(tmp_path.rglob("*tfevents*"))]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize(("resume_step", "names"), [(4, None), (5, ["old"]), (8, ["old"])])
def test_a_resumed_run_keeps_the_graph_of_the_steps_that_stay(
    tmp_path: Path,
    shown_graph: Callable[..., list[str] | None],
    resume_step: int,
    names: list[str] | None,
) -> None:
    write(tmp_path, (5, graph("old")))
    write(tmp_path, resume_step=resume_step)
    assert shown_graph(tmp_path) == names
    write(tmp_path, (resume_step + 1, graph("new")), resume_step=resume_step)
    assert shown_graph(tmp_path) == ["new"]
