"""Pictures, clips and sounds, from the logger to TensorBoard's two loaders."""

from __future__ import annotations

import threading
import wave
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from matplotlib.figure import Figure
from PIL import Image as PilImage
from PIL import ImageSequence

from sightline.logger import MetricsLogger
from sightline.writers import Audio, Image, Memory, Video
from sightline.writers.grid import LINE_HEIGHT
from tests.loaders import Shown, read_python

Loader = Callable[[Path], Shown]

GENERATOR = np.random.default_rng(0)
CLIP = GENERATOR.integers(0, 2, (3, 5, 7, 3), dtype=np.uint8) * np.uint8(255)
SOUND = GENERATOR.integers(-(2**15) + 1, 2**15, (50, 2), dtype=np.int16)


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def logger(memory: Memory, tmp_path: Path) -> MetricsLogger:
    return MetricsLogger("run", tmp_path, writers=[memory])


def gif_frames(gif: bytes) -> tuple[np.ndarray, list[int]]:
    frames = ImageSequence.Iterator(PilImage.open(BytesIO(gif)))
    shown = [(np.asarray(frame.convert("RGB")), frame.info["duration"]) for frame in frames]
    return np.stack([pixels for pixels, _ in shown]), [duration for _, duration in shown]


def wav_samples(wav: bytes) -> tuple[np.ndarray, int]:
    with wave.open(BytesIO(wav)) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
        return samples.reshape(-1, sound.getnchannels()), sound.getframerate()


def clip(memory: Memory) -> np.ndarray:
    *_, value = (one.value for one in memory.written if isinstance(one.value, Video))
    return value.frames


def sound(memory: Memory) -> np.ndarray:
    *_, value = (one.value for one in memory.written if isinstance(one.value, Audio))
    return value.samples


class TestSamples:
    @pytest.mark.parametrize("num_samples", [1, 3])
    def test_pictures_of_one_step_stand_beside_each_other(
        self, tmp_path: Path, read_loader: Loader, num_samples: int
    ) -> None:
        pictures = GENERATOR.integers(0, 256, (2, num_samples, 5, 6, 3), dtype=np.uint8)
        with MetricsLogger("run", tmp_path) as logger:
            for step, batch in enumerate(pictures):
                logger.log_images("samples", batch, step=step, is_grid=False)
        shown = read_loader(tmp_path)
        assert shown.plugins["run"] == {"samples": "images"}
        for step, blobs in shown.series["run"]["samples"]:
            assert isinstance(blobs, list)
            width, height, *pngs = blobs
            assert (width, height) == (b"6", b"5")
            decoded = [np.asarray(PilImage.open(BytesIO(png))) for png in pngs]
            np.testing.assert_array_equal(decoded, pictures[step])

    def test_samples_of_two_sizes_are_an_error_that_says_what_to_do(
        self, logger: MetricsLogger
    ) -> None:
        logger.log_images("i", [np.zeros((2, 2)), np.zeros((3, 2))], is_grid=False)
        with pytest.raises(ValueError, match="resize them, or draw them as a grid"):
            logger.close()


