"""What a process does with open logs when it ends or forks."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from types import FrameType
from typing import Protocol
from weakref import WeakKeyDictionary


class Log(Protocol):
    """Something that holds values which are not on disk yet."""

    def close_at_end(self) -> None:
        """Write everything; the process ends."""

    def forget(self) -> None:
        """Let go of everything: this process is a fork, and its parent writes it."""


class OpenLogs:
    """The open logs of this process.

    They are closed at the interpreter's exit, at the end of a `multiprocessing` child, and on
    SIGTERM where nobody else handles it: the process then ends by that signal, as it would have.
    """

    def __init__(self) -> None:
        self._logs: WeakKeyDictionary[Log, None] = WeakKeyDictionary()  # the newest is the last
        self._is_watching = False

    def add(self, log: Log) -> None:
        """Close a log when the process ends; what was added last is closed first."""
        if not self._is_watching:
            self._is_watching = True
            atexit.register(self.close)
            os.register_at_fork(after_in_child=self._after_fork)
        self.discard(log)
        self._logs[log] = None
        self._handle_sigterm()
        self._at_end_of_child()

    def discard(self, log: Log) -> None:
        """A log was closed by its user."""
        self._logs.pop(log, None)

    def close(self) -> None:
        """Close all of them: what went wrong was reported, and raising it helps nobody."""
        for log in reversed(list(self._logs)):
            try:
                log.close_at_end()
            except Exception as error:  # noqa: BLE001  the other logs are closed too
                print(f"sightline: not everything was logged: {error}", file=sys.stderr)

    def _handle_sigterm(self) -> None:
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._on_sigterm)

    def _on_sigterm(self, number: int, frame: FrameType | None) -> None:
        try:
            self.close()
        finally:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    def _after_fork(self) -> None:
        for log in list(self._logs):
            log.forget()

    def _at_end_of_child(self) -> None:
        """A `multiprocessing` child ends without Python's exit functions, and has its own."""
        util = sys.modules.get("multiprocessing.util")
        process = sys.modules.get("multiprocessing.process")
        if util is not None and process is not None and process.parent_process() is not None:
            util.Finalize(None, self.close, exitpriority=100)


OPEN_LOGS = OpenLogs()
