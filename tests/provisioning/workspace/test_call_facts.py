"""What a call leaves behind: its request id with us, and what it was made for in the workspace's own logs."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from provisioning.errors import WorkspaceError
from provisioning.model.workspace import Desired, Target
from provisioning.session import Access, open_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from provisioning.model.api_call import ApiCall


class Workspace(BaseHTTPRequestHandler):
    """Answers every call with a request id in its header, as Databricks does."""

    agents: list[str]

    def do_GET(self) -> None:
        type(self).agents.append(self.headers["User-Agent"])
        refused = self.path.endswith("/refused")
        body = b'{"error_code": "BAD_REQUEST", "message": "no"}' if refused else b'{"userName": "ann@example.com"}'
        self.send_response(400 if refused else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Request-Id", f"id-of-{self.path.rpartition('/')[2]}")
        self.send_header("X-Databricks-Org-Id", "1")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def host() -> Iterator[str]:
    Workspace.agents = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Workspace) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


DESIRED = Desired(set_name="chat", named=True, target=Target(name="local"))


def test_each_call_is_told_of_with_its_request_id(host: str) -> None:
    calls: list[ApiCall] = []
    access = Access(host=host, token=SecretStr("dapi"), environ={}, on_call=calls.append)
    connection = open_session(DESIRED, access).connection

    answer = connection.call("GET", "/api/2.0/fine", subject="a")
    with pytest.raises(WorkspaceError):
        connection.call("GET", "/api/2.0/refused", subject="b")

    assert [(each.path, each.request_id, each.error) for each in calls] == [
        ("/api/2.0/fine", "id-of-fine", None),
        ("/api/2.0/refused", None, "BAD_REQUEST"),
    ]
    assert answer == {"userName": "ann@example.com"}


def test_user_agent_says_what_calls_are_made_for_in_harmless_words(host: str) -> None:
    environ = {"GITHUB_ACTIONS": "true", "GITHUB_SHA": "abc (1)\r\nX-Evil: 1", "GITHUB_RUN_ID": "42"}
    access = Access(host=host, token=SecretStr("dapi"), environ=environ)
    session = open_session(DESIRED, access)

    session.connection.call("GET", "/api/2.0/fine", subject="a")

    assert f" set/{session.owner} target/local commit/abc-1-X-Evil-1 run/42" in Workspace.agents[-1]
