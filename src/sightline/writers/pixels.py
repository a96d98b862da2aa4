"""From anything that is a picture to 8-bit pixels, channels last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sightline.writers.frameworks import is_picture, to_numpy
from sightline.writers.grid import compose

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHANNELS = {1, 3, 4}
LAYOUTS = {"HW": 2, "HWC": 3, "CHW": 3}


def picture_layout(shape: tuple[int, ...], layout: str | None = None) -> str:
    """Which axis of a picture is which.

    Two axes are height and width. Of three, the one with 1, 3 or 4 entries is the channel, if it is
    the first or the last and only one of these is it.

    Args:
        shape: Shape of one picture.
        layout: "HW", "HWC" or "CHW", to be checked; None to go by the shape.

    Returns:
        The layout.

    Raises:
        ValueError: If the shape fits none, or two.

    Example:
        >>> picture_layout((3, 32, 32)), picture_layout((32, 32, 1))
        ('CHW', 'HWC')
        >>> picture_layout((3, 32, 3))
        Traceback (most recent call last):
        ValueError: expected a picture, got shape (3, 32, 3), which may be both HWC and CHW; \
say which with layout="HWC" or layout="CHW"
    """
    if layout is not None and layout not in LAYOUTS:
        raise ValueError(f"expected layout HW, HWC or CHW, got {layout!r}; use one of these")
    fitting = [
        name
        for name, num_axes in LAYOUTS.items()
        if num_axes == len(shape)
        and ("C" not in name or shape[name.index("C")] in CHANNELS)
        and 0 not in shape
    ]
    if layout in fitting:
        assert layout is not None
        return layout
    if layout is not None or not fitting:
        wanted = layout or "HW, HWC or CHW"
        raise ValueError(
            f"expected a picture with axes {wanted} and 1, 3 or 4 channels, got shape "
            f"{tuple(shape)}; reorder its axes, or log several pictures with log_images"
        )
    if len(fitting) > 1:
        raise ValueError(
            f"expected a picture, got shape {tuple(shape)}, which may be both HWC and CHW; "
            'say which with layout="HWC" or layout="CHW"'
        )
    return fitting[0]


def check_pixel_type(pixels: Any) -> None:
    """Refuse an array whose type says that it holds no pixels.

    Args:
        pixels: An array of NumPy, torch or JAX.

    Raises:
        ValueError: If it is neither uint8 nor bool nor floating.
    """
    name = str(pixels.dtype).removeprefix("torch.")
    if name not in {"uint8", "bool"} and not name.startswith(("float", "bfloat")):
        raise ValueError(
            f"expected pixels as uint8, or as floats from 0 to 1, got {name}; "
            "convert them to uint8 if they go from 0 to 255"
        )


def render(
    pixels: Any,
    caption: str | tuple[str, ...] | None = None,
    layout: str | None = None,
    *,
    is_grid: bool = True,
) -> tuple[tuple[NDArray[np.uint8], ...], str | None]:
    """Bring a picture, or several, to 8-bit pixels.

    Args:
        pixels: As in `Image`, on the host.
        caption: As in `Image`; drawn below.
        layout: As in `Image`.
        is_grid: Whether several become one.

    Returns:
        Arrays of one shape (height, width, channels), and the captions in one line.

    Raises:
        ValueError: If samples that are not drawn as a grid differ in size.
    """
    arrays = [to_pixels(picture, layout) for picture in pictures(pixels, layout)]
    captions = (caption,) if isinstance(caption, str) else caption
    line = None if captions is None else " | ".join(captions)
    if is_grid:
        return (compose(arrays, captions),), line
    each = [(one,) for one in captions] if captions else [None] * len(arrays)
    samples = tuple(compose([array], one) for array, one in zip(arrays, each, strict=True))
    sizes = {sample.shape for sample in samples}
    if len(sizes) > 1:
        raise ValueError(
            f"expected samples of one size, got {', '.join(map(str, sorted(sizes)))}; resize them, "
            "or draw them as a grid"
        )
    return samples, line


def rasterize(figure: Figure) -> NDArray[np.uint8]:
    """Draw a figure at its own size, whatever backend it was made for.

    Args:
        figure: The figure; its canvas stays as it was.

    Returns:
        uint8 array of shape (height, width, 3), or 4 where something is transparent.
    """
    from matplotlib.backends import backend_agg

    canvas_before = figure.canvas
    try:
        canvas: Any = backend_agg.FigureCanvasAgg(figure)
        canvas.draw()
        pixels = np.array(canvas.buffer_rgba(), dtype=np.uint8)
    finally:
        figure.set_canvas(canvas_before)
    return pixels if (pixels[..., 3] < 255).any() else np.ascontiguousarray(pixels[..., :3])


def pictures(pixels: Any, layout: str | None) -> tuple[Any, ...]:
    """The pictures that pixels hold: an axis more than a picture has counts pictures.

    Args:
        pixels: As in `Image`.
        layout: Axes of one picture, or None.

    Returns:
        One or several pictures.
    """
    if isinstance(pixels, list | tuple):
        return tuple(pixels)
    if is_picture(pixels):
        return (pixels,)
    num_axes = 3 if layout is None else LAYOUTS[layout]
    return tuple(pixels) if len(pixels.shape) > num_axes else (pixels,)


def to_pixels(picture: Any, layout: str | None = None) -> NDArray[np.uint8]:
    """Bring one picture to 8-bit pixels.

    Args:
        picture: An array of two or three axes, on the host, or a PIL image.
        layout: Axes of an array; None to go by the shape.

    Returns:
        uint8 array of shape (height, width, channels), channels 1, 3 or 4.
    """
    if is_picture(picture):
        mode = "L" if picture.mode in {"1", "L"} else "RGB"
        if picture.has_transparency_data:
            mode = "RGBA"
        converted: NDArray[np.uint8] = np.asarray(picture.convert(mode))
        return converted[..., None] if converted.ndim == 2 else converted
    array = to_numpy(picture)
    layout = picture_layout(array.shape, layout)
    check_pixel_type(array)
    if layout == "CHW":
        array = np.moveaxis(array, 0, -1)
    return _to_uint8(array[..., None] if layout == "HW" else array)


def _to_uint8(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    levels = np.rint(array.astype(np.float64) * 255)
    # Within half a level of the range, as resampling and rounding leave it, nothing is lost.
    if not ((levels >= 0) & (levels <= 255)).all():
        num_nan = int(np.isnan(array).sum())
        got = f"{num_nan} that are NaN" if num_nan else f"{array.min():.4g} to {array.max():.4g}"
        raise ValueError(
            f"expected pixels from 0 to 1 in a floating image, got {got}; scale or clip them "
            "before logging, or log uint8 from 0 to 255"
        )
    return levels.astype(np.uint8)
