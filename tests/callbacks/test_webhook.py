"""What is posted arrives, and what cannot be posted disturbs nobody."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sightline.callbacks import Webhook


class Chat(ThreadingHTTPServer):
    """A server that takes messages, or answers with an error, or not at all."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str | None, dict[str, str]]] = []
        self.status = 200
        self.answers = threading.Event()
        self.answers.set()
        super().__init__(("127.0.0.1", 0), Post)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/services/T000"


class Post(BaseHTTPRequestHandler):
    server: Chat

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.answers.wait(10)
        self.server.received.append((self.path, self.headers["Content-Type"], json.loads(body)))
        if self.server.status == 0:
            self.wfile.write(b"what?\r\n\r\n")
            return
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def chat() -> Iterator[Chat]:
    with Chat() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.answers.set()
        server.shutdown()
        thread.join()


def test_a_message_arrives_as_slack_takes_it(chat: Chat) -> None:
    webhook = Webhook(chat.url)
    webhook.send('The loss is NaN: "broken" é')
    webhook.send("again")
    webhook.close()
    assert chat.received == [
        ("/services/T000", "application/json", {"text": 'The loss is NaN: "broken" é'}),
        ("/services/T000", "application/json", {"text": "again"}),
    ]


def test_a_slow_server_makes_nobody_wait(chat: Chat) -> None:
    chat.answers.clear()
    webhook = Webhook(chat.url)
    for _ in range(100):
        webhook.send("slow")
    assert chat.received == []  # and yet all are handed over
    chat.answers.set()
    webhook.close()
    assert len(chat.received) == 100


@pytest.mark.parametrize("fault", ["status", "no HTTP", "nobody there", "no answer"])
def test_what_cannot_be_posted_is_told_once(
    chat: Chat, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    url = chat.url
    if fault == "status":
        chat.status = 500
    elif fault == "no HTTP":
        chat.status = 0
    elif fault == "nobody there":
        url = "http://127.0.0.1:9/"  # the discard port: nobody listens
    else:
        chat.answers.clear()
    webhook = Webhook(url, timeout_secs=0.2)
    webhook.send("one")
    webhook.send("two")
    webhook.close()
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "could not be posted" in record.getMessage()
    assert "T000" not in record.getMessage()  # who knows the URL can post to it


def test_the_url_may_stand_in_the_environment(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_CHAT", chat.url)
    webhook = Webhook("$MY_CHAT")
    webhook.send("hello")
    webhook.close()
    assert chat.received[0][2] == {"text": "hello"}


@pytest.mark.parametrize("url", ["ftp://host/x", "hooks.slack.com/secret", "$NOT_SET", "https://"])
def test_what_is_no_webhook_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValueError, match="expected a webhook such as") as caught:
        Webhook(url)
    assert "secret" not in str(caught.value)
