"""Proxies and certificate authorities, as the environment names them, for both clients."""

from __future__ import annotations

import asyncio
import base64
import socket
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from proving.certificates import self_signed, server_side

from chat import AsyncChatClient, ChatClient, errors
from chat.aio import pool as loop_pool
from chat.client import pool as client_pool
from chat.network import proxy_for
from tests.chat.raw import RawServer, Tunnel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.chat.faces import Face
    from tests.chat.scripted import ScriptedServer

OK = {"choices": [{"message": {"content": "hello"}, "finish_reason": "stop"}]}


pytestmark = pytest.mark.usefixtures("no_way_of_the_machines_own")


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


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, and its key beside it."""
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def trusted(authority: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the private authority in the environment."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))


@pytest.fixture
def tls_host(scripted: ScriptedServer, authority: Path) -> str:
    """The scripted server, behind TLS with the private authority's certificate."""
    scripted.reply(OK)
    scripted._server.socket = server_side(authority).wrap_socket(scripted._server.socket, server_side=True)
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


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_proxy_by_https_carries_tls_within_tls(
    kind: str, tls_host: str, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    proxy = Tunnel(tls=server_side(authority))
    try:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert ask(kind, tls_host) == "hello"
        assert len(proxy.asked) == 1
    finally:
        proxy.close()


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("proxied", ["no proxy", "by http", "by https"])
@pytest.mark.usefixtures("trusted")
def test_whoever_cannot_show_who_it_is_is_named(
    kind: str, proxied: str, tls_host: str, tunnel: Tunnel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate is for 127.0.0.1, and trusted, but not as that of `localhost`."""
    asked = named = tls_host.replace("127.0.0.1", "localhost")
    if proxied == "by http":
        monkeypatch.setenv("HTTPS_PROXY", tunnel.url)
    elif proxied == "by https":
        monkeypatch.setenv("HTTPS_PROXY", named)
        asked = "https://dbc.example.com"
    with pytest.raises(errors.UntrustedHostError, match=named.removeprefix("https://")):
        ask(kind, asked)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_plain_proxy_is_asked_for_the_whole_address(
    kind: str, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.reply(OK)
    monkeypatch.setenv("HTTP_PROXY", scripted.host.replace("//", "//user:p%40ss@"))
    assert ask(kind, "http://dbc.example.com") == "hello"
    path, headers, _ = scripted.requests[0]
    assert path == "http://dbc.example.com/serving-endpoints/my-chat/invocations"
    assert headers["host"] == "dbc.example.com"
    assert headers["proxy-authorization"] == f"Basic {base64.b64encode(b'user:p@ss').decode()}"


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(
    ("proxy", "said"),
    [
        ("socks5://127.0.0.1:1", "socks5"),
        ("http://user:p4ss@127.0.0.1:port", "no URL"),
        ("http://user:p4ss@[::1", "no URL"),
        ("http://", "no URL"),
        (f"http://{'x' * 70}.example.com", "no URL"),
    ],
)
def test_a_proxy_of_an_unknown_kind_is_refused_without_its_password(
    kind: str, proxy: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(errors.UnreachableError, match=said) as caught:
        ask(kind, "http://dbc.example.com")
    assert "p4ss" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 407 \x1b[2J\r\nContent-Length: 2\r\n\r\nno", "407 Proxy Authentication Required"),
        (b"HTTP/1.1 799 \x1b[2J\r\n\r\n", "799"),
        (b"HTTP/1.1 200 OK\r\n", "EOFError"),
        (b"SSH-2.0-\x1b[2J\r\n", "HTTP"),
        (b"", "reset|closed|lost|Reset"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 502 x\r\n\r\n", "502 Bad Gateway"),
    ],
)
def test_a_proxy_that_opens_no_tunnel_is_told_from_the_workspace(
    kind: str, answer: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer() as proxy:
        proxy.answers = [answer]
        monkeypatch.setenv("HTTPS_PROXY", proxy.host)
        with pytest.raises(errors.UnreachableError, match=said) as caught:
            ask(kind, "https://dbc.example.com")
    assert f"through the proxy {proxy.host.removeprefix('http://')}" in str(caught.value)
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(
    "host",
    [
        f"http://{'x' * 70}.example.com",
        f"https://{'x' * 70}.example.com",
        "https://a..example.com",
        "https://\N{LATIN SMALL LETTER U WITH DIAERESIS}..example.com",
        "https://.example.com",
        "https://a\0b.example.com",
    ],
)
def test_a_host_that_no_name_server_can_know_is_not_reachable(kind: str, host: str) -> None:
    with pytest.raises(errors.UnreachableError, match="Cannot connect to"):
        ask(kind, host)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_host_in_another_script_is_asked_by_its_name_on_the_wire(
    kind: str, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.reply(OK)
    monkeypatch.setenv("HTTP_PROXY", scripted.host)
    assert ask(kind, "http://\N{CYRILLIC SMALL LETTER YA}.example.com:81") == "hello"
    path, headers, _ = scripted.requests[0]
    assert headers["host"] == "xn--41a.example.com:81"
    assert path.startswith("http://xn--41a.example.com:81/")


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_host_that_hangs_up_in_the_handshake_is_away_not_untrusted(kind: str) -> None:
    def hang_up() -> None:
        with listener.accept()[0] as connection:
            connection.recv(1 << 16)

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        pool.submit(hang_up)
        with pytest.raises(errors.UnreachableError):
            ask(kind, f"https://127.0.0.1:{listener.getsockname()[1]}")


def test_a_connection_that_the_server_closed_while_idle_is_not_used_again(face: Face) -> None:
    face.server.reply(OK)

    def close() -> None:
        face.server.open[0].shutdown(socket.SHUT_RDWR)

    assert [str(each) for each in face.asked_around(close)] == ["hello", "hello"]
    assert face.server.connections == 2


def test_a_connection_that_was_idle_for_a_minute_is_not_used_again(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    face.server.reply(OK)

    def wait() -> None:
        monkeypatch.setattr(client_pool, "KEPT_SECONDS", 0.0)
        monkeypatch.setattr(loop_pool, "KEPT_SECONDS", 0.0)

    face.asked_around(wait)
    assert face.server.connections == 2
