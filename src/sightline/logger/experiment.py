"""Logging what a run is among others: its settings, how it ended, which charts compare it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, TypeAlias

import numpy as np

from sightline.events import (
    HPARAMS_TAG,
    LAYOUT_TAG,
    RUN_END_TAG,
    Category,
    Margin,
    Multiline,
    RunStatus,
)
from sightline.logger.run import Run
from sightline.writers import HParams, Layout, RunEnd, Scalar, Value
from sightline.writers.checks import check_scalar
from sightline.writers.tables import flatten

Charts: TypeAlias = Sequence[Multiline | Margin] | Mapping[str, Sequence[str]]


class LogsExperiment(Run):
    """The part of a logger that takes what is said once of a run."""

    _hparams: HParams | None = None
    _is_forked = False

    def log_hparams(
        self,
        hparams: Mapping[str, Any],
        metrics: Mapping[str, Any] | None = None,
        *,
        group_name: str | None = None,
    ) -> None:
        """Log the settings of the run, for TensorBoard's HParams page to compare it with others.

        That page takes every scalar of the run as a metric, with its last value. It shows the run's
        status as unknown while it is open, as success once it is closed, and as failure if a `with`
        block ends by an exception. A run that is continued logs its settings again, and they and
        its end take the place of the earlier ones; a TensorBoard that has read those already shows
        them until it is started anew.

        Args:
            hparams: Setting by name: bools, numbers and texts; anything else as its `str`. Nested
                mappings become dotted names.
            metrics: Number or 0-d array by tag, logged as ordinary scalars of the current step.
            group_name: What runs have in common that differ in their seed alone: they make one row.

        Raises:
            ValueError: If other settings were logged before: TensorBoard shows the first.
        """
        settings = {name: _setting(value) for name, value in flatten(hparams)}
        values: dict[str, Value] = {}
        for tag, number in (metrics or {}).items():
            self._check_tag(tag)
            check_scalar(tag, number)
            values[tag] = Scalar(number)
        logged = self._hparams
        if logged is None:
            now = HParams(settings, self._clock(), group_name or "")
            self._log({HPARAMS_TAG: now, **values}, None)
            self._hparams = now
        elif (logged.hparams, logged.group_name) == (settings, group_name or ""):
            self._log(values, None)
        else:
            raise ValueError(
                "expected the hyperparameters of a run once, got others than before; log all of "
                "them in one call, and a run with others under another name"
            )

    def log_layout(self, layout: Mapping[str, Charts] | Sequence[Category]) -> None:
        """Log which scalars belong in one chart, for TensorBoard's Custom Scalars page.

        TensorBoard puts together the layouts of all runs, so each should log the same one.

        Args:
            layout: Charts by category. They are `Multiline` and `Margin` of `sightline.writers`, or
                exact tags by title. Or a sequence of `Category`.

        Raises:
            TypeError: If something else is among them.
            ValueError: If there are none.

        Example:
            >>> from sightline.logger import MetricsLogger
            >>> from sightline.writers import Margin, Memory
            >>> with MetricsLogger("demo", "runs", writers=[Memory()]) as logger:
            ...     logger.log_layout({
            ...         "loss": {"train and validation": ["train/loss", "val/loss"]},
            ...         "accuracy": [Margin("of three seeds", [("mean", "lowest", "highest")])],
            ...     })
        """
        if isinstance(layout, Mapping):
            layout = [Category(title, _charts(charts)) for title, charts in layout.items()]
        for category in layout:
            if not isinstance(category, Category):
                raise TypeError(
                    f"expected categories, got {type(category).__name__}; put it into one, or pass "
                    "charts by category"
                )
        if not layout:
            raise ValueError("expected at least one category, got none; leave out the call")
        self._log({LAYOUT_TAG: Layout(tuple(layout))}, None)

    def forget(self) -> None:
        """In a forked process: the run, and how it ends, are the parent's."""
        super().forget()
        self._hparams = None
        self._is_forked = True

    def _epilogue(self, status: RunStatus) -> Mapping[str, Value]:
        if self._is_forked and self._hparams is None:  # whose parent's writers it may not have
            return {}
        return {RUN_END_TAG: RunEnd(status, self._clock())}


def _setting(value: Any) -> bool | float | str:
    if isinstance(value, bool | np.bool_):  # a bool is a number too
        return bool(value)
    if isinstance(value, Real):
        try:
            return float(value)
        except OverflowError:  # an integer beyond all floats
            return str(value)
    return str(value)


def _charts(charts: Charts) -> tuple[Multiline | Margin, ...]:
    if isinstance(charts, Mapping):
        return tuple(Multiline(title, tags) for title, tags in charts.items())
    return tuple(charts)
