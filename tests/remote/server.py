"""An S3 server on loopback: moto's, with a door in front that counts, and that can be shut."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


class Request(NamedTuple):
    """What a client asked for."""

    method: str
    path: str
    num_bytes: int


class S3Server:
    """Serves what moto keeps in this process, also after it was stopped and started again."""

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request
        self.requests: list[Request] = []
        self.refused_status = ""
        self.port = 0
        self._moto = DomainDispatcherApplication(create_backend_app)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def num_bytes_put(self) -> int:
        return sum(request.num_bytes for request in self.requests if request.method == "PUT")

    def start(self) -> None:
        self._server = make_server("127.0.0.1", self.port, self._answer, threaded=True)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _answer(self, environ: dict[str, Any], respond: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.requests.append(Request(method, path, int(environ.get("CONTENT_LENGTH") or 0)))
        if self.refused_status and method == "PUT":
            respond(self.refused_status, [("Content-Type", "application/xml")])
            code = self.refused_status.partition(" ")[2].replace(" ", "")
            return [f"<Error><Code>{code}</Code><Message>refused</Message></Error>".encode()]
        return self._moto(environ, respond)
