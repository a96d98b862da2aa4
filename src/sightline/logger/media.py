"""Logging what is looked at and listened to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sightline.logger.run import Run
from sightline.writers import Audio, Drawing, Image, Video
from sightline.writers.checks import check_picture, check_set_of_pictures
from sightline.writers.frameworks import is_figure
from sightline.writers.pixels import rasterize
from sightline.writers.shapes import check_clip, check_sound


class LogsMedia(Run):
    """The part of a logger that takes pictures, moving pictures and sounds."""

    def log_image(
        self,
        name: str,
        image: Any,
        step: int | None = None,
        caption: str | None = None,
        *,
        layout: str | None = None,
    ) -> None:
        """Log a picture.

        A figure is drawn here and now, for it may be part of pyplot, which is not thread-safe;
        `log_drawing` draws in the worker, where everything else about a picture happens. Whether
        floats lie within 0 to 1 shows only there: one that does not is a logging error, for
        `flush` and `close` to raise.

        Args:
            name: Its tag.
            image: An array of NumPy, torch or JAX as uint8, or floating from 0 to 1; a PIL image;
                or a Matplotlib figure.
            step: Its step; None for the current one.
            caption: A line below it.
            layout: Axes of an array: "HW", "HWC" or "CHW". By default, of three axes the first or
                the last is the channel, whichever alone has 1, 3 or 4 entries.
        """
        self._log_pictures(name, (image,), step, None if caption is None else (caption,), layout)

    def log_drawing(
        self,
        name: str,
        draw: Callable[..., Any],
        *arrays: Any,
        step: int | None = None,
        caption: str | None = None,
    ) -> None:
        """Log a figure that the worker draws of some arrays, so that the caller does not wait.

        Args:
            name: Its tag.
            draw: Takes the arrays as NumPy arrays on the host, and returns a new
                `matplotlib.figure.Figure`, as those of `sightline.figures` do; not one of pyplot,
                which is not thread-safe. What it raises is a logging error, for `flush` and `close`
                to raise.
            *arrays: Arrays of NumPy, torch or JAX, kept as they are now.
            step: Its step; None for the current one.
            caption: A line below it.
        """
        self._check_tag(name)
        self._log({name: Drawing(draw, arrays, caption)}, step)

    def log_images(
        self,
        name: str,
        images: Any,
        step: int | None = None,
        captions: Sequence[str] | None = None,
        *,
        layout: str | None = None,
        is_grid: bool = True,
    ) -> None:
        """Log several pictures, as one in a grid, or beside each other.

        Args:
            name: Its tag.
            images: A sequence of what `log_image` takes, of any sizes, or one array of four axes,
                the first of which counts pictures; of three with `layout="HW"`.
            step: Its step; None for the current one.
            captions: A line below each.
            layout: Axes of one picture: "HW", "HWC" or "CHW"; by default as in `log_image`.
            is_grid: Draw them as one. Otherwise they are samples of one step, all of one size.
        """
        if not hasattr(images, "shape"):
            images = tuple(images)
        check_set_of_pictures(name, images, captions, layout)
        self._log_pictures(
            name, images, step, None if captions is None else tuple(captions), layout, is_grid
        )

    def log_video(
        self,
        name: str,
        frames: Any,
        step: int | None = None,
        caption: str | None = None,
        *,
        fps: float = 4,
        layout: str | None = None,
    ) -> None:
        """Log a clip, which plays for ever where TensorBoard shows images.

        It is kept as a GIF of at most 256 colours. Figures are drawn here and now; whether floats
        lie within 0 to 1 shows in the worker, as for `log_image`.

        Args:
            name: Its tag.
            frames: An array of NumPy, torch or JAX of three axes, of which the first counts grey
                frames, or of four: frames of height, width and channels, or of channels, height
                and width; as uint8, or floating from 0 to 1. Or a sequence of what `log_image`
                takes, all of one size.
            step: Its step; None for the current one.
            caption: A line below it.
            fps: Frames a second, at most 50.
            layout: Axes of one frame: "HW", "HWC" or "CHW"; by default as in `log_image`.
        """
        self._check_tag(name)
        if not hasattr(frames, "shape"):
            frames = tuple(rasterize(one) if is_figure(one) else one for one in frames)
        check_clip(name, frames, layout)
        self._log({name: Video(frames, fps, layout, caption)}, step)

    def log_audio(
        self,
        name: str,
        samples: Any,
        step: int | None = None,
        *,
        sample_rate: int,
        layout: str | None = None,
    ) -> None:
        """Log a sound.

        It is kept as a WAV of 16 bits. Whether floats lie within -1 to 1 shows in the worker: one
        that does not is a logging error, for `flush` and `close` to raise.

        Args:
            name: Its tag.
            samples: An array of NumPy, torch or JAX, floating from -1 to 1 or int16; of one axis,
                or with a second one for 1 or 2 channels.
            step: Its step; None for the current one.
            sample_rate: Samples a second.
            layout: Axes: "T", "TC" or "CT". By default, of two axes the one with 1 or 2 entries is
                the channel.
        """
        self._check_tag(name)
        check_sound(name, samples, sample_rate, layout)
        self._log({name: Audio(samples, sample_rate, layout)}, step)

    def _log_pictures(
        self,
        name: str,
        images: Any,
        step: int | None,
        captions: tuple[str, ...] | None,
        layout: str | None,
        is_grid: bool = True,
    ) -> None:
        self._check_tag(name)
        if not hasattr(images, "shape"):
            images = tuple(rasterize(one) if is_figure(one) else one for one in images)
        for picture in images[:1] if hasattr(images, "shape") else images:
            check_picture(name, picture, layout)
        self._log({name: Image(images, captions, layout, is_grid)}, step)
