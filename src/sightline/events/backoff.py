"""How long a place that failed is left alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import copy

FIRST_RETRY_SECS, LAST_RETRY_SECS = 0.1, 10.0


class Backoff:
    """Remembers a failure: no new attempt for 0.1 s, then for twice as long each time, up to 10 s.

    Args:
        monotonic: A clock in seconds that never goes back.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.failure: OSError | None = None
        self._monotonic = monotonic
        self._retry_secs = FIRST_RETRY_SECS
        self._retry_at = 0.0

    def hold(self) -> None:
        """Raise the last failure again, where it is too early for another attempt.

        Raises:
            OSError: What went wrong the last time.
        """  # noqa: DOC501, DOC502  a copy of it
        if self.failure is not None and self._monotonic() < self._retry_at:
            raise copy(self.failure)

    def failed(self, error: OSError) -> None:
        """An attempt failed.

        Args:
            error: What `hold` raises from now on.
        """
        self.failure = copy(error)  # who raises it may add notes, and its traceback grows
        self._retry_at = self._monotonic() + self._retry_secs
        self._retry_secs = min(2 * self._retry_secs, LAST_RETRY_SECS)

    def succeeded(self) -> None:
        """An attempt succeeded."""
        self.failure = None
        self._retry_secs = FIRST_RETRY_SECS
