from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image as PilImage

from sightline.events import RUN_END_TAG, bucketize
from sightline.logger import MetricsLogger
from sightline.writers import Histogram, Image, Memory, Text, binning, scalars
from sightline.writers.grid import GAP, LINE_HEIGHT
from tests.loaders import Shown

Loader = Callable[[Path], Shown]


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def logger(memory: Memory, tmp_path: Path) -> MetricsLogger:
    return MetricsLogger("run", tmp_path, writers=[memory], clock=lambda: 7.0)


def pixels(memory: Memory) -> np.ndarray:
    *_, value = (one.value for one in memory.written if isinstance(one.value, Image))
    (only,) = value.pixels
    return np.asarray(only)


class TestMetrics:
    def test_numbers_are_logged_under_their_step_with_the_prefix(
        self, logger: MetricsLogger, memory: Memory
    ) -> None:
        logger.log_metrics({"loss": torch.tensor(0.5), "lr": 0.1}, step=3, prefix="train/")
        logger.close()
        assert memory.scalars() == {"train/loss": [(3, 0.5)], "train/lr": [(3, 0.1)]}
        assert memory.written[0].wall_time == 7.0

    def test_without_a_step_each_call_takes_the_next(
        self, logger: MetricsLogger, memory: Memory
    ) -> None:
        for loss in (3.0, 2.0):
            logger.log_metrics({"loss": loss})
        logger.log_metrics({"loss": 1.0}, step=10)
        logger.log_text("note", "at the current step")
        logger.log_metrics({"lr": 1.0})
        logger.log_metrics({"lr": 0.5})
        logger.close()
        assert memory.scalars() == {
            "loss": [(0, 3.0), (1, 2.0), (10, 1.0)],
            "lr": [(10, 1.0), (11, 0.5)],
        }
        assert [item.step for item in memory.written if isinstance(item.value, Text)] == [10]

    @pytest.mark.parametrize("step", [4, None])
    def test_what_is_held_back_is_written_with_the_call_that_commits(
        self, logger: MetricsLogger, memory: Memory, step: int | None
    ) -> None:
        loss = torch.tensor(1.0)
        logger.log_metrics({"loss": loss, "lr": 0.1}, step=step, commit=False)
        loss += 1
        logger.flush()
        assert memory.written == []
        logger.log_metrics({"lr": 0.2}, step=step)
        logger.close()
        at = step or 0
        assert memory.scalars() == {"loss": [(at, 1.0)], "lr": [(at, 0.2)]}

    def test_what_is_held_back_is_not_lost_when_another_step_comes_or_the_run_ends(
        self, logger: MetricsLogger, memory: Memory
    ) -> None:
        logger.log_metrics({"a": 1.0}, step=1, commit=False)
        logger.log_metrics({"b": 2.0}, step=2)
        logger.log_metrics({"a": 3.0}, step=3, commit=False)
        logger.close()
        assert memory.scalars() == {"a": [(1, 1.0), (3, 3.0)], "b": [(2, 2.0)]}

    @pytest.mark.parametrize(
        ("number", "error", "message"),
        [
            (np.ones(3), ValueError, r"array of shape \(3,\); log its mean"),
            (torch.ones(1), ValueError, r"array of shape \(1,\)"),
            (jnp.ones((2, 2)), ValueError, r"array of shape \(2, 2\)"),
            ("0.5", TypeError, "expected a number for 'loss', got str"),
            (None, TypeError, "got NoneType"),
            ([0.5], TypeError, "got list"),
        ],
    )
    def test_what_is_not_one_number_is_refused_at_the_call(
        self, logger: MetricsLogger, number: Any, error: type[Exception], message: str
    ) -> None:
        with pytest.raises(error, match=message):
            logger.log_metrics({"loss": number})
        with pytest.raises(error, match=message):
            logger.accumulate_metrics({"loss": number})
        logger.close()

    def test_a_value_inside_jit_is_refused_with_the_way_out(self, logger: MetricsLogger) -> None:
        def step(x: jax.Array) -> jax.Array:
            logger.log_metrics({"loss": x})
            return x

        with pytest.raises(ValueError, match="return it from the transformed function"):
            jax.jit(step)(jnp.float32(1))
        logger.close()

    @pytest.mark.parametrize("tag", ["", "/loss", "lo\nss"])
    def test_an_illegal_tag_is_refused_at_the_call(self, logger: MetricsLogger, tag: str) -> None:
        for log in (logger.log_text, logger.log_histogram, logger.log_image):
            with pytest.raises(ValueError, match=r"expected a tag .*; use "):
                log(tag, "text")
        with pytest.raises(ValueError, match="expected a tag"):
            logger.log_metrics({tag: 1.0})
        logger.close()

    @pytest.mark.parametrize("step", [1.0, "3", torch.tensor(3), np.array(3)])
    def test_a_step_that_is_no_integer_is_refused(self, logger: MetricsLogger, step: Any) -> None:
        with pytest.raises(TypeError, match="expected a step that is an integer"):
            logger.log_metrics({"loss": 1.0}, step=step)
        logger.close()

    def test_accumulated_metrics_are_means_on_their_device(
        self, logger: MetricsLogger, memory: Memory
    ) -> None:
        for loss in (1.0, 2.0, 6.0):
            logger.accumulate_metrics({"loss": torch.tensor(loss), "jax": jnp.float32(loss)})
        logger.accumulate_metrics({"once": 4})
        logger.log_accumulated_metrics(step=9, prefix="epoch/")
        logger.log_accumulated_metrics(step=10, prefix="epoch/")
        logger.close()
        assert memory.scalars() == {
            "epoch/loss": [(9, 3.0)],
            "epoch/jax": [(9, 3.0)],
            "epoch/once": [(9, 4.0)],
        }


