"""The connections of one event loop to one workspace: made when none is idle, kept while they are fresh."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from ssl import SSLEOFError, SSLError
from typing import TYPE_CHECKING

from aiohappyeyeballs import start_connection

from chat.aio.connection import Connection
from chat.network import attend
from chat.reading import BROKEN
from chat.route import CONNECT_TIMEOUT, KEPT_SECONDS, Route, untrusted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ssl import SSLContext

    from aiohappyeyeballs import AddrInfoType

    from chat.route import Address

_RESOLVED_SECONDS = 10.0
_NEXT_ADDRESS_SECONDS = 0.25


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
        self._addresses: asyncio.Task[Sequence[AddrInfoType] | Exception] | None = None
        self._resolved_at = 0.0
        self._closed = False

    def kept(self) -> Connection | None:
        """Take the idle connection that was used last, if one has survived."""
        fresh = self._loop.time() - KEPT_SECONDS
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
                connection = await self._connected()
        except TimeoutError as error:
            raise self.route.unreachable(TimeoutError("no connection in time")) from error
        except (*BROKEN, ValueError) as error:  # ValueError: a name that no certificate can have
            raise self.route.unreachable(error) from error
        if self._closed:
            connection.cut()
        if not connection.gone.done():
            self._open.add(connection)
        return connection

    def take_back(self, connection: Connection) -> None:
        """Keep a connection for the next call, if it is fit for one."""
        if not connection.reusable:
            connection.cut()
            return
        connection.idle_since = now = self._loop.time()
        self._idle[connection] = None
        oldest = next(iter(self._idle))
        if oldest.idle_since < now - KEPT_SECONDS:  # one goes for each that comes: those of a burst do not stay
            del self._idle[oldest]
            oldest.cut()

    def close(self) -> list[asyncio.Future[None]]:
        """Close all connections, also those that are being made; returns what is done when they are closed."""
        self._closed = True
        closing = list(self._open)
        for connection in closing:
            connection.cut()
        return [connection.gone for connection in closing]

    async def _connected(self) -> Connection:
        hop, target, opening = self.route.first_hop, self.route.target, self.route.opening()
        # Of several addresses, the next is tried when one hesitates (RFC 8305), in uvloop as well.
        sock = await start_connection(await self._resolved(), happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS)
        attend(sock)
        try:
            line, connection = await self._loop.create_connection(
                lambda: Connection(self._loop, self._forget), sock=sock
            )
        except BaseException:
            with contextlib.suppress(OSError):
                sock.close()  # uvloop leaves it open if it is cancelled here (uvloop#653)
            raise
        try:
            if hop.tls is not None:
                connection = await self._secured(connection, line, hop, hop.tls)
            if opening is not None and target.tls is not None:
                connection.send(opening)
                connection.within(CONNECT_TIMEOUT)
                self.route.admitted((await connection.head())[0])
                connection = await self._secured(connection, line, target, target.tls)
        except BaseException:
            line.abort()
            raise
        return connection

    async def _secured(
        self, through: Connection, line: asyncio.Transport, whose: Address, tls: SSLContext
    ) -> Connection:
        connection = Connection(self._loop, self._forget, line)
        try:
            transport = await self._loop.start_tls(through.release(), connection, tls, server_hostname=whose.name)
        except SSLEOFError:
            raise  # it is gone, which says nothing of its certificate
        except SSLError as error:
            raise untrusted(whose, error) from error
        if transport is None or connection.gone.done():  # lost meanwhile
            raise ConnectionResetError
        connection.connection_made(transport)
        return connection

    async def _resolved(self) -> Sequence[AddrInfoType]:
        """Resolve the host's name, once for all that ask at a time: the loop has a handful of threads for that."""
        known, now = self._addresses, self._loop.time()
        if known is None or (known.done() and now > self._resolved_at + _RESOLVED_SECONDS):
            known = self._loop.create_task(_addresses(self._loop, self.route.first_hop))
            self._addresses, self._resolved_at = known, now
        found = await asyncio.shield(known)
        if isinstance(found, Exception):
            self._addresses = None
            raise found
        return found

    def _forget(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._idle.pop(connection, None)


async def _addresses(loop: asyncio.AbstractEventLoop, of: Address) -> Sequence[AddrInfoType] | Exception:
    try:
        return await loop.getaddrinfo(of.name, of.port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        return error  # raised here, it would be logged if all who asked have been cancelled meanwhile
