"""Logging what is read: texts and alerts."""

from __future__ import annotations

from sightline.logger.run import Run
from sightline.writers import Text

ALERTS = "run/alerts"


class LogsNotes(Run):
    """The part of a logger that takes texts."""

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

    def log_alert(self, markdown: str, step: int | None = None) -> None:
        """Log something that somebody has to see, under `run/alerts`, and bring it to disk now.

        Args:
            markdown: What happened.
            step: Its step; None for the current one.
        """
        self._log({ALERTS: Text(markdown)}, step)
        self._writer.wake()
