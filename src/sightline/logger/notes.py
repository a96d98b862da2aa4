"""Logging what is read: texts, tables and alerts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sightline.logger.run import Run
from sightline.writers import Table, Text
from sightline.writers.shapes import check_rows

ALERTS = "run/alerts"


class LogsNotes(Run):
    """The part of a logger that takes texts and tables."""

    def log_text(self, name: str, markdown: str, step: int | None = None) -> None:
        """Log a text.

        Args:
            name: Its tag.
            markdown: The text.
            step: Its step; None for the current one.

        Raises:
            TypeError: If it is not text.
        """  # noqa: DOC502
        self._check_tag(name)
        self._log({name: Text(markdown)}, step)

    def log_table(
        self,
        name: str,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        step: int | None = None,
    ) -> None:
        """Log a table, which TensorBoard shows where it shows texts.

        Args:
            name: Its tag.
            columns: A heading for each column.
            rows: Rows with a cell for each column: texts, numbers, 0-d arrays, or None for an empty
                one; or an array of two axes.
            step: Its step; None for the current one.
        """
        self._check_tag(name)
        if not hasattr(rows, "shape"):
            rows = list(rows)
        check_rows(name, columns, rows)
        self._log({name: Table(tuple(map(str, columns)), rows)}, step)

    def log_alert(self, markdown: str, step: int | None = None) -> None:
        """Log something that somebody has to see, under `run/alerts`, and bring it to disk now.

        Args:
            markdown: What happened.
            step: Its step; None for the current one.
        """
        self._log({ALERTS: Text(markdown)}, step)
        self._writer.wake()
