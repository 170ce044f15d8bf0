"""The connections of one event loop to one workspace: made when none is idle, kept while they are fresh."""

from __future__ import annotations

import asyncio
import re
import socket
from ssl import SSLError
from typing import TYPE_CHECKING, cast

from aiohappyeyeballs import start_connection

from chat.aio.connection import Connection
from chat.route import CONNECT_TIMEOUT, Route, untrusted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ssl import SSLContext

    from aiohappyeyeballs import AddrInfoType

    from chat.route import Address

_KEPT_SECONDS = 60.0
"""Idle connections are kept so long: gateways and firewalls forget them without a word, some after four minutes."""

_RESOLVED_SECONDS = 10.0
_NEXT_ADDRESS_SECONDS = 0.25
_OK = 200
_LONGEST_HEAD = 1 << 16
_STATUS_LINE = re.compile(rb"HTTP/1\.\d (\d{3}) ?([^\r\n]*)")


class Pool:
    """The connections to one workspace, as many as there are calls at a time.

    Args:
        route: how they get there.
        loop: the running event loop.

    Attributes:
        route: as given.
    """

    def __init__(self, route: Route, loop: asyncio.AbstractEventLoop) -> None:
        self.route = route
        self._loop = loop
        self._open: set[Connection] = set()
        self._idle: dict[Connection, None] = {}  # in the order of their last use
        self._addresses: asyncio.Task[Sequence[AddrInfoType]] | None = None
        self._resolved_at = 0.0

    def kept(self) -> Connection | None:
        """Take the idle connection that was used last, if one has survived."""
        fresh = self._loop.time() - _KEPT_SECONDS
        while self._idle:
            connection, _ = self._idle.popitem()
            if connection.idle_since >= fresh and not connection.stale:
                return connection
            connection.cut()
        return None

    async def made(self) -> Connection:
        """Open a connection on which the workspace answers.

        Raises:
            UnreachableError: there is none to be had.
            UntrustedHostError: a certificate on the way is not one to trust.
        """
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                return await self._connected()
        except TimeoutError as error:
            raise self.route.unreachable(TimeoutError("no connection in time")) from error
        except (OSError, UnicodeError) as error:
            raise self.route.unreachable(error) from error

    def take_back(self, connection: Connection) -> None:
        """Keep a connection for the next call, if it is fit for one."""
        if not connection.reusable:
            connection.cut()
            return
        connection.idle_since = now = self._loop.time()
        self._idle[connection] = None
        oldest = next(iter(self._idle))
        if oldest.idle_since < now - _KEPT_SECONDS:  # one goes for each that comes: those of a burst do not stay
            del self._idle[oldest]
            oldest.cut()

    async def close(self) -> None:
        """Close all connections, and wait until they are closed."""
        gone = [connection.gone for connection in self._open]
        for connection in list(self._open):
            connection.cut()
        await asyncio.gather(*gone)

    async def _connected(self) -> Connection:
        route = self.route
        connection = Connection(self._loop, self._forget)
        opening = route.opening()
        if opening is None or route.target.tls is None:
            await self._dialled(connection)
        else:
            tunnel = _Tunnel(self._loop, opening)
            transport = await self._dialled(tunnel)
            try:
                await self._admitted(tunnel)
                connection.connection_made(await self._secured(transport, connection, route.target.tls))
            except BaseException:
                transport.abort()
                raise
        if not connection.gone.done():
            self._open.add(connection)
        return connection

    async def _dialled(self, protocol: asyncio.Protocol) -> asyncio.Transport:
        hop = self.route.first_hop
        # Of several addresses, the next is tried when one hesitates (RFC 8305), in uvloop as well.
        sock = await start_connection(await self._resolved(), happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS)
        name = hop.name if hop.tls is not None else None
        try:
            transport, _ = await self._loop.create_connection(
                lambda: protocol, sock=sock, ssl=hop.tls, server_hostname=name
            )
        except SSLError as error:
            raise untrusted(hop, error) from error
        return transport

    async def _admitted(self, tunnel: _Tunnel) -> None:
        status, reason = await tunnel.answered
        if status != _OK:
            raise self.route.refused(status, reason)

    async def _secured(
        self, transport: asyncio.Transport, connection: Connection, tls: SSLContext
    ) -> asyncio.Transport:
        target = self.route.target
        try:
            secured = await self._loop.start_tls(transport, connection, tls, server_hostname=target.name)
        except SSLError as error:
            raise untrusted(target, error) from error
        if secured is None:  # uvloop says so of a connection that was lost meanwhile
            raise ConnectionResetError
        return secured

    async def _resolved(self) -> Sequence[AddrInfoType]:
        """Resolve the host's name, once for all that ask at a time: the loop has a handful of threads for that."""
        known, now = self._addresses, self._loop.time()
        if known is None or (known.done() and (now > self._resolved_at + _RESOLVED_SECONDS or _failed(known))):
            hop = self.route.first_hop
            known = self._loop.create_task(_addresses(self._loop, hop))
            self._addresses, self._resolved_at = known, now
        return await asyncio.shield(known)

    def _forget(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._idle.pop(connection, None)


class _Tunnel(asyncio.Protocol):
    """Asks a proxy for a tunnel, and reads the head of its answer: nothing else comes before the tunnel is used."""

    def __init__(self, loop: asyncio.AbstractEventLoop, opening: bytes) -> None:
        self._opening = opening
        self._head = bytearray()
        self.answered: asyncio.Future[tuple[int, str]] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(self._opening)

    def data_received(self, data: bytes) -> None:
        self._head += data
        line = _STATUS_LINE.match(self._head)
        if b"\r\n\r\n" in self._head and line is not None:
            self._answer((int(line[1]), line[2].decode("latin-1")))
        elif b"\r\n\r\n" in self._head or len(self._head) > _LONGEST_HEAD:
            self._answer(OSError("the proxy answered what is no HTTP"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._answer(exc or ConnectionResetError())

    def _answer(self, answer: tuple[int, str] | Exception) -> None:
        if self.answered.done():
            return
        if isinstance(answer, Exception):
            self.answered.set_exception(answer)
        else:
            self.answered.set_result(answer)


async def _addresses(loop: asyncio.AbstractEventLoop, of: Address) -> Sequence[AddrInfoType]:
    return await loop.getaddrinfo(of.name, of.port, type=socket.SOCK_STREAM)


def _failed(task: asyncio.Task[Sequence[AddrInfoType]]) -> bool:
    return task.cancelled() or task.exception() is not None
