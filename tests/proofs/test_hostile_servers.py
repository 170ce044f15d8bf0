"""Servers that answer in no good faith: whatever they send ends in a typed error that cannot act on a terminal.

None is told a token that is not its own: a redirect to another host is not followed with one.
"""

from __future__ import annotations

import re
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from proving.virtual_time import virtual_time
from proving.worlds import Endpoint, Scope, World
from pydantic import SecretStr

from chat import ChatClient, ChatError
from provisioning import Access, plan
from provisioning.errors import ProvisioningError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from proving.sizes import Proof

TOKEN = "dapi-for-one-host-alone"
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
LIMIT = 1_000
"""Characters of a server's text that an error may quote."""


def answer(body: bytes, *, status: str = "200 OK", headers: str = "Content-Type: application/json") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n\r\n".encode() + body


EVIL = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\u202egpj.exe\x9b31m"
ANSWERS = {
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.9\r\n",
    "another protocol's bytes": bytes(range(256)) * 8,
    "a page": answer(b"<html><title>Sign in</title></html>", headers="Content-Type: text/html"),
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{",
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}",
    "bad chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "bad gzip": answer(b"no gzip", headers="Content-Encoding: gzip"),
    "headers without end": b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(5_000)),
    "a long header": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n{}",
    "a list": answer(b"[]"),
    "a number": answer(b"1e999"),
    "null": answer(b"null"),
    "no UTF-8": answer(b'{"name": "\xff\xfe"}'),
    "nesting": answer(b"[" * 100_000),
    "nested objects": answer(b'{"a":' * 100_000),
    "wrong types": answer(b'{"userName": {"a": 1}, "choices": "x", "secrets": 7, "endpoints": {"a": []}}'),
    "escapes in an error": answer(
        f'{{"error_code": "X{EVIL}", "message": "{EVIL}{"m" * 5_000}"}}'.encode(), status="400 Bad Request"
    ),
    "escapes in a reason": f"HTTP/1.1 400 {EVIL}\r\nContent-Length: 0\r\n\r\n".encode(),
    "a huge error": answer(b"x" * 5_000_000, status="500 Oops", headers="Content-Type: text/plain"),
}


@contextmanager
def serving(respond: Callable[[bytes], bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """Answer each connection's first request by what is given, and close it; what was heard is kept."""
    heard: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.05)
    over = threading.Event()

    def converse(connection: socket.socket) -> None:
        with connection:
            connection.settimeout(0.05)
            try:
                request = connection.recv(65_536)
                heard.append(request)
                connection.sendall(respond(request))
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65_536):
                    pass
            except OSError:  # it has heard enough
                pass

    def serve() -> None:
        while not over.is_set():
            try:
                connection, _ = listening.accept()
            except TimeoutError:
                continue
            converse(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", heard
    finally:
        over.set()
        thread.join()
        listening.close()


def planned(host: str, folder: Path) -> None:
    """Plan against a host."""
    world = World({"llm": Scope({"first": 0})}, {"chat": Endpoint("llm", "first")})
    plan(world.desired(folder), access=Access(host=host, token=SecretStr(TOKEN), environ=world.environ()))


def asked(host: str, _folder: Path) -> None:
    """Ask an endpoint of a host."""
    with ChatClient("chat", host=host, token=TOKEN, timeout=2.0, max_retries=0) as client:
        client.invoke("hello")


CALLERS = {"provisioning": planned, "chat": asked}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_in_bad_faith_is_a_typed_error_in_plain_text(
    proof: Proof, tmp_path: Path, caller: str, kind: str
) -> None:
    with (
        serving(lambda _request: ANSWERS[kind]) as (host, _),
        virtual_time(),
        pytest.raises((ProvisioningError, ChatError)) as caught,
    ):
        CALLERS[caller](host, tmp_path / "configs")
    said = str(caught.value)
    assert not UNSEEN.search(said)
    assert len(said) < LIMIT
    proof.tried("answers")


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_no_redirect_carries_a_token_to_another_host(proof: Proof, tmp_path: Path, caller: str, status: str) -> None:
    with serving(lambda _request: answer(b'{"userName": "x"}')) as (elsewhere, heard):
        # the name differs, the machine does not: a client that follows it gets there
        location = f"Location: {elsewhere.replace('127.0.0.1', 'localhost')}/"
        with (
            serving(lambda _request: answer(b"", status=status, headers=location)) as (host, _),
            virtual_time(),
            pytest.raises((ProvisioningError, ChatError)),
        ):
            CALLERS[caller](host, tmp_path / "configs")
    # the SDK's anonymous look at the host's metadata is all that may get there
    assert not any(b"authorization" in request.lower() or TOKEN.encode() in request for request in heard)
    proof.tried("redirects")
