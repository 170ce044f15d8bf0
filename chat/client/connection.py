"""One HTTP/1.1 connection over sockets and `http.client`'s reading of responses.

A pool of a general HTTP library spends more on a call than the call itself: requests here are one method, a handful of
headers and a body that is at hand, so they are written in one piece and sent with one system call.
"""

from __future__ import annotations

import contextlib
import re
import select
import socket
from base64 import b64encode
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, IncompleteRead
from io import BufferedReader, BytesIO, RawIOBase
from ssl import SSLError
from time import monotonic
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

from chat.errors import UnreachableError, UntrustedHostError
from chat.network import UNTRUSTED_REMEDY, proxy_for, tls_context

if TYPE_CHECKING:
    from io import BufferedIOBase
    from ssl import SSLContext

    from _typeshed import WriteableBuffer

    from chat.wire import Request

CONNECT_TIMEOUT = 10.0
"""Seconds for a connection to be made."""

_PORTS = {"http": 80, "https": 443}
_OK = 200
_AHEAD = re.compile(rb"HTTP/1\.\d 1(?!01)\d\d\b")
_MOST_HEADS, _MOST_LINES, _LONGEST_LINE = 32, 128, 1 << 16


@dataclass(frozen=True, slots=True)
class Address:
    """Where a URL points to.

    Attributes:
        name: the host's name or address.
        port: its port.
        netloc: both as the URL has them, for the Host header.
        tls: how its certificate is checked; None for plain HTTP.
        login: the `user:password` of the URL, or an empty string.
    """

    name: str
    port: int
    netloc: str
    tls: SSLContext | None
    login: str = ""

    @classmethod
    def of(cls, url: str) -> Self:
        """Read a URL of scheme http or https."""
        parts = urlsplit(url)
        login, _, netloc = parts.netloc.rpartition("@")
        context = tls_context() if parts.scheme == "https" else None
        return cls(parts.hostname or "", parts.port or _PORTS[parts.scheme], netloc, context, unquote(login))


@dataclass(frozen=True, slots=True)
class Route:
    """How to get to a workspace.

    Attributes:
        host: the workspace's scheme, host and port.
        target: the same, read.
        proxy: what is in between, if anything.
        prefix: what a request's first line puts before the path: nothing, or for a proxy that is asked in plain HTTP
            the whole origin.
        headers: further header lines, for such a proxy.
    """

    host: str
    target: Address
    proxy: Address | None = None
    prefix: str = ""
    headers: str = ""

    @classmethod
    def to(cls, host: str) -> Self:
        """Find the way to a host, as the environment says.

        Args:
            host: scheme, host and port.

        Raises:
            UntrustedHostError: the certificate bundle that the environment names cannot be read.
            UnreachableError: the proxy that it names is of a kind that is not known here.
        """
        target, proxy = Address.of(host), proxy_for(host)
        if proxy is None:
            return cls(host, target)
        if urlsplit(proxy).scheme not in _PORTS:
            raise UnreachableError(
                f"Cannot connect to {host}: a proxy by {urlsplit(proxy).scheme}:// is not supported.",
                remedy="Name an http:// or https:// proxy in HTTPS_PROXY.",
            )
        between = Address.of(proxy)
        if target.tls is not None:
            return cls(host, target, between)
        return cls(host, target, between, prefix=host, headers=_proxy_login(between))

    def connect(self) -> socket.socket:
        """Open a socket on which the workspace answers.

        Raises:
            UnreachableError: there is none to be had.
            UntrustedHostError: a certificate on the way is not one to trust.
        """
        hop = self.proxy or self.target
        try:
            sock = socket.create_connection((hop.name, hop.port), CONNECT_TIMEOUT)
        except OSError as error:
            raise self._unreachable(error) from error
        try:
            # A request is one write: waiting to fill a packet (Nagle) would only delay it.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hop.tls is not None:
                sock = hop.tls.wrap_socket(sock, server_hostname=hop.name)
            if self.proxy is not None and self.target.tls is not None:
                self._tunnel(sock, self.proxy)
                sock = _wrapped(sock, self.target, self.target.tls, twice=self.proxy.tls is not None)
        except SSLError as error:
            sock.close()
            raise UntrustedHostError(f"{hop.netloc}: {error}", remedy=UNTRUSTED_REMEDY) from error
        except (OSError, HTTPException) as error:
            sock.close()
            raise self._unreachable(error) from error
        return sock

    def _tunnel(self, sock: socket.socket, proxy: Address) -> None:
        target = f"{self.target.name}:{self.target.port}"
        sock.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{_proxy_login(proxy)}\r\n".encode())
        response = HTTPResponse(sock, method="CONNECT")
        response.begin()
        if response.status != _OK:
            raise OSError(f"the proxy {proxy.netloc} answered {response.status} {response.reason}")

    def _unreachable(self, error: Exception) -> UnreachableError:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        through = f" through the proxy {self.proxy.netloc}" if self.proxy is not None else ""
        return UnreachableError(f"Cannot connect to {self.host}{through}: {reason}.", remedy="Check DATABRICKS_HOST.")


