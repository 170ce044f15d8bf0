"""HTTP for the asynchronous client: connections of their own for each event loop, as many as there are calls."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from typing import TYPE_CHECKING, NamedTuple, Protocol

from chat.aio.connection import LOST, Connection
from chat.aio.pool import Pool
from chat.errors import TIMEOUT_REMEDY, CallTimeoutError, ChatError, ConnectionFailedError
from chat.route import Route, written
from chat.wire import Request, Response, is_stream, too_large, unpacker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

_DRAIN_TIMEOUT = 0.5
_BROKEN = (*LOST, zlib.error)


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
        self._loops: dict[asyncio.AbstractEventLoop, _LoopPools] = {}
        self._routes: dict[str, Route] = {}

    async def send(self, request: Request) -> tuple[Response, AsyncBody | None]:
        """Send a request; see `AsyncTransport`."""
        here = self._loops.get(asyncio.get_running_loop()) or await self._opened()
        pool = here.pools.get(request.host)
        if pool is None:
            pool = here.pools.setdefault(request.host, Pool(self._route(request.host), asyncio.get_running_loop()))
        connection = pool.kept() or await pool.made()
        try:
            connection.send(written(request, pool.route))
            connection.within(request.timeout)
            await connection.head()
            if request.stream and is_stream(connection.status, connection.headers.get("content-type")):
                return Response(connection.status, connection.headers, None), _LoopBody(connection, pool, request)
            body = await _whole(connection, request)
        except _BROKEN as error:
            connection.cut()
            raise _translated(error, request) from error
        except BaseException:
            connection.cut()  # also when it is cancelled: what is left of this answer is not the next one's
            raise
        response = Response(connection.status, connection.headers, body)
        pool.take_back(connection)
        return response, None

    async def close(self) -> None:
        """Close the connections of the running event loop."""
        here = self._loops.pop(asyncio.get_running_loop(), None)
        if here is not None:
            await here.closing.aclose()

    def __getstate__(self) -> dict[str, object]:
        """Travel without connections: the copy opens its own."""
        return {"_loops": {}, "_routes": {}}

    def _route(self, host: str) -> Route:
        return self._routes.get(host) or self._routes.setdefault(host, Route.to(host))

    async def _opened(self) -> _LoopPools:
        for loop in [loop for loop in self._loops if loop.is_closed()]:
            del self._loops[loop]
        pools: dict[str, Pool] = {}
        opened = self._loops[asyncio.get_running_loop()] = _LoopPools(pools, _open_with_the_loop(pools))
        await anext(opened.closing)
        return opened


class _LoopPools(NamedTuple):
    """A loop's pools by host, and the generator that closes them: asyncio.run ends its loop by closing all its own."""

    pools: dict[str, Pool]
    closing: AsyncGenerator[None, None]


async def _open_with_the_loop(pools: dict[str, Pool]) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        for pool in pools.values():
            await pool.close()


class _LoopBody:
    def __init__(self, connection: Connection, pool: Pool, request: Request) -> None:
        self._connection = connection
        self._pool = pool
        self._request = request
        self._unpacked = unpacker(connection.headers)

    async def receive(self) -> bytes:
        self._connection.within(self._request.timeout)
        try:
            piece = await self._connection.piece()
            while self._unpacked is not None and piece:
                if plain := self._unpacked.decompress(piece):
                    return plain  # a packed piece may hold less than a byte of text
                piece = await self._connection.piece()
        except _BROKEN as error:
            raise _translated(error, self._request) from error
        return piece

    async def close(self, *, reuse: bool) -> None:
        if reuse:
            # Read the transfer's end, but do not wait for a server that leaves the connection open after [DONE].
            self._connection.within(_DRAIN_TIMEOUT)
            with contextlib.suppress(*LOST):
                while await self._connection.piece():
                    pass
        self._pool.take_back(self._connection)


async def _whole(connection: Connection, request: Request) -> bytes:
    connection.within(request.timeout)
    body = await connection.piece()
    most = request.max_bytes + 1
    while len(body) < most and (piece := await connection.piece()):
        body += piece
    unpacked = unpacker(connection.headers)
    if unpacked is not None and len(body) < most:
        body = unpacked.decompress(body, most)
    if len(body) >= most:
        raise too_large(request)
    return body


def _translated(error: Exception, request: Request) -> ChatError:
    """Say in our own words why there was no answer; never the headers, which hold the token."""
    where = f"{request.host}{request.path}"
    if isinstance(error, TimeoutError):
        return CallTimeoutError(f"{where} did not answer within {request.timeout:g} s.", remedy=TIMEOUT_REMEDY)
    return ConnectionFailedError(f"The connection to {where} was lost: {type(error).__name__}.")
