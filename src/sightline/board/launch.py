"""Starts TensorBoard in a process of its own and stops it again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import webbrowser
from collections.abc import Iterable
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import IO, Any
from urllib.parse import urlsplit

from sightline._optional import missing
from sightline.board.links import find_cards, pinned_url
from sightline.board.logdir import run_names

_SERVE = Path(__file__).with_name("serve.py")


class Board:
    """A TensorBoard that runs; `start` makes one.

    As a context manager it stops TensorBoard at the end of the block. TensorBoard also ends with
    the process that started it, however that process ends.

    Args:
        child: the process that serves.
        url: where it answers.
    """

    def __init__(self, child: subprocess.Popen[str], url: str) -> None:
        self._child = child
        self.url = url

    def link(self, tags: Iterable[str], *, run: str | None = None, smoothing: float = 0.6) -> str:
        """URL with those of the tags pinned that the runs hold, scalars, histograms or images.

        Args:
            tags: in the order in which they are to be pinned; unknown ones are passed over.
            run: the run whose images and histograms are shown; by default the first with the tag.
            smoothing: of the curves, in [0, 0.999].

        Returns:
            The URL.
        """
        listing = self._get("data/plugin/timeseries/tags")
        return pinned_url(self.url, find_cards(tags, listing, run=run), smoothing=smoothing)

    @property
    def pid(self) -> int:
        """Process id of TensorBoard, which leads a process group of its own.

        Returns:
            The id.
        """
        return self._child.pid

    def wait(self) -> None:
        """Block until Ctrl-C, which stops TensorBoard and is no error.

        Raises:
            RuntimeError: when TensorBoard ends by itself.
        """
        try:
            status = self._child.wait()
        except KeyboardInterrupt:
            return
        finally:
            self.stop()
        raise RuntimeError(
            f"expected TensorBoard to run until Ctrl-C, got its end with exit status {status}: "
            "start it again"
        )

    def stop(self) -> None:
        """Stop TensorBoard and wait until it is gone; a second call does nothing."""
        _end(self._child)

    def __enter__(self) -> Board:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _get(self, path: str) -> Any:
        # http.client asks directly, where urllib would go through a proxy of the environment.
        address = urlsplit(self.url)
        connection = HTTPConnection(address.hostname or "", address.port, timeout=10)
        try:
            connection.request("GET", f"{address.path}{path}")
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def _await_data(self, seconds: float) -> None:
        """Wait until TensorBoard has something to show, so that a page opened now is not blank.

        Files without a single value never give it anything, hence the limit.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if any(tab["enabled"] for tab in self._get("data/plugins_listing").values()):
                return
            time.sleep(0.05)


def start(
    logdir: str | os.PathLike[str],
    *,
    port: int = 6006,
    host: str = "localhost",
    open_browser: bool = False,
    timeout_s: float = 60.0,
) -> Board:
    """Start TensorBoard on a directory of runs and wait until it answers.

    A curve shows up to 100,000 points, where TensorBoard by itself shows 1,000.

    Args:
        logdir: a directory with event files, at any depth.
        port: the port to try first; any free one is taken where it is in use. 0 asks for a free
            one at once.
        host: the address to listen on; `"localhost"` is reachable from this machine alone.
        open_browser: whether to open the page in the user's browser.
        timeout_s: how long TensorBoard may take to start, in seconds.

    Returns:
        The running board.

    Raises:
        ModuleNotFoundError: when TensorBoard is not installed.
        FileNotFoundError: when the directory is missing or holds no event file.
        NotADirectoryError: when `logdir` is a file.
        ConnectionError: when TensorBoard does not start.
    """  # noqa: DOC502
    if find_spec("tensorboard") is None:
        missing("tensorboard", "board")
    run_names(logdir)
    with tempfile.TemporaryFile("w+") as log:
        # -P: what lies in the working directory must not stand in for what TensorBoard imports.
        # A session of its own: Ctrl-C reaches this process alone, which then ends the other.
        child = subprocess.Popen(
            [sys.executable, "-P", str(_SERVE), str(Path(logdir).resolve()), host, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        try:
            url = _first_line(child, timeout_s)
            if not url:
                raise ConnectionError(
                    f"expected TensorBoard to answer on {host}:{port} within {timeout_s:g} s, got "
                    f"{_last_line(log)!r}: check that `{Path(sys.executable).name} -m "
                    "tensorboard.main --version` runs and that the host is one of this machine"
                )
            board = Board(child, url)
            board._await_data(seconds=10)
        except BaseException:
            _end(child)
            raise
    if open_browser:
        webbrowser.open(board.url)
    return board


def _first_line(child: subprocess.Popen[str], timeout_s: float) -> str:
    assert child.stdout is not None
    # A child that ends, or is ended by the clock, before it says anything leaves an empty line.
    clock = threading.Timer(timeout_s, child.kill)
    clock.start()
    try:
        return child.stdout.readline().strip()
    finally:
        clock.cancel()


def _last_line(log: IO[str]) -> str:
    log.seek(0)
    return (log.read().strip() or "nothing").splitlines()[-1]


def _end(child: subprocess.Popen[str]) -> None:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.close()
    try:
        child.wait(timeout=5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    child.stdout.close()