class _Incoming(RawIOBase):
    """A socket's bytes, up to a time: its own timeout begins anew with each byte, and a server may send them singly."""

    def __init__(self, incoming: RawIOBase) -> None:
        self._incoming = incoming
        self.ends = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        if monotonic() > self.ends:
            raise TimeoutError
        return self._incoming.readinto(buffer)

    def close(self) -> None:
        self._incoming.close()
        super().close()


class Answer(HTTPResponse):
    """A response whose head is whole, and which does not drip in for ever.

    The standard library takes a head that is cut off for one that ends there, and of the answers that come ahead of
    the final one (103 Early Hints) it knows 100 alone.
    """

    def __init__(self, sock: socket.socket, *, method: str, timeout: float) -> None:
        super().__init__(sock, method=method)
        self._timeout = timeout
        self._incoming = _Incoming(self.fp.detach())
        self.fp = BufferedReader(self._incoming)
        self.go_on()

    def go_on(self) -> None:
        """Let what is read next, the head, a whole body or a piece of a stream, take the timeout once more."""
        self._incoming.ends = monotonic() + self._timeout

    def begin(self) -> None:
        """Read the head."""
        received = self.fp
        self.fp = BufferedReader(BytesIO(_final_head(received)))
        super().begin()
        self.fp = received


def _final_head(received: BufferedIOBase) -> bytes:
    for _ in range(_MOST_HEADS):
        lines: list[bytes] = []
        while (line := received.readline(_LONGEST_LINE)) not in {b"\r\n", b"\n"}:
            if not line.endswith(b"\n") or len(lines) == _MOST_LINES:
                raise IncompleteRead(b"")
            lines.append(line)
        if not _AHEAD.match(lines[0] if lines else b""):
            return b"".join([*lines, b"\r\n"])
    raise IncompleteRead(b"")


class Connection:
    """A kept connection: one exchange after the other.

    Args:
        route: how it gets to the workspace.
    """

    def __init__(self, route: Route) -> None:
        self._sock = route.connect()
        self._response: Answer | None = None
        self._timeout = CONNECT_TIMEOUT

    @property
    def stale(self) -> bool:
        """Whether the server has closed it while it was idle: then it is readable though nothing was asked."""
        return _readable(self._sock)

    def settimeout(self, seconds: float) -> None:
        """Limit how long each read and write may take from now on."""
        self._sock.settimeout(seconds)

    def send(self, message: bytes, *, timeout: float) -> None:
        """Send a whole request.

        Args:
            message: its bytes, from `written`.
            timeout: seconds that it may take, and then each read, and then each part of the answer.

        Raises:
            OSError: the connection is gone.
        """
        self._timeout = timeout
        self._sock.settimeout(timeout)
        self._sock.sendall(message)

    def receive(self, method: str) -> Answer:
        """Receive the response's head.

        Args:
            method: that of the request.

        Raises:
            OSError: the connection is gone, or nothing came in time.
            HTTPException: what came is no HTTP.
        """
        self._response = Answer(self._sock, method=method, timeout=self._timeout)
        self._response.begin()
        return self._response

    @property
    def reusable(self) -> bool:
        """Whether the response was read to its end, and the server will take another request."""
        return self._response is not None and self._response.isclosed() and not self._response.will_close

    def close(self) -> None:
        """Close it."""
        with contextlib.suppress(OSError):
            if self._response is not None:
                self._response.close()  # it holds the socket open as well
            self._sock.close()


def written(request: Request, route: Route) -> bytes:
    """Write a request, head and body, as it goes over the wire."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in request.headers.items()])
    length = f"Content-Length: {len(request.body)}\r\n" if request.body is not None else ""
    head = (
        f"{request.method} {route.prefix}{request.path} HTTP/1.1\r\nHost: {route.target.netloc}\r\n"
        f"Accept-Encoding: identity\r\n{route.headers}{lines}{length}\r\n"
    )
    return head.encode("latin-1") + (request.body or b"")


def _proxy_login(proxy: Address) -> str:
    return f"Proxy-Authorization: Basic {b64encode(proxy.login.encode()).decode()}\r\n" if proxy.login else ""


def _wrapped(sock: socket.socket, target: Address, context: SSLContext, *, twice: bool) -> socket.socket:
    if not twice:
        return context.wrap_socket(sock, server_hostname=target.name)
    # TLS inside the TLS to an https:// proxy: the standard library has no socket for it.
    from urllib3.util.ssltransport import SSLTransport  # noqa: PLC0415 - rare, and slow to import

    return SSLTransport(sock, context, server_hostname=target.name)  # type: ignore[return-value]  # a socket in all that is used here


def _readable(sock: socket.socket) -> bool:
    if hasattr(select, "poll"):
        poll = select.poll()  # select() itself cannot watch descriptors above 1024
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([sock], [], [], 0)[0])
