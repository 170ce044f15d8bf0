"""One HTTP/1.1 connection over sockets and `http.client`'s reading of responses.

A pool of a general HTTP library spends more on a call than the call itself: requests here are one method, a handful of
headers and a body that is at hand, so they are written in one piece and sent with one system call.
"""

from __future__ import annotations

import contextlib
import re
import socket
from http.client import HTTPException, HTTPResponse, IncompleteRead
from io import BufferedReader, BytesIO, RawIOBase
from ssl import SSLError
from time import monotonic
from typing import TYPE_CHECKING

from chat.network import is_readable
from chat.route import CONNECT_TIMEOUT, Address, Route, untrusted

if TYPE_CHECKING:
    from io import BufferedIOBase
    from ssl import SSLContext

    from _typeshed import WriteableBuffer

_OK = 200
_AHEAD = re.compile(rb"HTTP/1\.\d 1(?!01)\d\d\b")
_MOST_HEADS, _MOST_LINES, _LONGEST_LINE = 32, 128, 1 << 16


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
        self._sock = _connected(route)
        self._response: Answer | None = None
        self._timeout = CONNECT_TIMEOUT

    @property
    def stale(self) -> bool:
        """Whether the server has closed it while it was idle: then it is readable though nothing was asked."""
        return is_readable(self._sock)

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


def _connected(route: Route) -> socket.socket:
    """Open a socket on which the workspace answers.

    Raises:
        UnreachableError: there is none to be had.
        UntrustedHostError: a certificate on the way is not one to trust.
    """
    hop, target = route.first_hop, route.target
    try:
        sock = socket.create_connection((hop.name, hop.port), CONNECT_TIMEOUT)
    except OSError as error:
        raise route.unreachable(error) from error
    asked = hop
    try:
        # A request is one write: waiting to fill a packet (Nagle) would only delay it.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hop.tls is not None:
            sock = hop.tls.wrap_socket(sock, server_hostname=hop.name)
        opening = route.opening()
        if opening is not None and target.tls is not None:
            _open_tunnel(sock, opening, route)
            asked = target
            sock = _wrapped(sock, target, target.tls, twice=hop.tls is not None)
    except SSLError as error:
        sock.close()
        raise untrusted(asked, error) from error
    except (OSError, HTTPException) as error:
        sock.close()
        raise route.unreachable(error) from error
    return sock


def _open_tunnel(sock: socket.socket, opening: bytes, route: Route) -> None:
    sock.sendall(opening)
    response = HTTPResponse(sock, method="CONNECT")
    response.begin()
    if response.status != _OK:
        raise route.refused(response.status, response.reason)


def _wrapped(sock: socket.socket, target: Address, context: SSLContext, *, twice: bool) -> socket.socket:
    if not twice:
        return context.wrap_socket(sock, server_hostname=target.name)
    # TLS inside the TLS to an https:// proxy: the standard library has no socket for it.
    from urllib3.util.ssltransport import SSLTransport  # noqa: PLC0415 - rare, and slow to import

    return SSLTransport(sock, context, server_hostname=target.name)  # type: ignore[return-value]  # a socket in all that is used here
