"""A server that answers as it is told: for what a well-behaved workspace never does."""

from __future__ import annotations

import contextlib
import http.server
import json
import socket
import sys
import threading
from typing import Any, Self


class ScriptedServer:
    """Answers each request with the next scripted reply (the last one again and again), and remembers what was asked.

    A reply is `(status, headers, body)`; a body is bytes, or a list whose bytes are sent as the chunks of a transfer
    that `None` cuts off.
    """

    def __init__(self) -> None:
        self.replies: list[tuple[int, dict[str, str], bytes | list[bytes | None]]] = []
        self.requests: list[tuple[str, dict[str, str], dict[str, object]]] = []
        self.connections = 0
        self.open: list[socket.socket] = []
        self.aborted = threading.Event()
        self.hold = threading.Event()
        self._server = Listener(("127.0.0.1", 0), type("Handler", (_Handler,), {"script": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def bodies(self) -> list[dict[str, object]]:
        return [body for _, _, body in self.requests]

    def reply(self, body: object, *, status: int = 200, **headers: str) -> ScriptedServer:
        """Script a whole answer: bytes as they are, anything else as JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = {"content-type": "text/html" if isinstance(body, bytes) else "application/json"}
        self.replies.append((status, kind | named, body if isinstance(body, bytes) else json.dumps(body).encode()))
        return self

    def stream(self, *events: object, done: bool = True) -> ScriptedServer:
        """Script an event stream: bytes as they are, None for a cut, `...` to wait for `hold`, else a JSON event."""
        pieces = [each if each in (None, ...) or isinstance(each, bytes) else sse(each) for each in events]
        self.replies.append((200, {"content-type": "text/event-stream"}, pieces + [b"data: [DONE]\n\n"] * done))
        return self

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        for kept in self.open:
            with contextlib.suppress(OSError):
                kept.shutdown(socket.SHUT_RDWR)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    script: ScriptedServer

    def setup(self) -> None:
        super().setup()
        self.script.connections += 1
        self.script.open.append(self.connection)

    def do_GET(self) -> None:
        self._answer(b"{}")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["content-length"])))

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, sent: bytes) -> None:
        asked = {name.lower(): value for name, value in self.headers.items()}
        self.script.requests.append((self.path, asked, json.loads(sent)))
        replies = self.script.replies
        status, headers, body = replies.pop(0) if len(replies) > 1 else replies[0]
        whole = isinstance(body, bytes)
        self.send_response(status)
        size = {"content-length": str(len(body))} if whole else {"transfer-encoding": "chunked"}
        for name, value in (headers | size).items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body) if whole else self._send_pieces(body)
        except OSError:
            self.script.aborted.set()
            self.close_connection = True

    def _send_pieces(self, pieces: list[bytes | None]) -> None:
        for piece in pieces:
            if piece is None:
                self.close_connection = True
                return
            if piece is ...:
                self.script.hold.wait(10)
                continue
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # the default of 5 resets connections that come at once

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's own
        """Say nothing of clients that are gone: these tests let them go."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def sse(payload: object) -> bytes:
    return f"data: {json.dumps(payload)}\n\n".encode()
