"""Errors of a worker: kept, reported once, and raised where somebody asks for them."""

from __future__ import annotations

import sys


class Faults:
    """What went wrong in a worker.

    Values that were lost are an error for good. A disk that does not take values which still wait
    in memory is an error only until it does.
    """

    def __init__(self) -> None:
        self._lost: Exception | None = None
        self._num_lost = 0
        self._stuck: Exception | None = None
        self._is_reported = False

    def lost(self, error: Exception) -> None:
        """Something could not be written, and will not be.

        Args:
            error: Why; a group counts as those that are in it.
        """
        if isinstance(error, ExceptionGroup):
            for one in error.exceptions:
                self.lost(one)
            return
        self._num_lost += 1
        if self._lost is None:
            self._lost = error
            self._report(error)

    def stuck(self, error: Exception) -> None:
        """What was written waits, because it could not be brought to disk.

        Args:
            error: Why.
        """
        if self._stuck is None:
            self._report(error)
        self._stuck = error

    def freed(self) -> None:
        """All that waited has reached the disk."""
        if self._stuck is not None:
            self._stuck = None
            print("sightline: logging works again, what waited is written", file=sys.stderr)

    def raise_kept(self) -> None:
        """Raise what went wrong since the last time, and forget it.

        Raises:
            Exception: The first that was kept.
        """  # noqa: DOC502  the error is of any type
        lost, num_more = self._lost, self._num_lost - 1
        self._lost, self._num_lost = None, 0
        error = lost or self._stuck
        if error is not None:
            if num_more > 0:
                error.add_note(f"and {num_more} more errors while logging")
            raise error

    def _report(self, error: Exception) -> None:
        notes = " ".join(getattr(error, "__notes__", ()))
        print(
            f"sightline: logging failed, training goes on: "
            f"{type(error).__name__}: {error} {notes}".rstrip(),
            file=sys.stderr,
        )
