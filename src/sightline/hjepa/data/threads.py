"""Work that threads do ahead of who needs it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def num_threads(asked: int) -> int:
    """How many threads decode images.

    Args:
        asked: What is set; 0 for one a core that this process may use.

    Returns:
        At least 1.
    """
    if asked:
        return asked
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_ahead(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    num_threads: int,
    num_ahead: int,
) -> Generator[Result, None, None]:
    """Results in the order of the items, computed by threads before they are asked for.

    Args:
        function: What to do with an item. Its error is raised where its result is due.
        items: Taken by the thread that takes the results.
        num_threads: Threads at work.
        num_ahead: Results to have begun beyond the one that is due.

    Yields:
        The results.
    """
    pending: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(num_threads, thread_name_prefix="images")
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) > num_ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def one_ahead(
    items: Iterator[Item], *, start: Callable[[], object] | None = None
) -> Generator[Item, None, None]:
    """The items, each taken from its iterator by a thread while the one before is in use.

    Args:
        items: None of them is None.
        start: What the thread does first.

    Yields:
        The items.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="batches", initializer=start)
    try:
        following = pool.submit(next, items, None)
        while (item := following.result()) is not None:
            following = pool.submit(next, items, None)
            yield item
    finally:
        pool.shutdown(cancel_futures=True)
