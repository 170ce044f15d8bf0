"""HTTP by aiohttp: one session for each event loop, with as many connections as there are calls."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, NamedTuple, Protocol

import aiohttp

from chat.errors import (
    TIMEOUT_REMEDY,
    CallTimeoutError,
    ChatError,
    ConnectionFailedError,
    UnreachableError,
    UntrustedHostError,
)
from chat.network import UNTRUSTED_REMEDY, proxy_for, tls_context
from chat.wire import Request, Response, is_stream, too_large

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator

CONNECT_TIMEOUT = 10.0
"""Seconds for a connection to be made."""

_DRAIN_TIMEOUT = 0.5


class AsyncBody(Protocol):
    """The rest of a response that is received piece by piece."""

    async def receive(self) -> bytes:
        """Wait for the next bytes; empty at the end."""

    async def close(self, *, reuse: bool) -> None:
        """Give the connection back, or cut it.

        Args:
            reuse: whether the answer is complete, so that only the end of the transfer is left to be read.
        """


class AsyncTransport(Protocol):
    """Sends requests. `AsyncChatClient(transport=…)` takes another one."""

    async def send(self, request: Request) -> tuple[Response, AsyncBody | None]:
        """Send a request and receive the response: whole, or its head and a body to be received.

        Raises:
            ConnectionFailedError: no answer came.
            CallTimeoutError: none came in time.
        """

    async def close(self) -> None:
        """Close all connections."""


class LoopTransport:
    """The transport that `AsyncChatClient` uses by default.

    Connections belong to the event loop in which they were made, so each loop has its own, and they are closed with
    it: one client works in one `asyncio.run` after the other.
    """

    def __init__(self) -> None:
        self._sessions: dict[asyncio.AbstractEventLoop, _LoopSession] = {}
        self._ways: dict[str, _Way] = {}

    async def send(self, request: Request) -> tuple[Response, AsyncBody | None]:
        """Send a request; see `AsyncTransport`."""
        session = (self._sessions.get(asyncio.get_running_loop()) or await self._opened()).session
        way = self._ways.get(request.host) or self._ways.setdefault(request.host, _way_to(request.host))
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT, sock_read=request.timeout)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT + request.timeout):  # aiohttp's begins anew with each byte
                raw = await session.request(
                    request.method,
                    f"{request.host}{request.path}",
                    data=request.body,
                    headers=request.headers,
                    timeout=timeout,
                    allow_redirects=False,
                    proxy=way.proxy,
                    ssl=way.tls,
                )
            if request.stream and is_stream(raw.status, raw.headers.get("content-type")):
                return Response(raw.status, raw.headers, None), _LoopBody(raw, request)
            return Response(raw.status, raw.headers, await _whole(raw, request)), None
        except (aiohttp.ClientError, OSError) as error:
            raise _translated(error, request) from error

    async def close(self) -> None:
        """Close the connections of the running event loop."""
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.closing.aclose()

    def __getstate__(self) -> dict[str, object]:
        """Travel without connections: the copy opens its own."""
        return {"_sessions": {}, "_ways": {}}

    async def _opened(self) -> _LoopSession:
        for loop in [loop for loop in self._sessions if loop.is_closed()]:
            del self._sessions[loop]
        # No limit: aiohttp's default of 100 would queue calls behind slow answers without a word.
        # No trust_env: with it, aiohttp would send a password from ~/.netrc instead of our token.
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar())
        opened = _LoopSession(session, _open_with_the_loop(session))
        self._sessions[asyncio.get_running_loop()] = opened
        await anext(opened.closing)
        return opened


class _LoopSession(NamedTuple):
    """A session, and the generator that closes it: asyncio.run ends its loop by closing all its generators."""

    session: aiohttp.ClientSession
    closing: AsyncGenerator[None, None]


class _Way(NamedTuple):
    """How to get to a host: through which proxy, and by which certificates it is known."""

    proxy: str | None
    tls: ssl.SSLContext | bool


def _way_to(host: str) -> _Way:
    return _Way(proxy_for(host), tls_context() if host.startswith("https:") else True)


async def _open_with_the_loop(session: aiohttp.ClientSession) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await session.close()


class _LoopBody:
    def __init__(self, raw: aiohttp.ClientResponse, request: Request) -> None:
        self._raw = raw
        self._request = request
        self._drained = False

    async def receive(self) -> bytes:
        try:
            return await self._raw.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            if left := self._left():
                return left
            raise _translated(error, self._request) from error

    def _left(self) -> bytes:
        """What had come before the connection went away: aiohttp tells of the end ahead of it, and drops it."""
        if self._drained:
            return b""
        self._drained = True
        with contextlib.suppress(OSError):  # its own timeout, where that is what ended it
            return self._raw.content._read_nowait(-1)  # noqa: SLF001 - its public reads raise before they look
        return b""

    async def close(self, *, reuse: bool) -> None:
        if reuse:
            # Read the transfer's end, but do not wait for a server that leaves the connection open after [DONE].
            with contextlib.suppress(aiohttp.ClientError, OSError):
                await asyncio.wait_for(self._raw.read(), _DRAIN_TIMEOUT)
        # A response read to its end has given its connection back already; close() cuts any other.
        self._raw.close()


async def _whole(raw: aiohttp.ClientResponse, request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(request.timeout):
            while len(body) <= request.max_bytes and (piece := await raw.content.readany()):
                body += piece
    except BaseException:
        raw.close()  # also when it is cancelled: what is left of this answer is not the next one's
        raise
    if len(body) <= request.max_bytes:
        return bytes(body)
    raw.close()
    raise too_large(request)


def _translated(error: Exception, request: Request) -> ChatError:
    """Say in our own words why there was no answer; never the headers, which hold the token."""
    where = f"{request.host}{request.path}"
    if isinstance(error, aiohttp.ClientSSLError):
        return UntrustedHostError(f"{request.host}: {error}", remedy=UNTRUSTED_REMEDY)
    if isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)):
        reason = str(getattr(error, "os_error", "")) or "no connection in time"
        return UnreachableError(f"Cannot connect to {request.host}: {reason}.", remedy="Check DATABRICKS_HOST.")
    if isinstance(error, TimeoutError):
        return CallTimeoutError(f"{where} did not answer within {request.timeout:g} s.", remedy=TIMEOUT_REMEDY)
    return ConnectionFailedError(f"The connection to {where} was lost: {type(error).__name__}.")
