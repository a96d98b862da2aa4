from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageSequence

from sightline.events.videos import encode_gif, frame_durations_ms


def decoded(gif: bytes) -> tuple[np.ndarray, list[int]]:
    """Frames as RGB, and how long each is shown."""
    picture = Image.open(BytesIO(gif))
    assert picture.info["loop"] == 0
    frames = [
        (np.asarray(frame.convert("RGB")), frame.info["duration"])
        for frame in ImageSequence.Iterator(picture)
    ]
    return np.stack([pixels for pixels, _ in frames]), [duration for _, duration in frames]


clips = hnp.arrays(
    np.uint8,
    st.tuples(st.integers(1, 4), st.integers(1, 7), st.integers(1, 7), st.sampled_from([1, 3])),
)


@given(clips, st.floats(0.05, 50))
def test_a_clip_of_few_colours_keeps_every_pixel_and_every_frame(
    frames: np.ndarray, fps: float
) -> None:
    shown, durations = decoded(encode_gif(frames, fps))
    np.testing.assert_array_equal(shown, np.broadcast_to(frames, (*frames.shape[:3], 3)))
    assert durations == frame_durations_ms(len(frames), fps)


def test_a_frame_that_equals_the_one_before_stays_a_frame() -> None:
    frames = np.zeros((5, 4, 4, 3), np.uint8)
    frames[3:] = 200
    shown, durations = decoded(encode_gif(frames, fps=10))
    assert durations == [100] * 5
    np.testing.assert_array_equal(shown, frames)


@pytest.mark.parametrize("fps", [0.1, 3, 7, 24, 25, 29.97, 30, 50])
def test_a_clip_keeps_time_to_half_a_hundredth_of_a_second(fps: float) -> None:
    durations = frame_durations_ms(90, fps)
    ends = np.cumsum(durations)
    np.testing.assert_allclose(ends, 1000 * np.arange(1, 91) / fps, atol=5.001)
    assert min(durations) >= 20


def test_many_colours_share_one_palette_that_fits_the_whole_clip() -> None:
    y, x = np.mgrid[0:64, 0:64] * 4
    frames = np.stack([np.stack([x, y, np.full_like(x, 60 * t)], -1) for t in range(4)])
    gif = encode_gif(frames.astype(np.uint8), fps=4)
    shown, _ = decoded(gif)
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) <= 256
    error = np.sqrt(((shown.astype(float) - frames) ** 2).mean())
    assert error < 14  # 256 colours for a cube of 64 x 64 x 4: cells some 30 wide


def test_what_is_transparent_lies_on_white() -> None:
    frames = np.zeros((2, 2, 2, 4), np.uint8)
    frames[1, ..., 3] = 255
    shown, _ = decoded(encode_gif(frames, fps=4))
    assert shown[0].min() == 255
    assert shown[1].max() == 0
