"""One HTTP/1.1 connection over a socket.

A pool of a general HTTP library spends more on a call than the call itself: requests here are one method, a handful of
headers and a body that is at hand, so they are written in one piece and sent with one system call.
"""

from __future__ import annotations

import contextlib
import socket
import weakref
from ssl import SSLEOFError, SSLError
from time import monotonic
from typing import TYPE_CHECKING, Final

from chat.network import attend, is_readable
from chat.reading import BROKEN, Headers, Reading
from chat.route import CONNECT_TIMEOUT, Address, Route, untrusted

if TYPE_CHECKING:
    from ssl import SSLContext

_PIECE: Final = 1 << 16


class Connection:
    """A kept connection: one exchange after the other.

    Args:
        sock: connected to whoever answers.

    Attributes:
        idle_since: when its last exchange was over, by `time.monotonic`.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        # A stream that nobody reads to its end leaves no open socket: this comes before any finalizer in a cycle.
        self._closing = weakref.finalize(self, _close, sock)
        self._reading = Reading()
        self._ends = 0.0
        self._sent_whole = False
        self.idle_since = 0.0

    @property
    def stale(self) -> bool:
        """Whether the server has closed it while it was idle: then it is readable though nothing was asked."""
        return is_readable(self._sock)

    def send(self, message: bytes, *, timeout: float) -> None:
        """Send a whole request.

        Args:
            message: its bytes, from `written`.
            timeout: seconds that it may take.

        Raises:
            OSError: the connection is gone.
        """
        self._reading.begin()
        self._sent_whole = True
        self._sock.settimeout(timeout)
        try:
            self._sock.sendall(message)
        except (BrokenPipeError, ConnectionResetError) as error:
            # A server may refuse a request that it has not taken whole (413), and close: what it said is still there.
            self._sent_whole = False
            self.within(timeout)
            try:
                self._receive()
            except BROKEN:
                raise error from None

    def within(self, seconds: float) -> None:
        """Let what is waited for next, the head, a whole body or a piece of a stream, take so many seconds in all.

        The socket's own timeout begins anew with each byte, and a server may send them singly.
        """
        self._ends = monotonic() + seconds

    def head(self) -> tuple[int, Headers]:
        """Wait for the response's status and headers.

        Raises:
            OSError: the connection is gone (also `EOFError`), or nothing came in time.
            HttpParserError: what came is no HTTP.
        """
        reading = self._reading
        while not reading.status:
            self._receive()
        return reading.status, reading.headers

    def piece(self) -> bytes:
        """Wait for the next bytes of the body; empty at its end. Errors as those of `head`."""
        reading = self._reading
        while not reading.held and not reading.complete:
            self._receive()
        return reading.take()

    @property
    def reusable(self) -> bool:
        """Whether the response was read to its end, and the server will take another request."""
        reading = self._reading
        return reading.complete and reading.keeps and not reading.held and self._sent_whole

    def close(self) -> None:
        """Close it."""
        self._closing()

    def release(self) -> socket.socket:
        """Leave the socket to another connection, which speaks through what was opened here (a tunnel)."""
        self._closing.detach()
        return self._sock

    def _receive(self) -> None:
        left = self._ends - monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        data = self._sock.recv(_PIECE)
        if data:
            self._reading.feed(data)
        else:
            self._reading.end()


def connected(route: Route) -> Connection:
    """Open a connection on which the workspace answers.

    Args:
        route: how it gets there.

    Raises:
        UnreachableError: there is none to be had.
        UntrustedHostError: a certificate on the way is not one to trust.
    """
    try:
        return Connection(_opened(route))
    except (*BROKEN, ValueError) as error:  # ValueError: a name that no certificate can have
        raise route.unreachable(error) from error


def _opened(route: Route) -> socket.socket:
    hop = route.first_hop
    sock = socket.create_connection((hop.name, hop.port), CONNECT_TIMEOUT)
    try:
        attend(sock)
        if hop.tls is not None:
            sock = _secured(sock, hop, hop.tls)
        opening = route.opening()
        if opening is not None and route.target.tls is not None:
            tunnel = Connection(sock)
            tunnel.send(opening, timeout=CONNECT_TIMEOUT)
            tunnel.within(CONNECT_TIMEOUT)
            route.admitted(tunnel.head()[0])
            sock = _secured(tunnel.release(), route.target, route.target.tls, twice=hop.tls is not None)
    except BaseException:
        sock.close()
        raise
    return sock


def _close(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.close()


def _secured(sock: socket.socket, whose: Address, context: SSLContext, *, twice: bool = False) -> socket.socket:
    sock.settimeout(CONNECT_TIMEOUT)
    try:
        if not twice:
            return context.wrap_socket(sock, server_hostname=whose.name)
        # TLS inside the TLS to an https:// proxy: the standard library has no socket for it.
        from urllib3.util.ssltransport import SSLTransport  # noqa: PLC0415 - rare, and slow to import

        return SSLTransport(sock, context, server_hostname=whose.name)  # type: ignore[return-value]  # a socket in all that is used here
    except SSLEOFError:
        raise  # it is gone, which says nothing of its certificate
    except SSLError as error:
        raise untrusted(whose, error) from error
