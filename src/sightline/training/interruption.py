"""Ctrl-C and SIGTERM ask a training to end after its current step; a second one ends it at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_on_signals(stop: Callable[[str], None]) -> Iterator[None]:
    """Turn the first SIGINT or SIGTERM into a request to stop, as long as the block runs.

    Outside the main thread, where Python delivers no signals, the block runs as it is.

    Args:
        stop: Called with a reason, such as "SIGTERM"; it must return at once.

    Yields:
        Nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}

    def request(number: int, frame: FrameType | None) -> None:
        for name, handler in previous.items():
            signal.signal(name, handler)
        stop(signal.Signals(number).name)

    for name in previous:
        signal.signal(name, request)
    try:
        yield
    finally:
        for name, handler in previous.items():
            signal.signal(name, handler)
