"""Sound, as TensorBoard's audio plugin plays it."""

from __future__ import annotations

import wave
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from sightline.events.messages import DataClass, Metadata, Value
from sightline.events.tensors import DType, Tensor
from sightline.events.wire import varint_field

ENCODING, WAV = 2, 11


def encode_wav(samples_TC: NDArray[np.int16], sample_rate: int) -> bytes:
    """A sound as a WAV file.

    Args:
        samples_TC: int16 array of shape (time, channels), with 1 or 2 channels.
        sample_rate: Samples a second.

    Returns:
        The file, 16 bits a sample.

    Example:
        >>> encode_wav(np.zeros((3, 1), np.int16), sample_rate=8000)[:4]
        b'RIFF'
    """
    file = BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(samples_TC.shape[1])
        out.setsampwidth(2)
        out.setframerate(sample_rate)
        out.writeframes(samples_TC.astype("<i2").tobytes())
    return file.getvalue()


def audio_value(tag: str, wav: bytes, *, description: str = "") -> Value:
    """A sound.

    Args:
        tag: Its name.
        wav: A WAV file.
        description: Markdown behind the info icon.

    Returns:
        A value for the plugin `audio`.
    """
    tensor = Tensor(DType.STRING, (1,), strings=(wav,))
    content = varint_field(ENCODING, WAV)
    metadata = Metadata("audio", DataClass.BLOB_SEQUENCE, description, content=content)
    return Value(tag, tensor=tensor, metadata=metadata)