class TestVideo:
    def test_a_loader_shows_a_clip_as_a_gif_that_plays(
        self, tmp_path: Path, read_loader: Loader
    ) -> None:
        with MetricsLogger("run", tmp_path, describe=lambda tag: f"about {tag}") as logger:
            for step in range(2):
                logger.log_video("clip", CLIP[:: 1 - 2 * step], step=step, fps=8)
        shown = read_loader(tmp_path)
        assert shown.plugins["run"] == {"clip": "images"}
        assert shown.descriptions["run"] == {"clip": "about clip"}
        for step, blobs in shown.series["run"]["clip"]:
            assert isinstance(blobs, list)
            width, height, gif = blobs
            assert (width, height) == (b"7", b"5")
            frames, durations = gif_frames(gif)
            np.testing.assert_array_equal(frames, CLIP[:: 1 - 2 * step])
            assert durations == [130, 120, 130]

    @pytest.mark.parametrize(
        ("frames", "layout"),
        [
            (CLIP, None),
            (CLIP.transpose(0, 3, 1, 2), None),
            (CLIP / 255, None),
            ((CLIP / 255).astype(np.float32).transpose(0, 3, 1, 2), "CHW"),
            (torch.from_numpy(CLIP), None),
            (torch.from_numpy(CLIP / 255).to(torch.bfloat16), None),
            (jnp.asarray(CLIP), "HWC"),
            (list(CLIP), None),
            ([PilImage.fromarray(frame) for frame in CLIP], None),
            ([CLIP[0], torch.from_numpy(CLIP[1]), PilImage.fromarray(CLIP[2])], None),
        ],
    )
    def test_a_clip_of_any_kind_gives_the_same_frames(
        self, logger: MetricsLogger, memory: Memory, frames: Any, layout: str | None
    ) -> None:
        logger.log_video("v", frames, layout=layout)
        logger.close()
        np.testing.assert_array_equal(clip(memory), CLIP)

    def test_three_axes_are_grey_frames(self, logger: MetricsLogger, memory: Memory) -> None:
        logger.log_video("v", CLIP[..., 0])
        logger.close()
        np.testing.assert_array_equal(clip(memory), CLIP[..., :1])

    def test_figures_are_drawn_at_the_call(self, logger: MetricsLogger, memory: Memory) -> None:
        figures = [Figure(figsize=(2, 1), dpi=50) for _ in range(2)]
        figures[1].add_axes((0, 0, 1, 1)).set_axis_off()
        figures[1].axes[0].imshow(np.zeros((2, 4)), cmap="gray")
        logger.log_video("v", figures)
        figures[1].clear()
        logger.close()
        assert clip(memory).shape == (2, 50, 100, 3)
        assert clip(memory)[:, 25, 50].tolist() == [[255] * 3, [0] * 3]

    def test_a_caption_stands_below_every_frame(
        self, logger: MetricsLogger, memory: Memory
    ) -> None:
        logger.log_video("v", np.zeros((2, 8, 80)), caption="cat")
        logger.close()
        assert clip(memory).shape == (2, 8 + LINE_HEIGHT, 80, 1)
        assert (clip(memory)[:, 8:] == 0).any(axis=(1, 2, 3)).all()

    def test_a_later_change_in_place_alters_nothing(
        self, logger: MetricsLogger, memory: Memory
    ) -> None:
        frames = np.zeros((2, 4, 4), np.uint8)
        logger.log_video("v", frames)
        frames += 1
        logger.close()
        assert clip(memory).max() == 0

    @pytest.mark.parametrize(
        ("frames", "options", "message"),
        [
            (np.zeros((2, 3, 4, 4, 3)), {}, "log each clip under a tag of its own"),
            (np.zeros((8, 8)), {}, "expected frames of axes THW, THWC or TCHW"),
            (np.zeros((2, 8, 8, 7)), {}, "axes HW, HWC or CHW"),
            (np.zeros((2, 3, 8, 3)), {}, "say which with layout="),
            ([], {}, "at least one frame for 'v'"),
            (np.zeros((0, 8, 8)), {}, "at least one frame for 'v'"),
            (np.zeros((2, 8, 8), np.int64), {}, "convert them to uint8"),
            (CLIP, {"fps": 60}, "expected 0.01 to 50 frames a second, got 60"),
            (CLIP, {"fps": 0}, "frames a second, got 0"),
            (CLIP, {"fps": float("nan")}, "frames a second, got nan"),
        ],
    )
    def test_what_is_no_clip_is_refused_at_the_call(
        self, logger: MetricsLogger, frames: Any, options: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            logger.log_video("v", frames, **options)
        logger.close()

    @pytest.mark.parametrize(
        ("frames", "message"),
        [
            (CLIP.astype(np.float32), "expected pixels from 0 to 1.*scale or clip them"),
            ([np.zeros((2, 2)), np.zeros((3, 2))], r"frames of one size.*resize them"),
        ],
    )
    def test_what_shows_in_the_worker_only_is_an_error_at_close(
        self, logger: MetricsLogger, frames: Any, message: str
    ) -> None:
        logger.log_video("v", frames)
        with pytest.raises(ValueError, match=message):
            logger.close()


class TestAudio:
    @pytest.mark.parametrize("num_channels", [1, 2])
    def test_a_loader_plays_every_sample(
        self, tmp_path: Path, read_loader: Loader, num_channels: int
    ) -> None:
        with MetricsLogger("run", tmp_path, describe=lambda tag: f"about {tag}") as logger:
            for step in range(2):
                logger.log_audio("a", SOUND[step:, :num_channels], step=step, sample_rate=16_000)
        shown = read_loader(tmp_path)
        assert shown.plugins["run"] == {"a": "audio"}
        assert shown.descriptions["run"] == {"a": "about a"}
        assert shown.steps("a", "run") == [0, 1]
        for step, blobs in shown.series["run"]["a"]:
            assert isinstance(blobs, list)  # of blobs, where the page looks for them; no tensor
            (wav,) = blobs
            samples, sample_rate = wav_samples(wav)
            assert sample_rate == 16_000
            np.testing.assert_array_equal(samples, SOUND[step:, :num_channels])

    @pytest.mark.parametrize(
        ("samples", "layout"),
        [
            (SOUND, None),
            (SOUND.T, None),
            (SOUND.T, "CT"),
            (SOUND / 32767, None),
            (torch.from_numpy(SOUND), "TC"),
            (torch.from_numpy(SOUND / 32767).T, None),
            (jnp.asarray(SOUND), None),
        ],
    )
    def test_a_sound_of_any_kind_gives_the_same_samples(
        self, logger: MetricsLogger, memory: Memory, samples: Any, layout: str | None
    ) -> None:
        logger.log_audio("a", samples, sample_rate=8000, layout=layout)
        logger.close()
        np.testing.assert_array_equal(sound(memory), SOUND)

    @given(hnp.arrays(np.float32, st.integers(3, 30), elements=st.floats(-1, 1, width=32)))
    def test_floats_keep_their_value_to_half_a_step_of_sixteen_bits(
        self, samples: np.ndarray
    ) -> None:
        value = Audio(samples, 8000).on_host()
        np.testing.assert_allclose(value.samples[:, 0] / 32767, samples, atol=0.5001 / 32767)

    def test_full_scale_and_half_precision_are_within_the_range(
        self, logger: MetricsLogger, memory: Memory
    ) -> None:
        logger.log_audio("a", torch.tensor([1.0, -1.0, 0.0]).bfloat16(), sample_rate=8000)
        logger.close()
        assert sound(memory)[:, 0].tolist() == [32767, -32767, 0]

    @pytest.mark.parametrize(
        ("samples", "options", "message"),
        [
            (np.zeros((2, 2)), {}, 'say which with layout="TC" or layout="CT"'),
            (np.zeros((5, 6)), {}, "axes T, TC or CT and 1 or 2 channels"),
            (np.zeros((1, 2, 50)), {}, "log each sound under a tag of its own"),
            (np.zeros(0), {}, "expected samples with axes"),
            (np.zeros((50, 2)), {"layout": "CT"}, "expected samples with axes CT"),
            (np.zeros(50), {"layout": "HW"}, "expected layout T, TC or CT"),
            (np.zeros(50, np.int32), {}, "got int32; scale them to floats"),
            (np.zeros(50), {"sample_rate": 0}, "a positive integer of samples a second"),
            (np.zeros(50), {"sample_rate": 8000.5}, "got 8000.5"),
        ],
    )
    def test_what_is_no_sound_is_refused_at_the_call(
        self, logger: MetricsLogger, samples: Any, options: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            logger.log_audio("a", samples, **{"sample_rate": 8000, **options})
        logger.close()

    @pytest.mark.parametrize(
        ("worst", "got"), [(1.5, "0 to 1.5"), (-2.0, "-2 to 0"), (np.nan, "1 that are NaN")]
    )
    def test_floats_outside_the_range_are_an_error_at_close(
        self, logger: MetricsLogger, worst: float, got: str
    ) -> None:
        logger.log_audio("a", np.array([0.0, worst]), sample_rate=8000)
        with pytest.raises(ValueError, match=f"samples from -1 to 1.*got {got}; divide them"):
            logger.close()


@given(
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 3), st.integers(3, 5), st.integers(3, 5))),
    hnp.arrays(np.int16, st.tuples(st.integers(3, 9), st.integers(1, 2))),
)
def test_clips_and_sounds_round_trip(
    tmp_path_factory: pytest.TempPathFactory, frames: np.ndarray, samples: np.ndarray
) -> None:
    logdir = tmp_path_factory.mktemp("logs")
    with MetricsLogger("run", logdir) as logger:
        logger.log_video("v", frames)
        logger.log_audio("a", samples, sample_rate=8000)
    series = read_python(logdir).series["run"]
    np.testing.assert_array_equal(gif_frames(series["v"][0][1][2])[0][..., 0], frames)
    np.testing.assert_array_equal(wav_samples(series["a"][0][1][0])[0], samples)