class TestPictures:
    def test_a_figure_is_drawn_without_pyplot_and_keeps_its_canvas(
        self, logger: MetricsLogger, memory: Memory
    ) -> None:
        figure = Figure(figsize=(2, 1), dpi=50)
        canvas = figure.canvas
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.imshow(np.zeros((2, 4)), cmap="gray")
        logger.log_image("figure", figure)
        figure.clear()
        logger.close()
        assert pixels(memory).shape == (50, 100, 3)
        assert pixels(memory)[25, 50].tolist() == [0, 0, 0]
        assert figure.canvas is canvas

    def test_pictures_of_any_kind_make_a_grid(self, logger: MetricsLogger, memory: Memory) -> None:
        picture = PilImage.new("RGB", (6, 5), (9, 9, 9))
        mixed = [np.zeros((5, 6)), picture, torch.ones(3, 5, 6), jnp.zeros((5, 6, 3))]
        logger.log_images("mixed", mixed)
        logger.close()
        assert pixels(memory).shape == (2 * 5 + GAP, 2 * 6 + GAP, 3)
        assert pixels(memory)[0, 6 + GAP].tolist() == [9, 9, 9]

    def test_captions_stand_below(self, logger: MetricsLogger, memory: Memory) -> None:
        logger.log_image("one", np.zeros((8, 80)), caption="cat")
        logger.flush()
        assert pixels(memory).shape[0] == 8 + LINE_HEIGHT
        logger.log_images("many", np.zeros((2, 3, 8, 80)), captions=["cat", "dog"])
        logger.close()
        assert pixels(memory).shape == (8 + LINE_HEIGHT, 160 + GAP, 3)

    def test_a_layout_settles_what_the_shape_cannot(
        self, logger: MetricsLogger, memory: Memory
    ) -> None:
        with pytest.raises(ValueError, match="say which with layout="):
            logger.log_image("i", np.zeros((3, 9, 3)))
        logger.log_image("i", np.zeros((3, 9, 3)), layout="CHW")
        logger.flush()
        assert pixels(memory).shape == (9, 3, 3)
        logger.log_images("j", np.zeros((2, 9, 3)), layout="HW")
        logger.close()
        assert pixels(memory).shape == (9, 6 + GAP, 1)

    @pytest.mark.parametrize(
        ("images", "message"),
        [
            (np.zeros((3, 8, 8)), "log one with log_image"),
            ([], "at least one picture"),
            (np.zeros((0, 3, 8, 8)), "at least one picture"),
            ([np.zeros((8, 8, 7))], "axes HW, HWC or CHW"),
            (np.zeros((2, 8, 8, 3), np.int64), "convert them to uint8"),
        ],
    )
    def test_what_is_no_set_of_pictures_is_refused_at_the_call(
        self, logger: MetricsLogger, images: Any, message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            logger.log_images("i", images)
        logger.close()

    def test_what_is_no_picture_and_what_is_no_array_is_refused_at_the_call(
        self, logger: MetricsLogger
    ) -> None:
        with pytest.raises(TypeError, match="expected a picture for 'i', got str"):
            logger.log_image("i", "picture.png")
        for values in (None, 0.5, "text"):
            with pytest.raises(TypeError, match="expected an array for 'h'"):
                logger.log_histogram("h", values)
        with pytest.raises(TypeError, match="expected a text, got int"):
            logger.log_text("t", 3)  # type: ignore[arg-type]
        logger.close()

    def test_captions_must_be_as_many_as_pictures(self, logger: MetricsLogger) -> None:
        with pytest.raises(ValueError, match=r"expected 1 pictures for 'i', got 2"):
            logger.log_images("i", np.zeros((2, 3, 8, 8)), captions=["a"])
        logger.close()

    def test_floats_outside_the_range_are_an_error_that_training_survives(
        self, logger: MetricsLogger, memory: Memory, capsys: pytest.CaptureFixture[str]
    ) -> None:
        logger.log_image("i", np.full((8, 8), 255.0))
        logger.log_metrics({"loss": 1.0})
        with pytest.raises(ValueError, match="log uint8 from 0 to 255"):
            logger.close()
        assert memory.scalars() == {"loss": [(0, 1.0)]}
        assert "training goes on" in capsys.readouterr().err


class TestModels:
    def test_a_torch_module_gives_a_histogram_for_each_parameter(
        self, logger: MetricsLogger, memory: Memory
    ) -> None:
        model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Linear(3, 1))
        model[0](torch.ones(2)).sum().backward()
        expected = model[0].weight.detach().clone()
        logger.log_model_weights(model, step=1)
        logger.log_model_gradients(model, step=1)
        with torch.no_grad():
            model[0].weight.zero_()
        logger.close()
        values = {item.tag: item.value for item in memory.written}
        assert list(values) == [
            "weights/0.weight",
            "weights/0.bias",
            "weights/1.weight",
            "weights/1.bias",
            "gradients/0.weight",
            "gradients/0.bias",
            RUN_END_TAG,
        ]
        weights = values["weights/0.weight"]
        assert isinstance(weights, Histogram)
        np.testing.assert_array_equal(weights.values.rows, bucketize(expected).rows)

    def test_nested_arrays_are_named_with_dots(self, logger: MetricsLogger, memory: Memory) -> None:
        logger.log_model_weights({"dense": {"kernel": jnp.ones(3)}, ("a", "b"): np.ones(2)})
        logger.log_model_gradients({"dense": {"kernel": jnp.ones(3), "frozen": None}})
        logger.close()
        tags = [item.tag for item in memory.written]
        assert tags[:-1] == ["weights/dense.kernel", "weights/a.b", "gradients/dense.kernel"]

    def test_what_is_no_model_is_refused(self, logger: MetricsLogger) -> None:
        with pytest.raises(TypeError, match="got list"):
            logger.log_model_weights([np.ones(2)])
        logger.close()


