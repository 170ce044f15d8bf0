"""The connections behind the connection: how many there are, and through which proxy."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from provisioning.workspace.client import connect
from provisioning.workspace.location import Location

if TYPE_CHECKING:
    from collections.abc import Iterator

ME = "/api/2.0/preview/scim/v2/Me"
ANSWER = b'{"userName": "ada@example.com"}'


class Server(ThreadingHTTPServer):
    """Answers everything alike, and remembers what was asked on which connection."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[int, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.client_address[1], self.path))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server() as running:
        serving = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield running
        running.shutdown()
        serving.join()


def test_one_connection_serves_who_we_are_and_all_that_follows(server: Server) -> None:
    connection = connect(Location(host=server.url, token=SecretStr("dapi-none")))
    connection.call("GET", "/before", subject="anything")
    connection.announce({"set": "abc"})
    connection.call("GET", "/after", subject="anything")

    ports = {path: port for port, path in server.asked}
    assert ports[ME] == ports["/before"] == ports["/after"]


def test_every_call_goes_through_the_environments_proxy(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)

    connection = connect(Location(host="http://workspace.invalid", token=SecretStr("dapi-none")))
    connection.call("GET", "/anything", subject="anything")

    paths = [path for _, path in server.asked]
    assert paths[-2:] == [f"http://workspace.invalid{ME}", "http://workspace.invalid/anything"]
