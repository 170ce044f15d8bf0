"""A hand-written upstream that remembers what it was sent, and a workspace with an endpoint that calls it."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_workspace import LocalWorkspace
    from tests.local_workspace.conftest import Api

ENDPOINTS = "/api/2.0/serving-endpoints"

COMPLETION = {
    "id": "upstream-1",
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "from upstream"}, "finish_reason": "stop"}],
}


@dataclass
class Received:
    """One request as the upstream saw it."""

    path: str
    headers: dict[str, str]
    body: Any
    port: int


@dataclass
class Upstream:
    """An upstream whose next answers a test decides; without any, a plain completion.

    Each answer writes to the connection itself, so that it can also break it.
    """

    url: str
    received: list[Received] = field(default_factory=list)
    answers: list[Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=list)
    asked: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)

    def will_send(self, status: int, body: bytes | dict[str, Any], **headers: str) -> None:
        """Answer the next request with a status and a body."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()

        def send(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            handler.wfile.write(content)

        self.answers.append(send)

    def will_stream(self, *pieces: bytes, complete: bool = True) -> None:
        """Answer the next request with an event stream in these chunks; incomplete, it breaks off after them."""

        def send(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("Content-Type", "text/event-stream")
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            for piece in pieces:
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            if complete:
                handler.wfile.write(b"0\r\n\r\n")
            else:
                handler.close_connection = True

        self.answers.append(send)

    def will_stream_until_gone(self, piece: bytes) -> None:
        """Repeat a piece until nobody reads it any more, then set `gone`."""

        def send(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("Content-Type", "text/event-stream")
            handler.end_headers()
            handler.close_connection = True
            try:
                while True:
                    handler.wfile.write(piece)
            except OSError:
                self.gone.set()

        self.answers.append(send)

    def will_wait_until_gone(self) -> None:
        """Answer nothing; set `asked` at once, and `gone` when the caller closes the connection."""

        def wait(handler: BaseHTTPRequestHandler) -> None:
            self.asked.set()
            handler.close_connection = True
            if not handler.connection.recv(1):
                self.gone.set()

        self.answers.append(wait)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    known = Upstream(url="")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            body = json.loads(content) if content.startswith(b"{") else content.decode()
            known.received.append(Received(self.path, dict(self.headers.items()), body, self.client_address[1]))
            if not known.answers:
                known.will_send(200, COMPLETION)
            known.answers.pop(0)(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Say nothing: connections break here on purpose."""

    server = Server(("127.0.0.1", 0), Handler)
    known.url = f"http://127.0.0.1:{server.server_address[1]}"
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    serving.start()
    yield known
    server.shutdown()
    server.server_close()


@pytest.fixture
def put_key(api: Api) -> Callable[..., None]:
    """Puts a secret, by default the one that endpoints refer to."""
    api.ok("POST", "/api/2.0/secrets/scopes/create", {"scope": "s"})

    def put(value: str, *, key: str = "k") -> None:
        api.ok("POST", "/api/2.0/secrets/put", {"scope": "s", "key": key, "string_value": value})

    return put


@pytest.fixture
def serve(api: Api, workspace: LocalWorkspace) -> Callable[..., None]:
    """Creates an endpoint of external models and lets its deployment pass."""

    def make(*models: dict[str, Any], name: str = "chat", traffic: tuple[int, ...] = (), **fields: object) -> None:
        names = [f"entity-{number}" for number in range(len(models))]
        config: dict[str, Any] = {
            "served_entities": [
                {"name": entity, "external_model": {"task": "llm/v1/chat", **model}}
                for entity, model in zip(names, models, strict=True)
            ]
        }
        if traffic:
            config["traffic_config"] = {
                "routes": [
                    {"served_model_name": entity, "traffic_percentage": share}
                    for entity, share in zip(names, traffic, strict=True)
                ]
            }
        api.ok("POST", ENDPOINTS, {"name": name, "config": config, **fields})
        workspace.clock.advance(60)

    return make


@pytest.fixture
def openai_model() -> Callable[..., dict[str, Any]]:
    """An external model of provider openai."""

    def model(base: str | None = None, *, name: str = "gpt-4o", **config: object) -> dict[str, Any]:
        where = {} if base is None else {"openai_api_base": base}
        return {
            "provider": "openai",
            "name": name,
            "openai_config": {"openai_api_key": "{{secrets/s/k}}", **where, **config},
        }

    return model


@pytest.fixture
def on_upstream(
    upstream: Upstream,
    put_key: Callable[..., None],
    serve: Callable[..., None],
    openai_model: Callable[..., dict[str, Any]],
) -> Callable[..., None]:
    """Puts a key and serves `chat` on the upstream with it."""

    def make(key: str = "sk-good") -> None:
        put_key(key)
        serve(openai_model(f"{upstream.url}/v1"))

    return make
