"""What a training loop talks to."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sightline.events import check_tag
from sightline.writers import (
    Background,
    Fanout,
    Histogram,
    Image,
    Scalar,
    TensorBoard,
    Text,
    Value,
    Wandb,
    Writer,
)
from sightline.writers.checks import (
    check_array,
    check_picture,
    check_scalar,
    check_set_of_pictures,
    check_step,
)
from sightline.writers.frameworks import is_figure
from sightline.writers.means import RunningMeans
from sightline.writers.pixels import rasterize
from sightline.writers.snapshot import snapshot
from sightline.writers.tables import config_table, flatten


class MetricsLogger:
    """Logs metrics, images, histograms and texts of a run, at a cost too small to notice.

    Numbers may be Python's or 0-d arrays of NumPy, torch or JAX, of any precision and device. What
    is logged is kept as it is at the moment of the call; a worker thread takes it from the device,
    encodes and writes it. Something that cannot be written is reported once on stderr, training
    goes on, and `flush` or `close` raises the error.

    `step=None` stands for the current step, which is the last one logged to. `log_metrics` without
    a step moves on to the next one.

    Args:
        experiment_name: Name of the run.
        log_dir: Where runs lie; this one's files lie in `log_dir / experiment_name`.
        config: Written once, as a table under the tag `run/config`.
        use_wandb: Log to Weights & Biases too.
        use_tensorboard: Write TensorBoard's files.
        wandb_project: Project there.
        wandb_entity: User or team there.
        wandb_tags: Tags of the run there.
        writers: Writers in place of TensorBoard and Weights & Biases.
        extra_writers: Writers beside them.
        describe: Markdown for a tag, or None; TensorBoard shows it behind the info icon.
        resume_step: The run continues after this step: what an earlier session logged past it goes,
            and the current step is the next one.
        flush_secs: Longest time that a value waits before it is on its way to disk.
        clock: Seconds since 1970.

    Raises:
        OSError: If the log directory cannot be written.

    Example:
        >>> from sightline.writers import Memory
        >>> memory = Memory()
        >>> with MetricsLogger("demo", "runs", writers=[memory]) as logger:
        ...     for step in range(3):
        ...         logger.log_metrics({"loss": 1 / (1 + step)}, step=step, prefix="train/")
        >>> memory.scalars()["train/loss"][-1]
        (2, 0.3333333333333333)
    """

    def __init__(
        self,
        experiment_name: str,
        log_dir: str | Path,
        config: Mapping[str, Any] | None = None,
        use_wandb: bool = False,
        use_tensorboard: bool = True,
        wandb_project: str | None = None,
        wandb_entity: str | None = None,
        wandb_tags: Sequence[str] = (),
        *,
        writers: Sequence[Writer] | None = None,
        extra_writers: Sequence[Writer] = (),
        describe: Callable[[str], str | None] | None = None,
        resume_step: int | None = None,
        flush_secs: float = 1.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.run_dir = Path(log_dir) / experiment_name
        if writers is None:
            writers = []
            if use_tensorboard:
                writers.append(
                    TensorBoard(
                        self.run_dir, describe=describe, resume_step=resume_step, clock=clock
                    )
                )
            if use_wandb:
                Path(log_dir).mkdir(parents=True, exist_ok=True)
                writers.append(
                    Wandb(
                        project=wandb_project,
                        entity=wandb_entity,
                        tags=wandb_tags,
                        config=config,
                        name=experiment_name,
                        directory=log_dir,
                    )
                )
        self._writer = Background(Fanout([*writers, *extra_writers]), flush_secs=flush_secs)
        self._clock = clock
        self._step = 0 if resume_step is None else resume_step + 1
        self._legal_tags: set[str] = set()
        self._held: dict[str, Value] = {}
        self._means = RunningMeans()
        # Written with the first values, at their step: only they say where this session begins.
        self._preface: dict[str, Value] = (
            {"run/config": Text(config_table(config))} if config else {}
        )
        self._closed = False

    def log_metrics(
        self,
        metrics: Mapping[str, Any],
        step: int | None = None,
        prefix: str = "",
        commit: bool = True,
    ) -> None:
        """Log numbers under one step.

        Args:
            metrics: Number or 0-d array by name.
            step: Their step; None for the current one.
            prefix: What to put before each name: "train/" makes "loss" into "train/loss".
            commit: Write them, and what was held back for this step. False holds them back until
                the next call that commits, or logs to another step.
        """
        values: dict[str, Value] = {}
        for name, number in metrics.items():
            tag = self._checked(prefix + name if prefix else name)
            if type(number) is not float:
                check_scalar(tag, number)
            values[tag] = Scalar(number)
        at = self._go_to(step)
        if not commit:
            self._held |= snapshot(values)
            return
        held, self._held = self._held, {}
        self._write({**held, **values}, at)
        if step is None:
            self._step = at + 1

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

        A figure is drawn here and now, because Matplotlib is not thread-safe; everything else about
        a picture happens in the worker. Whether floats lie within 0 to 1 shows only there: one that
        does not is a logging error, for `flush` and `close` to raise.

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

    def log_images(
        self,
        name: str,
        images: Any,
        step: int | None = None,
        captions: Sequence[str] | None = None,
        *,
        layout: str | None = None,
    ) -> None:
        """Log several pictures as one, in a grid.

        Args:
            name: Its tag.
            images: A sequence of what `log_image` takes, of any sizes, or one array of four axes,
                the first of which counts pictures; of three with `layout="HW"`.
            step: Its step; None for the current one.
            captions: A line below each.
            layout: Axes of one picture: "HW", "HWC" or "CHW"; by default as in `log_image`.
        """
        if not hasattr(images, "shape"):
            images = tuple(images)
        check_set_of_pictures(name, images, captions, layout)
        self._log_pictures(
            name, images, step, None if captions is None else tuple(captions), layout
        )

    def log_histogram(self, name: str, values: Any, step: int | None = None) -> None:
        """Log how values are distributed.

        Args:
            name: Their tag.
            values: Array of real numbers, any shape. Those that are not finite are left out.
            step: Their step; None for the current one.
        """
        self._log_histograms("", {name: values}, step)

    def log_text(self, name: str, markdown: str, step: int | None = None) -> None:
        """Log a text.

        Args:
            name: Its tag.
            markdown: The text.
            step: Its step; None for the current one.

        Raises:
            TypeError: If it is not text.
        """
        if not isinstance(markdown, str):
            raise TypeError(
                f"expected a text for {name!r}, got {type(markdown).__name__}; pass it through str"
            )
        self._log({self._checked(name): Text(markdown)}, step)

    def log_model_weights(self, model: Any, step: int | None = None) -> None:
        """Log a histogram of each parameter, under `weights/<name>`.

        Args:
            model: A torch module, or arrays by name; nested names are joined by dots.
            step: Their step; None for the current one.
        """
        self._log_histograms("weights/", _named_parameters(model), step)

    def log_model_gradients(self, model: Any, step: int | None = None) -> None:
        """Log a histogram of each gradient, under `gradients/<name>`.

        Args:
            model: A torch module, of which parameters without gradient are left out; or gradients
                by name, nested names joined by dots.
            step: Their step; None for the current one.
        """
        arrays = _named_parameters(model)
        if not isinstance(model, Mapping):
            arrays = {name: parameter.grad for name, parameter in arrays.items()}
        present = {name: array for name, array in arrays.items() if array is not None}
        self._log_histograms("gradients/", present, step)

    def accumulate_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Add numbers to running means, on their device.

        Args:
            metrics: Number or 0-d array by name.
        """
        for name, number in metrics.items():
            check_scalar(name, number)
        self._means.add(metrics)

    def log_accumulated_metrics(self, step: int | None = None, prefix: str = "") -> None:
        """Log the running means, and begin new ones.

        Args:
            step: Their step; None for the current one.
            prefix: What to put before each name.
        """
        self.log_metrics(self._means.take(), step, prefix)

    def drain(self) -> None:
        """Wait until all that was logged is written; what went wrong is kept for flush or close.

        For a training loop that goes on whatever becomes of its log.
        """
        if not self._closed:
            self._write({}, self._step)
        self._writer.drain()

    def flush(self) -> None:
        """Wait until all that was logged is written, then raise what went wrong."""
        self.drain()
        self._writer.flush()

    def close(self) -> None:
        """Write everything, let go of the files, then raise what went wrong; once is enough."""
        if not self._closed:
            self._release()
            self._write({}, self._step)
            self._closed = True
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except Exception as fault:
            if error is None:
                raise
            # The error that ended the training must not be hidden behind this one.
            error.add_note(f"while logging: {type(fault).__name__}: {fault}")

    def _log_pictures(
        self,
        name: str,
        images: Any,
        step: int | None,
        captions: tuple[str, ...] | None,
        layout: str | None,
    ) -> None:
        tag = self._checked(name)
        if not hasattr(images, "shape"):
            images = tuple(rasterize(one) if is_figure(one) else one for one in images)
        for picture in images[:1] if hasattr(images, "shape") else images:
            check_picture(name, picture, layout)
        self._log({tag: Image(images, captions, layout)}, step)

    def _log_histograms(self, prefix: str, arrays: Mapping[str, Any], step: int | None) -> None:
        values: dict[str, Value] = {}
        for name, array in arrays.items():
            tag = self._checked(prefix + name if prefix else name)
            check_array(tag, array)
            values[tag] = Histogram(array)
        self._log(values, step)

    def _log(self, values: Mapping[str, Value], step: int | None) -> None:
        self._write(values, self._go_to(step))

    def _go_to(self, step: int | None) -> int:
        """Make a step the current one; what was held back for another is written."""
        if self._closed:
            raise RuntimeError(
                "expected an open logger, got one that is closed; log before close(), or open a "
                "new one with resume_step= to continue the run"
            )
        at = self._step if step is None else check_step(step)
        if at != self._step:
            self._release()
            self._step = at
        return at

    def _release(self) -> None:
        """Write what was held back for the current step."""
        held, self._held = self._held, {}
        if held:
            self._write(held, self._step)

    def _write(self, values: Mapping[str, Value], step: int) -> None:
        if self._preface:
            values = {**self._preface, **values}
            self._preface = {}
        if values:
            self._writer.write(values, step=step, wall_time=self._clock())

    def _checked(self, tag: Any) -> str:
        if tag not in self._legal_tags:
            check_tag(tag)
            self._legal_tags.add(tag)
        return str(tag)


def _named_parameters(model: Any) -> dict[str, Any]:
    if isinstance(model, Mapping):
        return dict(flatten(model))
    if hasattr(model, "named_parameters"):
        return dict(model.named_parameters())
    raise TypeError(
        f"expected a torch module or a mapping from names to arrays, got {type(model).__name__}; "
        "pass its arrays by name"
    )
