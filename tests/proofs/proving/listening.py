"""Hosts that listen: whatever credential reaches them is kept."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Answer = tuple[int, dict[str, Any]]


@dataclass(frozen=True)
class Heard:
    """A request.

    Attributes:
        path: with the query string.
        headers: as one text.
        authorization: the header of that name.
        body: as it was sent.
    """

    path: str
    headers: str
    authorization: str
    body: str


class Host(ThreadingHTTPServer):
    """A host on loopback.

    Args:
        answer: says status and JSON object for each request.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer: Callable[[Host, Heard], Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.heard: list[Heard] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept, so that they can be mixed up
    wbufsize = -1
    server: Host

    def _respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        heard = Heard(self.path, str(self.headers), self.headers.get("Authorization") or "", body)
        self.server.heard.append(heard)
        status, content = self.server.answer(self.server, heard)
        sent = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    do_GET = do_POST = _respond  # noqa: N815 - http.server's names

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


@contextmanager
def hosts(count: int, answer: Callable[[Host, Heard], Answer]) -> Iterator[list[Host]]:
    """Listen on so many hosts."""
    listening = [Host(answer) for _ in range(count)]
    threads = [threading.Thread(target=each.serve_forever, args=(0.02,)) for each in listening]
    for thread in threads:
        thread.start()
    try:
        yield listening
    finally:
        for each, thread in zip(listening, threads, strict=True):
            each.shutdown()
            thread.join()
            each.server_close()
