"""A token goes to the host that was named, by TLS or on this machine, and nowhere else."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from local_workspace.verify.caller import Caller
from local_workspace.verify.target import Target, TargetError, target

if TYPE_CHECKING:
    from local_workspace import LocalWorkspace

HOST = "https://dbc-1.cloud.databricks.com"


@pytest.mark.parametrize(
    "host", [HOST, f"{HOST}/", "dbc-1.cloud.databricks.com", " https://DBC-1.cloud.databricks.com"]
)
def test_a_host_is_named_in_several_ways(host: str) -> None:
    assert target(host, token="dapi1\n", environ={}) == Target(HOST, "dapi1")


@pytest.mark.parametrize("host", ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080"])
def test_this_machine_is_asked_without_tls(host: str) -> None:
    assert target(host, token="dapi1", environ={}).host == host
    assert target(host, token="dapi1", environ={}).is_local


@pytest.mark.parametrize(
    "host",
    [
        "http://dbc-1.cloud.databricks.com",
        "http://127.0.0.1.example.com",
        "http://10.0.0.1",
        "http://localhost.example.com",
        "ftp://dbc-1.cloud.databricks.com",
        "https://user:word@dbc-1.cloud.databricks.com",
        "https://127.0.0.1:80@evil.example.com",
        "https://dbc-1.cloud.databricks.com/path",
        "https://dbc-1.cloud.databricks.com?o=1",
        "https://",
        "https://[::1",
        "",
    ],
)
def test_another_host_is_refused(host: str) -> None:
    with pytest.raises(TargetError):
        target(host, token="dapi1", environ={})


def test_the_environments_token_goes_to_the_environments_host_alone() -> None:
    environ = {"DATABRICKS_HOST": f"{HOST}/", "DATABRICKS_TOKEN": "dapi-of-env"}
    assert target(HOST, token=None, environ=environ) == Target(HOST, "dapi-of-env")
    for other in ({"DATABRICKS_HOST": "https://other.example.com"}, {"DATABRICKS_HOST": ""}):
        with pytest.raises(TargetError, match="is not sent to") as refused:
            target(HOST, token=None, environ={**environ, **other})
        assert "dapi-of-env" not in str(refused.value)
    with pytest.raises(TargetError, match="no token"):
        target(HOST, token=None, environ={})


@pytest.mark.parametrize("token", ["", " ", "da pi", "dapi\x00", "dapi\nX-Other: 1", "dapi\u00e9"])
def test_what_is_no_token_is_refused_unseen(token: str) -> None:
    with pytest.raises(TargetError, match=r"the token is empty, or holds what no token does"):
        target(HOST, token=token, environ={})


def test_a_redirect_is_not_followed(workspace: LocalWorkspace) -> None:
    class Redirecting(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(307)
            self.send_header("Location", f"{workspace.host}/api/2.0/preview/scim/v2/Me")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Redirecting) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        asked = Target(f"http://127.0.0.1:{server.server_port}", workspace.token)
        call = Caller(asked, calls=1, seconds=10, now=lambda: 0.0)
        try:
            assert call("GET", "/api/2.0/preview/scim/v2/Me").status == 307
        finally:
            call.close()
            server.shutdown()
            thread.join()
    assert len(workspace.requests) == 0
