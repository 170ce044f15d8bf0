"""HTTP by urllib3: one pool of kept connections for each workspace."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

from urllib3 import HTTPConnectionPool, ProxyManager, Timeout, connection_from_url, make_headers
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from chat.errors import CallTimeoutError, ChatError, ConnectionFailedError, UntrustedHostError
from chat.network import UNTRUSTED_REMEDY, proxy_for, tls_context
from chat.wire import Request, Response, is_stream

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

CONNECT_TIMEOUT = 10.0
"""Seconds for a connection to be made."""

_KEPT = 128
"""Idle connections kept for a workspace; more may be open at a time."""

_PIECE = 1 << 16
_DRAIN_TIMEOUT = 0.5


class Body(Protocol):
    """The rest of a response that is received piece by piece."""

    def receive(self) -> bytes:
        """Wait for the next bytes; empty at the end."""

    def close(self, *, reuse: bool) -> None:
        """Give the connection back, or cut it.

        Args:
            reuse: whether the answer is complete, so that only the end of the transfer is left to be read.
        """


class Transport(Protocol):
    """Sends requests. `ChatClient(transport=…)` takes another one."""

    def send(self, request: Request) -> tuple[Response, Body | None]:
        """Send a request and receive the response: whole, or its head and a body to be received.

        Raises:
            ConnectionFailedError: no answer came.
            CallTimeoutError: none came in time.
        """

    def close(self) -> None:
        """Close all connections."""


class PooledTransport:
    """The transport that `ChatClient` uses by default; safe to share between threads, and after a fork."""

    def __init__(self) -> None:
        self._ways: dict[str, _Way] = {}
        self._process = os.getpid()

    def send(self, request: Request) -> tuple[Response, Body | None]:
        """Send a request; see `Transport`."""
        way = self._way(request.host)
        try:
            raw = way.opener.urlopen(
                request.method,
                f"{way.prefix}{request.path}",
                body=request.body,
                headers=request.headers,
                retries=False,
                redirect=False,
                timeout=Timeout(connect=CONNECT_TIMEOUT, read=request.timeout),
                preload_content=False,
            )
            if request.stream and is_stream(raw.status, raw.headers.get("content-type")):
                return Response(raw.status, raw.headers, None), _PooledBody(raw, request)
            body = raw.data
            raw.release_conn()
        except (HTTPError, OSError) as error:
            raise _translated(error, request) from error
        return Response(raw.status, raw.headers, body), None

    def close(self) -> None:
        """Close all idle connections."""
        ways, self._ways = self._ways, {}
        for way in ways.values():
            way.close()

    def __getstate__(self) -> dict[str, object]:
        """Travel without connections: the copy opens its own."""
        return {"_ways": {}, "_process": -1}

    def _way(self, host: str) -> _Way:
        if self._process != os.getpid():
            # A forked child shares its parent's sockets: two processes reading one answer each get half of it.
            self._ways, self._process = {}, os.getpid()
        way = self._ways.get(host)
        return way if way is not None else self._ways.setdefault(host, _way_to(host))


class _Way(NamedTuple):
    """How to get to a host: directly, by path alone, or through a proxy, by whole URLs."""

    opener: HTTPConnectionPool | ProxyManager
    prefix: str

    def close(self) -> None:
        if isinstance(self.opener, ProxyManager):
            self.opener.clear()
        else:
            self.opener.close()


def _way_to(host: str) -> _Way:
    tls: dict[str, Any] = {"ssl_context": tls_context()} if host.startswith("https:") else {}
    proxy = proxy_for(host)
    if proxy is None:
        return _Way(connection_from_url(host, maxsize=_KEPT, **tls), "")
    user = unquote(urlsplit(proxy).netloc.rpartition("@")[0])
    headers = make_headers(proxy_basic_auth=user) if user else None
    return _Way(ProxyManager(proxy, maxsize=_KEPT, proxy_headers=headers, **tls), host)


class _PooledBody:
    def __init__(self, raw: BaseHTTPResponse, request: Request) -> None:
        self._raw = raw
        self._request = request

    def receive(self) -> bytes:
        try:
            return self._raw.read1(_PIECE)
        except (HTTPError, OSError) as error:
            raise _translated(error, self._request) from error

    def close(self, *, reuse: bool) -> None:
        if reuse:
            with contextlib.suppress(HTTPError, OSError):
                self._drain()
        # Only a body read to its end leaves the connection fit for the next request; close() cuts any other.
        self._raw.close()
        self._raw.release_conn()

    def _drain(self) -> None:
        """Read the transfer's end, but do not wait for a server that leaves the connection open after [DONE]."""
        connection = self._raw.connection
        sock = getattr(connection, "sock", None)
        if sock is not None:
            sock.settimeout(_DRAIN_TIMEOUT)
        while self._raw.read1(_PIECE):
            pass


def _translated(error: Exception, request: Request) -> ChatError:
    """Say in our own words why there was no answer; never the headers, which hold the token."""
    where = f"{request.host}{request.path}"
    if isinstance(error, (ReadTimeoutError, TimeoutError)) and not isinstance(error, ConnectTimeoutError):
        remedy = "Pass a longer timeout=; Databricks itself gives up after 297 s."
        return CallTimeoutError(f"{where} did not answer within {request.timeout:g} s.", remedy=remedy)
    if isinstance(error, SSLError):
        return UntrustedHostError(f"{request.host}: {error}", remedy=UNTRUSTED_REMEDY)
    if isinstance(error, (NewConnectionError, ConnectTimeoutError, ProxyError)):
        reason = str(error.__cause__ or "no connection")
        return ConnectionFailedError(f"Cannot connect to {request.host}: {reason}.", remedy="Check DATABRICKS_HOST.")
    return ConnectionFailedError(f"The connection to {where} was lost: {type(error).__name__}.")
