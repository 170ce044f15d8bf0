"""Logging in with a client's secret, where the token endpoint does not do its part."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterable

import pytest
from proving.servers import answer, serving
from proving.virtual_time import virtual_time

from provisioning.errors import NotPermittedError, ProvisioningError, UnreachableError, WorkspaceError
from provisioning.workspace import answers, authentication
from provisioning.workspace.client import connect
from provisioning.workspace.location import Location

Answer = bytes | Iterable[bytes]

SECRET = "dose-of-one-client-alone"


def logged_in(monkeypatch: pytest.MonkeyPatch, *, token: Answer, metadata: Answer | None = None) -> None:
    """Connect to a workspace whose token endpoint gives this answer."""

    def respond(request: bytes) -> Answer:
        if b"databricks-config" in request:
            return metadata or answer(json.dumps({"oidc_endpoint": f"{host}/oidc"}).encode())
        if b"oauth-authorization-server" in request:
            return answer(json.dumps({"token_endpoint": f"{host}/token", "authorization_endpoint": host}).encode())
        return token if request.startswith(b"POST /token") else answer(b"{}")

    with serving(respond) as (host, _), virtual_time():
        monkeypatch.setenv("DATABRICKS_CLIENT_ID", "me")
        monkeypatch.setenv("DATABRICKS_CLIENT_SECRET", SECRET)
        monkeypatch.setenv("DATABRICKS_HOST", host)
        connect(Location(host))


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (
            answer(b'{"error": "invalid_client", "error_description": "unknown"}', status="401 Unauthorized"),
            "logging in failed: invalid_client: unknown",
        ),
        (answer(b"<html>", headers="Content-Type: text/html"), "logging in failed: the answer is not a token endpoint"),
        (answer(b"{}"), "logging in failed: the answer is not a token endpoint"),
        (answer(b"[" * 100_000), "logging in failed: the answer is not a token endpoint"),
        (answer(b"", status="500 Oops", headers="X: y"), "logging in failed: the answer is not a token endpoint"),
    ],
    ids=["a refusal", "a page", "an empty object", "nesting", "no type"],
)
def test_what_is_no_token_is_a_failed_login(token: bytes, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotPermittedError, match=message):
        logged_in(monkeypatch, token=token)


def test_a_refusal_that_repeats_the_secret_is_shown_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    said = json.dumps({"error": "invalid_client", "error_description": f"not {SECRET}"}).encode()
    with pytest.raises(NotPermittedError, match=r"invalid_client: not \(secret\)") as caught:
        logged_in(monkeypatch, token=answer(said, status="401 Unauthorized"))
    assert caught.value.__cause__ is None


def test_a_token_endpoint_that_sends_us_elsewhere_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _request: answer(b"{}")) as (elsewhere, heard):
        redirect = answer(b"", status="307 Temporary Redirect", headers=f"Location: {elsewhere}/token")
        with pytest.raises(WorkspaceError, match="sends us elsewhere"):
            logged_in(monkeypatch, token=redirect)
    assert heard == []


@pytest.mark.parametrize("which", ["token", "metadata"])
def test_what_the_sdk_fetches_to_log_in_is_bounded(which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LARGEST", 2**16)
    endless = itertools.chain([b"HTTP/1.1 200 OK\r\n\r\n"], itertools.repeat(b" " * 1000))
    with pytest.raises(ProvisioningError):
        logged_in(monkeypatch, **{"token": answer(b"{}"), which: endless})


def test_a_token_endpoint_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "_TOKEN_SECONDS", 0.02)
    tried_enough = threading.Event()
    with pytest.raises(UnreachableError, match="no answer"):
        logged_in(monkeypatch, token=(b"" for _ in iter(lambda: tried_enough.wait(0.1), None)))
