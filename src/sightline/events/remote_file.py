"""An event file in a storage whose objects do not grow."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING

from sightline.events.backoff import Backoff
from sightline.events.event_file import MAX_PENDING_BYTES
from sightline.events.framing import frame
from sightline.events.messages import FILE_VERSION, Event
from sightline.events.remote import exists, put

if TYPE_CHECKING:
    from upath import UPath

PART_SECS = 10.0
PART_BYTES = 8 << 20


class RemoteEventFile:
    """Puts events as objects that follow each other: every byte is uploaded once.

    The objects are called `<path>.00000000`, `<path>.00000001` and so on, in the order in which
    loaders read them. Each is an event file of its own; tags are described in the first one only.
    A process that is killed loses what it logged since the last object was put: with the worker's
    flushes at most the events of `part_secs`, and none before the last `flush`.

    An object that the storage does not take stays in memory and is put later, under the same name.
    After a failure the storage is left alone for 0.1 s, then for twice as long each time, up to
    10 s. The library that talks to the storage tries several times itself and waits in between, so
    that a flush may take as long as its timeouts.

    Args:
        path: What the names of the objects begin with.
        wall_time: Seconds since 1970.
        part_secs: How long after the last object the next one is due.
        part_bytes: How many waiting bytes make an object at once.
        max_pending_bytes: How much may wait in memory before an event is refused.
        monotonic: A clock in seconds that never goes back.
    """

    def __init__(
        self,
        path: UPath,
        wall_time: float,
        *,
        part_secs: float = PART_SECS,
        part_bytes: int = PART_BYTES,
        max_pending_bytes: int = MAX_PENDING_BYTES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self.num_bytes = 0
        self._header = frame(Event(wall_time, file_version=FILE_VERSION).encode())
        self._part_secs = part_secs
        self._part_bytes = part_bytes
        self._max_pending_bytes = max_pending_bytes
        self._monotonic = monotonic
        self._backoff = Backoff(monotonic)
        self._waiting: deque[bytearray] = deque()  # objects to be; the last one still grows
        self._num_put = 0
        self._put_at = -inf
        self._is_closed = False

    def add(self, event: bytes) -> None:
        """Queue an event for the next object.

        Args:
            event: An encoded event.

        Raises:
            OSError: If too much waits already and the storage takes none; the event is lost.
        """  # noqa: DOC502
        self.add_records(frame(event))

    def add_records(self, records: bytes) -> None:
        """Queue framed events for the next object.

        Args:
            records: Whole records.

        Raises:
            OSError: If too much waits already and the storage takes none; they are lost.
        """  # noqa: DOC502
        if sum(map(len, self._waiting)) > self._max_pending_bytes:
            self.flush()
        if not self._waiting or len(self._waiting[-1]) >= self._part_bytes:
            self._waiting.append(bytearray(self._header))
            self.num_bytes += len(self._header)
        self._waiting[-1] += records
        self.num_bytes += len(records)

    def take_pending(self) -> bytes:
        """What waits in memory, which then is no longer this file's.

        Returns:
            Framed records.
        """
        pending = b"".join(part[len(self._header) :] for part in self._waiting)
        self._waiting.clear()
        return pending

    def is_removed(self) -> bool:
        """Ask, when an object is due anyway, for the first one, where the tags are described.

        Returns:
            True where somebody removed it.
        """
        if self._num_put == 0 or self._backoff.failure is not None or not self._is_due():
            return False
        try:
            return not exists(self._part(0))
        except OSError:  # the object that is due will fail too, and say so
            return False

    def flush(self) -> None:
        """Put what waits, be it much or little: from there on it outlives this process.

        Raises:
            OSError: If the storage does not take it; a later flush tries again.
        """  # noqa: DOC502
        self._backoff.hold()
        self._put_all()

    def flush_if_due(self) -> None:
        """Put what waits, if the last object is old enough or enough is waiting.

        Raises:
            OSError: If the storage does not take it; a later flush tries again.
        """  # noqa: DOC502
        if self._is_due():
            self.flush()

    def close(self) -> None:
        """Put what waits and close, even where that fails; a second time does nothing."""
        if not self._is_closed:
            self._is_closed = True
            self._put_all()

    def _is_due(self) -> bool:
        if not self._waiting:
            return False
        return (
            self._backoff.failure is not None
            or len(self._waiting[0]) >= self._part_bytes
            or self._monotonic() - self._put_at >= self._part_secs
        )

    def _put_all(self) -> None:
        try:
            while self._waiting:
                put(self._part(self._num_put), bytes(self._waiting[0]))
                self._waiting.popleft()
                self._num_put += 1
                self._put_at = self._monotonic()
        except OSError as error:
            self._backoff.failed(error)
            raise
        self._backoff.succeeded()

    def _part(self, number: int) -> UPath:
        return self.path.with_name(f"{self.path.name}.{number:08d}")
