from __future__ import annotations

import wave
from io import BytesIO

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sightline.events import encode_wav

sounds = hnp.arrays(np.int16, st.tuples(st.integers(1, 40), st.integers(1, 2)))


@given(sounds, st.integers(1, 192_000))
def test_a_sound_keeps_every_sample(samples: np.ndarray, sample_rate: int) -> None:
    with wave.open(BytesIO(encode_wav(samples, sample_rate))) as sound:
        assert sound.getframerate() == sample_rate
        assert sound.getsampwidth() == 2
        frames = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    np.testing.assert_array_equal(frames.reshape(samples.shape), samples)