def bars(*arrays: np.ndarray) -> Figure:
    figure = Figure(figsize=(2, 1), dpi=50)
    axes = figure.subplots()
    for values in arrays:
        axes.bar(range(len(values)), values)
    return figure


@pytest.mark.parametrize("module", [np, torch, jnp], ids=["numpy", "torch", "jax"])
def test_a_drawing_is_the_figure_of_the_arrays_as_they_were_drawn_by_the_worker(
    module: Any, logger: MetricsLogger, memory: Memory
) -> None:
    heights = module.asarray([1.0, 3.0, 2.0])
    threads: list[threading.Thread] = []

    def draw(*arrays: np.ndarray) -> Figure:
        threads.append(threading.current_thread())
        assert all(isinstance(array, np.ndarray) for array in arrays)
        return bars(*arrays)

    with logger:
        logger.log_image("figure", bars(np.array([1.0, 3.0, 2.0])), step=3)
        logger.log_drawing("drawing", draw, heights, step=3, caption=None)
        if module is not jnp:
            heights[:] = 0.0
    shown = {one.tag: one.value.pixels[0] for one in memory.written if isinstance(one.value, Image)}
    np.testing.assert_array_equal(shown["drawing"], shown["figure"])
    assert len(np.unique(shown["drawing"])) > 2
    assert threading.current_thread() not in threads


def test_a_drawing_that_fails_is_raised_at_the_end_and_stops_nothing(tmp_path: Path) -> None:
    def draw() -> Figure:
        raise RuntimeError("no ink")

    logger = MetricsLogger("run", tmp_path)
    logger.log_drawing("picture", draw, step=1)
    logger.log_metrics({"loss": 1.0}, step=1)
    with pytest.raises(Exception, match="no ink"):
        logger.close()
    assert read_python(tmp_path).series["run"]["loss"] == [(1, 1.0)]


def test_a_drawing_has_a_caption(logger: MetricsLogger, memory: Memory) -> None:
    heights = np.array([1.0, 2.0])
    with logger:
        logger.log_drawing("bare", bars, heights, step=1)
        logger.log_drawing("captioned", bars, heights, step=1, caption="two bars")
    bare, captioned = (one.value for one in memory.written if isinstance(one.value, Image))
    assert captioned.caption == "two bars"
    assert captioned.pixels[0].shape[0] > bare.pixels[0].shape[0]
