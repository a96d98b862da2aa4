"""Hyperparameters and layouts, as TensorBoard's own plugins answer for them."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorboard.context import RequestContext
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams.backend_context import Context
from tensorboard.plugins.hparams.list_session_groups import Handler

from sightline.events import HPARAMS_TAG, LAYOUT_TAG, RUN_END_TAG, event_files, read
from sightline.logger import MetricsLogger
from sightline.writers import Category, HParams, Layout, Margin, Memory, Multiline, RunEnd
from tests.loaders import Shown, python_loader, read_python

with warnings.catch_warnings():  # TensorBoard's own copy of html5lib warns of itself
    warnings.simplefilter("ignore", DeprecationWarning)
    from tensorboard.plugins.custom_scalar.custom_scalars_plugin import CustomScalarsPlugin
    from tensorboard.plugins.scalar.scalars_plugin import ScalarsPlugin

Loader = Callable[[Path], Shown]
Open = Callable[[Path], AbstractContextManager[Any]]

UNKNOWN, SUCCESS, FAILURE = (
    api_pb2.STATUS_UNKNOWN,
    api_pb2.STATUS_SUCCESS,
    api_pb2.STATUS_FAILURE,
)
SETTINGS = {"lr": 0.1, "depth": 3, "nesterov": True, "name": "ü", "model": {"width": 64}}


def rows(logdir: Path, open_loader: Open) -> list[api_pb2.SessionGroup]:
    """The rows of the HParams page."""
    request = api_pb2.ListSessionGroupsRequest(
        allowed_statuses=api_pb2.Status.values(), slice_size=100
    )
    with open_loader(logdir) as provider:
        context = Context(TBContext(data_provider=provider, logdir=str(logdir)))
        experiment = context.experiment_from_metadata(
            RequestContext(), "", True, context.hparams_metadata(RequestContext(), ""), None
        )
        for metric in experiment.metric_infos:
            request.col_params.add(metric=metric.name)
        return list(Handler(RequestContext(), context, "", request).run().session_groups)


def statuses(logdir: Path, open_loader: Open) -> list[int]:
    return [session.status for row in rows(logdir, open_loader) for session in row.sessions]


class TestHParams:
    def test_a_run_is_a_row_with_its_settings_and_last_metrics(
        self, tmp_path: Path, open_loader: Open
    ) -> None:
        for name, depth in (("a", 3), ("b", 4)):
            with MetricsLogger(name, tmp_path) as logger:
                logger.log_hparams({**SETTINGS, "depth": depth}, {"best": torch.tensor(0.5)})
                for step in range(3):
                    logger.log_metrics({"loss": float(step * depth)}, step=step)
        first, second = sorted(rows(tmp_path, open_loader), key=lambda row: row.name)
        settings = {
            name: getattr(value, value.WhichOneof("kind")) for name, value in first.hparams.items()
        }
        assert settings == {
            "lr": 0.1,
            "depth": 3.0,
            "nesterov": True,
            "name": "ü",
            "model.width": 64.0,
        }
        assert settings["nesterov"] is True
        assert [(row.name, row.sessions[0].name) for row in (first, second)] == [
            ("a", "a"),
            ("b", "b"),
        ]
        metrics = {value.name.tag: value.value for value in second.metric_values}
        assert metrics == {"best": 0.5, "loss": 8.0}

    def test_seeds_of_one_group_make_one_row(self, tmp_path: Path, open_loader: Open) -> None:
        for seed in range(3):
            with MetricsLogger(f"seed{seed}", tmp_path) as logger:
                logger.log_hparams({"lr": 0.1}, {"loss": float(seed)}, group_name="lr 0.1")
        (row,) = rows(tmp_path, open_loader)
        assert row.name == "lr 0.1"
        assert len(row.sessions) == 3
        assert [value.value for value in row.metric_values] == [1.0]

    def test_no_sub_run_and_no_experiment_is_written(
        self, tmp_path: Path, read_loader: Loader
    ) -> None:
        with MetricsLogger("run", tmp_path) as logger:
            logger.log_hparams({"lr": 0.1})
        shown = read_loader(tmp_path)
        assert shown.plugins == {"run": {HPARAMS_TAG: "hparams", RUN_END_TAG: "hparams"}}

    def test_the_status_is_unknown_while_the_run_is_open_and_success_once_it_is_closed(
        self, tmp_path: Path, open_loader: Open
    ) -> None:
        logger = MetricsLogger("run", tmp_path)
        logger.log_hparams({"lr": 0.1})
        logger.flush()
        assert statuses(tmp_path, open_loader) == [UNKNOWN]
        logger.close()
        assert statuses(tmp_path, open_loader) == [SUCCESS]

    def test_an_exception_in_the_with_block_is_a_failure(
        self, tmp_path: Path, open_loader: Open
    ) -> None:
        def train() -> None:
            with MetricsLogger("run", tmp_path) as logger:
                logger.log_hparams({"lr": 0.1})
                raise KeyError("x")

        with pytest.raises(KeyError):
            train()
        assert statuses(tmp_path, open_loader) == [FAILURE]

    def test_nobody_says_how_a_run_ended_whose_process_ended(
        self, tmp_path: Path, open_loader: Open
    ) -> None:
        logger = MetricsLogger("run", tmp_path)
        logger.log_hparams({"lr": 0.1})
        logger.close_at_end()
        assert statuses(tmp_path, open_loader) == [UNKNOWN]

    @pytest.mark.parametrize("resume_step", [None, 2, 5, 9])
    def test_a_continued_run_ends_with_its_own_status_and_settings(
        self, tmp_path: Path, open_loader: Open, resume_step: int | None
    ) -> None:
        def train(*, fails: bool, lr: float, **options: Any) -> None:
            with MetricsLogger("run", tmp_path, **options) as logger:
                logger.log_hparams({"lr": lr})
                for _ in range(6):
                    logger.log_metrics({"loss": lr})
                logger.flush()
                if options:
                    assert statuses(tmp_path, open_loader) == [UNKNOWN]
                if fails:
                    raise KeyError("x")

        with pytest.raises(KeyError):
            train(fails=True, lr=0.1)
        train(fails=False, lr=0.2, resume_step=resume_step)
        (row,) = rows(tmp_path, open_loader)
        assert row.sessions[0].status == SUCCESS
        assert row.hparams["lr"].number_value == 0.2
        with pytest.raises(KeyError):
            train(fails=True, lr=0.3, resume_step=resume_step)
        assert statuses(tmp_path, open_loader) == [FAILURE]
        assert len(event_files(tmp_path / "run")) == 3

    def test_a_run_without_settings_has_no_row_and_its_end_hides_nothing(
        self, tmp_path: Path, open_loader: Open
    ) -> None:
        with MetricsLogger("run", tmp_path) as logger:
            logger.log_metrics({"loss": 1.0}, step=3)
        with pytest.raises(KeyError), MetricsLogger("run", tmp_path):  # logs nothing
            raise KeyError("x")
        events = list(read(tmp_path / "run"))
        assert not any(value.tag == RUN_END_TAG for event in events for value in event.values)
        assert [event.step for event in events if event.session is not None] == [0]
        with open_loader(tmp_path) as provider:
            request = {"ctx": RequestContext(), "experiment_id": "", "plugin_name": "scalars"}
            shown = provider.read_scalars(**request, downsample=9)["run"]["loss"]
        assert [(point.step, point.value) for point in shown] == [(3, 1.0)]

    def test_a_fork_says_nothing_of_how_its_parents_run_ended(self, tmp_path: Path) -> None:
        program = (
            "import os, sys\n"
            "from sightline import MetricsLogger\n"
            "from sightline.writers import Memory\n"
            "with MetricsLogger('run', sys.argv[1], extra_writers=[Memory()]) as logger:\n"
            "    logger.log_metrics({'loss': 1.0}, step=0)\n"
            "    child = os.fork()\n"
            "    if not child:\n"
            "        sys.exit(3)\n"
            "    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
        )
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program, tmp_path]
        ended = subprocess.run(command, check=False, timeout=60, capture_output=True, text=True)
        assert (ended.returncode, ended.stderr) == (3, "")
        assert [path.name for path in (tmp_path / "run").iterdir() if path.is_dir()] == []

    def test_a_continued_run_without_settings_leaves_what_was_said(
        self, tmp_path: Path, open_loader: Open
    ) -> None:
        with MetricsLogger("run", tmp_path) as logger:
            logger.log_hparams({"lr": 0.1})
        with MetricsLogger("run", tmp_path) as logger:
            logger.log_metrics({"loss": 1.0}, step=1)
        assert statuses(tmp_path, open_loader) == [SUCCESS]

    def test_anything_that_is_no_bool_number_or_text_is_its_text(self, tmp_path: Path) -> None:
        class Norm(Enum):
            LAYER = "layer"

        memory = Memory()
        with MetricsLogger("run", tmp_path, writers=[memory], clock=lambda: 7.0) as logger:
            logger.log_hparams({
                "none": None,
                "list": [1, 2],
                "path": Path("a"),
                "enum": Norm.LAYER,
                "np": np.float64(0.5),
                "np_bool": np.bool_(False),
                "np_int": np.int64(3),
                "large": 10**400,
                "empty": {},
            })
        assert [(item.tag, item.value) for item in memory.written] == [
            (
                HPARAMS_TAG,
                HParams(
                    {
                        "none": "None",
                        "list": "[1, 2]",
                        "path": "a",
                        "enum": "Norm.LAYER",
                        "np": 0.5,
                        "np_bool": False,
                        "np_int": 3.0,
                        "large": str(10**400),
                        "empty": "{}",
                    },
                    7.0,
                ),
            ),
            (RUN_END_TAG, RunEnd(1, 7.0)),  # type: ignore[arg-type]
        ]

    def test_settings_are_logged_once_and_the_same_again_is_no_error(self, tmp_path: Path) -> None:
        memory = Memory()
        with MetricsLogger("run", tmp_path, writers=[memory]) as logger:
            logger.log_hparams({"lr": 0.1}, group_name="g")
            logger.log_hparams({"lr": 0.1}, {"best": 1.0}, group_name="g")
            for again in ({"lr": 0.2}, {"lr": 0.1}):
                with pytest.raises(ValueError, match="log all of them in one call"):
                    logger.log_hparams(again, {"best": 2.0})
        assert sorted(item.tag for item in memory.written) == sorted([
            HPARAMS_TAG,
            "best",
            RUN_END_TAG,
        ])

    def test_a_metric_that_is_no_number_is_refused_before_anything_is_logged(
        self, tmp_path: Path
    ) -> None:
        memory = Memory()
        with MetricsLogger("run", tmp_path, writers=[memory]) as logger:
            with pytest.raises(ValueError, match="expected a number for 'best'"):
                logger.log_hparams({"lr": 0.1}, {"best": np.ones(2)})
            logger.log_hparams({"lr": 0.2})
        assert [item.tag for item in memory.written] == [HPARAMS_TAG, RUN_END_TAG]

    @settings(max_examples=25)
    @given(
        st.dictionaries(
            st.text(st.characters(codec="utf-8"), min_size=1, max_size=9),
            st.booleans() | st.floats(allow_nan=False) | st.text(max_size=9),
            min_size=1,
            max_size=5,
        )
    )
    def test_settings_round_trip(
        self, tmp_path_factory: pytest.TempPathFactory, hparams: dict[str, bool | float | str]
    ) -> None:
        logdir = tmp_path_factory.mktemp("logs")
        with MetricsLogger("run", logdir) as logger:
            logger.log_hparams(hparams)
        (row,) = rows(logdir, python_loader)
        shown = {name: getattr(one, one.WhichOneof("kind")) for name, one in row.hparams.items()}
        expected = {
            name: value
            for name, value in hparams.items()
            if value not in {float("inf"), -float("inf")}
        }
        assert {name: shown[name] for name in expected} == expected


LAYOUT: dict[str, Any] = {
    "loss": {"both": ["train/loss", "val/loss"], "odd": ["a+b (c)"]},
    "accuracy": [
        Margin("seeds", [("acc", "acc/low", "acc/high")]),
        Multiline("one", ["acc"]),
    ],
}


class TestLayout:
    def test_tensorboards_plugin_finds_exactly_the_tags_that_were_named(
        self, tmp_path: Path, open_loader: Open
    ) -> None:
        tags = ("train/loss", "train/loss_ema", "val/loss", "a+b (c)", "aab c", "acc", "acc/low")
        for run in ("a", "b"):
            with MetricsLogger(run, tmp_path) as logger:
                logger.log_layout(LAYOUT)
                logger.log_metrics(dict.fromkeys(tags, 1.0), step=0)
        with open_loader(tmp_path) as provider:
            others: dict[str, Any] = {}
            context = TBContext(
                data_provider=provider, logdir=str(tmp_path), plugin_name_to_instance=others
            )
            others["scalars"] = ScalarsPlugin(context)
            plugin = CustomScalarsPlugin(context)
            shown = json.loads(plugin.layout_impl(RequestContext(), ""))
            found = [
                sorted(
                    tag
                    for pattern in chart["multiline"]["tag"]
                    for tag in plugin.scalars_impl(RequestContext(), "a", pattern, "")[
                        "tag_to_events"
                    ]
                )
                for category in shown["category"]
                for chart in category["chart"]
                if "multiline" in chart
            ]
        assert found == [["train/loss", "val/loss"], ["a+b (c)"], ["acc"]]
        assert [category["title"] for category in shown["category"]] == ["loss", "accuracy"]
        assert [len(category["chart"]) for category in shown["category"]] == [2, 2]
        assert shown["category"][1]["chart"][0]["margin"]["series"] == [
            {"value": "acc", "lower": "acc/low", "upper": "acc/high"}
        ]

    def test_every_run_holds_the_same_bytes(self, tmp_path: Path, read_loader: Loader) -> None:
        for run in ("a", "b"):
            with MetricsLogger(run, tmp_path) as logger:
                logger.log_metrics({"loss": 1.0}, step=len(run))
                logger.log_layout(LAYOUT)
        series = read_loader(tmp_path).series
        (_, first), (_, second) = (series[run][LAYOUT_TAG][0] for run in ("a", "b"))
        assert first.item() == second.item()
        assert first.shape == ()

    def test_categories_may_be_folded(self, tmp_path: Path) -> None:
        memory = Memory()
        category = Category("c", [Multiline("t", ["a"])], closed=True)
        with MetricsLogger("run", tmp_path, writers=[memory]) as logger:
            logger.log_layout([category])
        assert memory.written[0].value == Layout((category,))

    @pytest.mark.parametrize(
        ("layout", "error", "message"),
        [
            ({"c": {"t": "loss"}}, ValueError, "put a single one in a list"),
            ({"c": ["loss"]}, TypeError, "got str; pass Multiline or Margin"),
            ([Multiline("t", ["a"])], TypeError, "expected categories, got Multiline"),
            ({}, ValueError, "expected at least one category"),
        ],
    )
    def test_what_is_no_layout_is_refused_at_the_call(
        self, tmp_path: Path, layout: Any, error: type[Exception], message: str
    ) -> None:
        with (
            MetricsLogger("run", tmp_path, writers=[Memory()]) as logger,
            pytest.raises(error, match=message),
        ):
            logger.log_layout(layout)


def test_what_is_said_of_the_run_stands_at_the_current_step(tmp_path: Path) -> None:
    with MetricsLogger("run", tmp_path) as logger:
        logger.log_metrics({"loss": 1.0}, step=7)
        logger.log_hparams({"lr": 0.1})
        logger.log_layout(LAYOUT)
    series = read_python(tmp_path).series["run"]
    assert set(series) == {"loss", HPARAMS_TAG, LAYOUT_TAG, RUN_END_TAG}
    assert [[step for step, _ in points] for points in series.values()] == [[7]] * 4
