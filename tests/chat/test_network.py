"""Proxies and certificate authorities, as the environment names them, for both clients."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import ssl
import threading
from typing import TYPE_CHECKING

import pytest
from proving.certificates import self_signed

from chat import AsyncChatClient, ChatClient, errors
from chat.network import proxy_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.chat.scripted import ScriptedServer

OK = {"choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}]}


@pytest.fixture(autouse=True)
def _no_way_of_the_machines_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name in {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"}:
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ({"https_proxy": "p:1"}, "http://p:1"),
        ({"ALL_PROXY": "http://p:1"}, "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "dbc.example.com"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.b, .example.com"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "example.com"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "ample.com"}, "http://p:1"),
        ({"HTTPS_PROXY": "", "NO_PROXY": ""}, None),
    ],
)
def test_the_environment_names_the_proxy(environ: dict[str, str], proxy: str | None) -> None:
    assert proxy_for("https://dbc.example.com", environ=environ) == proxy


class Tunnel:
    """A proxy that understands CONNECT and nothing else, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://user:pass@127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._tunnel, args=(client,), daemon=True).start()

    def _tunnel(self, client: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += client.recv(1)
        self.asked.append(head)
        host, _, port = head.split()[1].decode().rpartition(":")
        server = socket.create_connection((host, int(port)))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        back = threading.Thread(target=_copy, args=(server, client), daemon=True)
        back.start()
        _copy(client, server)
        back.join(5)
        client.close()
        server.close()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the other side is gone: so is this


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, and its key beside it."""
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls_host(scripted: ScriptedServer, authority: Path) -> str:
    """The scripted server, behind TLS with the private authority's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, authority.with_suffix(".key"))
    scripted.reply(OK)
    scripted._server.socket = context.wrap_socket(scripted._server.socket, server_side=True)
    return scripted.host.replace("http:", "https:")


@pytest.fixture
def tunnel() -> Iterator[Tunnel]:
    running = Tunnel()
    yield running
    running.close()


def ask(kind: str, host: str) -> str:
    options = {"host": host, "token": "dapi-stand-in", "max_retries": 0}
    if kind == "sync":
        with ChatClient("my-chat", **options) as client:  # type: ignore[arg-type]
            return str(client.invoke("hi"))
    return str(asyncio.run(AsyncChatClient("my-chat", **options).ainvoke("hi")))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_private_authority_is_trusted_where_it_is_named(
    kind: str, variable: str, tls_host: str, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, str(authority))
    assert ask(kind, tls_host) == "hello"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_unknown_authority_is_not_trusted_and_not_tried_again(kind: str, tls_host: str) -> None:
    with pytest.raises(errors.UntrustedHostError) as caught:
        ask(kind, tls_host)
    assert "SSL_CERT_FILE" in (caught.value.remedy or "")


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_bundle_that_cannot_be_read_is_named(kind: str, tls_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    with pytest.raises(errors.UntrustedHostError, match=r"/nowhere\.pem"):
        ask(kind, tls_host)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_calls_go_through_the_proxy_with_its_own_password(
    kind: str, tls_host: str, authority: Path, tunnel: Tunnel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
    assert ask(kind, tls_host) == "hello"
    assert len(tunnel.asked) == 1
    assert b"proxy-authorization: basic dxnlcjpwyxnz" in tunnel.asked[0].lower()
    assert b"dapi-stand-in" not in tunnel.asked[0]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_no_proxy_is_honoured(
    kind: str, tls_host: str, authority: Path, tunnel: Tunnel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert ask(kind, tls_host) == "hello"
    assert tunnel.asked == []


def test_a_plain_proxy_is_asked_for_the_whole_address(
    scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.reply(OK)
    monkeypatch.setenv("HTTP_PROXY", scripted.host.replace("//", "//user:p%40ss@"))
    with ChatClient("e", host="http://dbc.example.com", token="t") as client:
        assert client.invoke("hi").text == "hello"
    path, headers, _ = scripted.requests[0]
    assert path == "http://dbc.example.com/serving-endpoints/e/invocations"
    assert headers["host"] == "dbc.example.com"
    assert headers["proxy-authorization"] == f"Basic {base64.b64encode(b'user:p@ss').decode()}"


def test_a_proxy_of_an_unknown_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    with (
        ChatClient("e", host="http://dbc.example.com", token="t", max_retries=0) as client,
        pytest.raises(errors.UnreachableError, match="socks5"),
    ):
        client.invoke("hi")


def test_a_connection_that_the_server_closed_while_idle_is_not_used_again(scripted: ScriptedServer) -> None:
    scripted.reply(OK)
    with ChatClient("e", host=scripted.host, token="t", max_retries=0) as client:
        client.invoke("hi")
        scripted.open[0].shutdown(socket.SHUT_RDWR)
        assert client.invoke("hi").text == "hello"
    assert scripted.connections == 2
