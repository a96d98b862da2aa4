"""Messages to a chat, which never disturb who sends them."""

from __future__ import annotations

import json
import logging
import os
import queue
import threading
import urllib.request
from http.client import HTTPException
from urllib.parse import urlsplit

log = logging.getLogger(__name__)

TIMEOUT_SECS = 5.0


class Webhook:
    """Posts `{"text": ...}`, as Slack, Mattermost, Discord's `/slack` and others take it.

    A thread of its own posts, one message after the other. What goes wrong is told once in the log
    and costs that message only.

    Args:
        url: Where to, over http or https. As whoever knows it can post, it may also be `$NAME`: the
            environment variable that holds it.
        timeout_secs: How long an answer is waited for.

    Raises:
        ValueError: If it is no such URL, or there is no such variable.
    """

    def __init__(self, url: str, *, timeout_secs: float = TIMEOUT_SECS) -> None:
        found = os.environ.get(url[1:], "") if url.startswith("$") else url
        if urlsplit(found).scheme not in {"http", "https"} or not urlsplit(found).netloc:
            # Not the URL itself, which is a secret.
            shown = url if url.startswith("$") else f"{url[:8]}..."
            raise ValueError(
                f"expected a webhook such as https://hooks.slack.com/..., got {shown}; give a URL, "
                "or $NAME of an environment variable that holds one"
            )
        self._url = found
        self._timeout_secs = timeout_secs
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._has_failed = False

    def send(self, text: str) -> None:
        """Hand a message over; returns at once.

        Args:
            text: The message.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="webhook", daemon=True)
            self._thread.start()
        self._waiting.put(text)

    def close(self) -> None:
        """Wait until what was handed over is sent, as long as one answer is waited for."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(self._timeout_secs + 1.0)
            self._thread = None

    def _work(self) -> None:
        while (text := self._waiting.get()) is not None:
            try:
                self._post(text)
            except (OSError, ValueError, HTTPException) as error:
                if not self._has_failed:
                    self._has_failed = True
                    log.warning("An alert could not be posted to the webhook: %s", error)

    def _post(self, text: str) -> None:
        request = urllib.request.Request(
            self._url,
            json.dumps({"text": text}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=self._timeout_secs):
            pass
