"""HTTP for the asynchronous client: connections of their own for each event loop, as many as there are calls."""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from typing import TYPE_CHECKING, NamedTuple, Protocol

from chat.aio.pool import Pool
from chat.reading import BROKEN
from chat.route import DRAIN_SECONDS, Route, broken, written
from chat.wire import Request, Response, is_stream, unpacking, whole

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from chat.aio.connection import Connection
    from chat.reading import Headers


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
        # A client that nobody closed leaves no open sockets. That its generators end with it is too late for that where
        # the loop ends as well: the tasks that would close them are cancelled before they begin.
        weakref.finalize(self, _cut_all, self._loops)

    async def send(self, request: Request) -> tuple[Response, AsyncBody | None]:
        """Send a request; see `AsyncTransport`."""
        here = self._loops.get(asyncio.get_running_loop()) or await self._opened()
        pool = here.pools.get(request.host)
        if pool is None:
            pool = here.pools.setdefault(request.host, Pool(self._route(request.host), asyncio.get_running_loop()))
        connection = pool.kept() or await pool.made()
        streams = False
        try:
            connection.send(written(request, pool.route))
            connection.within(request.timeout)
            status, headers = await connection.head()
            streams = request.stream and is_stream(status, headers.get("content-type"))
            body = None if streams else await _whole(connection, headers, request)
        except BROKEN as error:
            raise broken(error, request) from error
        finally:
            if not streams:
                # which closes it if it was cancelled: what is left of this answer is not the next call's
                pool.take_back(connection)
        return Response(status, headers, body), _LoopBody(connection, headers, pool, request) if streams else None

    async def close(self) -> None:
        """Close the connections of the running event loop."""
        here = self._loops.pop(asyncio.get_running_loop(), None)
        if here is not None:
            await here.closing.aclose()

    def __reduce__(self) -> tuple[type[LoopTransport], tuple[()]]:
        """Travel without connections: the copy opens its own."""
        return LoopTransport, ()

    def _route(self, host: str) -> Route:
        return self._routes.get(host) or self._routes.setdefault(host, Route.to(host))

    async def _opened(self) -> _LoopPools:
        for loop in list(self._loops):  # other threads' loops come and go meanwhile
            if loop.is_closed():
                self._loops.pop(loop, None)
        pools: dict[str, Pool] = {}
        opened = self._loops[asyncio.get_running_loop()] = _LoopPools(pools, _open_with_the_loop(pools))
        await anext(opened.closing)
        return opened


class _LoopPools(NamedTuple):
    """A loop's pools by host, and the generator that closes them: asyncio.run ends its loop by closing all its own."""

    pools: dict[str, Pool]
    closing: AsyncGenerator[None, None]


def _cut_all(loops: dict[asyncio.AbstractEventLoop, _LoopPools]) -> None:
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        running = None
    for loop, here in loops.items():
        for pool in here.pools.values():
            if loop is running:
                pool.close()
            elif not loop.is_closed():
                loop.call_soon_threadsafe(pool.close)


async def _open_with_the_loop(pools: dict[str, Pool]) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        await asyncio.gather(*[gone for pool in pools.values() for gone in pool.close()])


class _LoopBody:
    def __init__(self, connection: Connection, headers: Headers, pool: Pool, request: Request) -> None:
        self._connection = connection
        self._pool = pool
        self._request = request
        self._packed = unpacking(headers)

    async def receive(self) -> bytes:
        connection = self._connection
        connection.within(self._request.timeout)
        try:
            if self._packed is None:
                return await connection.piece()
            while not (plain := self._packed.more()):  # a packed piece may hold less than a byte of text
                if not (piece := await connection.piece()):
                    return b""
                self._packed.take(piece)
        except BROKEN as error:
            raise broken(error, self._request) from error
        return plain

    async def close(self, *, reuse: bool) -> None:
        try:
            if reuse:
                # Read the transfer's end, but do not wait for a server that leaves the connection open after [DONE].
                self._connection.within(DRAIN_SECONDS)
                with contextlib.suppress(*BROKEN):
                    while await self._connection.piece():
                        pass
        finally:
            self._pool.take_back(self._connection)


async def _whole(connection: Connection, headers: Headers, request: Request) -> bytes:
    connection.within(request.timeout)
    length, pieces = 0, []
    while length <= request.max_bytes and (piece := await connection.piece()):
        pieces.append(piece)
        length += len(piece)
    return whole(pieces, headers, request)