class TestRun:
    def test_the_configuration_is_written_once_as_a_table(
        self, tmp_path: Path, read_loader: Loader
    ) -> None:
        config = {"model": {"width": 64, "name": "a|b"}, "lr": 0.1, "empty": {}}
        with MetricsLogger("run", tmp_path, config) as logger:
            for step in range(3):
                logger.log_metrics({"loss": 1.0}, step=step)
        ((step, text),) = read_loader(tmp_path).series["run"]["run/config"]
        assert step == 0
        assert text.tolist()[0].decode().splitlines() == [
            "| key | value |",
            "| --- | --- |",
            "| model.width | 64 |",
            "| model.name | a\\|b |",
            "| lr | 0.1 |",
            "| empty | {} |",
        ]

    def test_the_configuration_is_there_even_if_nothing_else_is(self, tmp_path: Path) -> None:
        memory = Memory()
        logger = MetricsLogger("run", tmp_path, {"lr": 0.1}, writers=[memory])
        logger.flush()
        assert [item.tag for item in memory.written] == ["run/config"]
        logger.close()

    def test_a_resumed_run_goes_on_at_the_next_step(
        self, tmp_path: Path, read_loader: Loader
    ) -> None:
        with MetricsLogger("run", tmp_path, {"lr": 0.1}) as logger:
            for step in range(8):
                logger.log_metrics({"loss": float(step)}, step=step)
        with MetricsLogger("run", tmp_path, {"lr": 0.1}, resume_step=4) as logger:
            assert logger.run_dir == tmp_path / "run"
            for _ in range(2):
                logger.log_metrics({"loss": 100.0})
        shown = read_loader(tmp_path)
        assert shown.series["run"]["loss"] == [
            *((step, float(step)) for step in range(5)),
            (5, 100.0),
            (6, 100.0),
        ]
        assert shown.steps("run/config", "run") == [0, 5]

    def test_a_run_that_a_script_continues_by_itself_keeps_its_past(
        self, tmp_path: Path, read_loader: Loader
    ) -> None:
        for steps in (range(4), range(4, 7)):
            with MetricsLogger("run", tmp_path, {"lr": 0.1}) as logger:
                for step in steps:
                    logger.log_metrics({"loss": float(step)}, step=step)
        assert read_loader(tmp_path).steps("loss", "run") == list(range(7))

    def test_extra_writers_stand_beside_the_files(self, tmp_path: Path, memory: Memory) -> None:
        with MetricsLogger("run", tmp_path, extra_writers=[memory]) as logger:
            logger.log_metrics({"loss": 1.0})
        assert memory.scalars() == {"loss": [(0, 1.0)]}
        assert len(list((tmp_path / "run").iterdir())) == 1

    def test_without_any_writer_logging_costs_a_call_and_writes_nothing(
        self, tmp_path: Path
    ) -> None:
        with MetricsLogger("run", tmp_path, use_tensorboard=False) as logger:
            logger.log_metrics({"loss": 1.0})
        assert list(tmp_path.iterdir()) == []

    def test_logging_after_close_is_an_error_that_says_what_to_do(
        self, logger: MetricsLogger
    ) -> None:
        logger.close()
        logger.close()
        for log in (
            lambda: logger.log_metrics({"loss": 1.0}),
            lambda: logger.log_text("note", "late"),
        ):
            with pytest.raises(RuntimeError, match="log before close"):
                log()

    def test_an_exception_closes_the_logger_and_is_not_hidden_by_an_error_of_the_logger(
        self, logger: MetricsLogger, memory: Memory, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def train() -> None:
            with logger:
                logger.log_metrics({"loss": 1.0}, step=1)
                logger.log_image("i", np.full((8, 8), 2.0))
                raise KeyError("the training's own error")

        with pytest.raises(KeyError, match="own error") as raised:
            train()
        assert "while logging: ValueError: expected pixels" in raised.value.__notes__[0]
        assert memory.scalars() == {"loss": [(1, 1.0)]}

    def test_a_log_directory_without_write_permission_is_one_clear_sentence(self) -> None:
        program = (
            "import os, sys\n"
            "from sightline.logger import MetricsLogger\n"
            "if os.geteuid() == 0:\n"  # root may write anywhere
            "    os.seteuid(65534)\n"
            "MetricsLogger('run', sys.argv[1])\n"
        )
        with tempfile.TemporaryDirectory() as shared:
            Path(shared).chmod(0o555)
            answer = subprocess.run(
                [sys.executable, "-c", program, shared], capture_output=True, text=True, check=False
            )
        assert answer.stderr.splitlines()[-1] == (
            "PermissionError: expected a log directory that can be written, got "
            f"{shared}/run: permission denied; choose another one or change its permissions"
        )


def test_the_caller_waits_for_no_device(
    logger: MetricsLogger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a CPU no transfer can be seen; that no value is asked for can."""
    for module in (scalars, binning):
        monkeypatch.setattr(module, "HOSTS", frozenset())

    class Watched(torch.Tensor):
        asked: bool = False

        @classmethod
        def __torch_function__(
            cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if getattr(func, "__name__", "") in {"item", "tolist", "cpu", "numpy", "__float__"}:
                Watched.asked = True
            return super().__torch_function__(func, types, args, kwargs or {})

    loss = torch.tensor(0.5).as_subclass(Watched)
    many = torch.ones(10).as_subclass(Watched)
    with jax.transfer_guard("disallow"):
        logger.log_metrics({"loss": loss})
        logger.accumulate_metrics({"loss": loss})
        assert not Watched.asked
        logger.log_histogram("many", many)
    logger.close()
