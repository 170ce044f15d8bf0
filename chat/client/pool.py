"""The kept connections to one workspace, and a call over one of them."""

from __future__ import annotations

import contextlib
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING

from chat.client.connection import connected
from chat.reading import BROKEN
from chat.route import DRAIN_SECONDS, KEPT_SECONDS, Route, broken, written
from chat.wire import Request, Response, is_stream, unpacking, whole

if TYPE_CHECKING:
    from chat.client.connection import Connection
    from chat.client.transport import Body
    from chat.reading import Headers

_KEPT = 128
"""Idle connections kept; more may be open at a time."""


class Pool:
    """The idle connections to one workspace, the latest used first.

    Args:
        host: the workspace's scheme, host and port.

    Raises:
        UntrustedHostError: the certificate bundle that the environment names cannot be read.
        UnreachableError: there is no such host, or the proxy is of a kind that is not known here.
    """

    def __init__(self, host: str) -> None:
        self._route = Route.to(host)
        self._idle: deque[Connection] = deque()

    def send(self, request: Request) -> tuple[Response, Body | None]:
        """Send a request and receive the response; see `Transport`."""
        streams = False
        connection: Connection | None = None
        try:
            connection = self._sent(request)
            connection.within(request.timeout)
            status, headers = connection.head()
            streams = request.stream and is_stream(status, headers.get("content-type"))
            body = None if streams else _whole(connection, headers, request)
        except BROKEN as error:
            raise broken(error, request) from error
        finally:
            if connection is not None and not streams:
                self.take_back(connection)
        return Response(status, headers, body), _PooledBody(connection, headers, self, request) if streams else None

    def take_back(self, connection: Connection) -> None:
        """Keep a connection for the next call, if it is fit for one."""
        if not connection.reusable or len(self._idle) >= _KEPT:
            connection.close()
            return
        connection.idle_since = now = monotonic()
        self._idle.append(connection)
        try:
            if self._idle[0].idle_since < now - KEPT_SECONDS:  # those of a burst do not stay
                self._idle.popleft().close()
        except IndexError:
            pass  # another thread took it

    def close(self) -> None:
        """Close all idle connections."""
        _close_all(self._idle)

    def _sent(self, request: Request) -> Connection:
        """Send a request over a kept connection, or over a new one if none has survived."""
        message = written(request, self._route)
        while (kept := self._kept()) is not None:
            try:
                kept.send(message, timeout=request.timeout)
            except BaseException as error:
                kept.close()
                if isinstance(error, TimeoutError) or not isinstance(error, OSError):
                    raise
                # else it was gone already: a request that was not taken whole was not carried out
            else:
                return kept
        fresh = connected(self._route)
        try:
            fresh.send(message, timeout=request.timeout)
        except BaseException:
            fresh.close()
            raise
        return fresh

    def _kept(self) -> Connection | None:
        """Take the idle connection that was used last, if one has survived."""
        fresh = monotonic() - KEPT_SECONDS
        while (kept := _popped(self._idle)) is not None:
            if kept.idle_since >= fresh and not kept.stale:
                return kept
            kept.close()
        return None


def _close_all(idle: deque[Connection]) -> None:
    while (kept := _popped(idle)) is not None:
        kept.close()


def _popped(idle: deque[Connection]) -> Connection | None:
    try:
        return idle.pop()
    except IndexError:  # asking first would race with other threads
        return None


class _PooledBody:
    def __init__(self, connection: Connection, headers: Headers, pool: Pool, request: Request) -> None:
        self._connection = connection
        self._pool = pool
        self._request = request
        self._packed = unpacking(headers)

    def receive(self) -> bytes:
        connection = self._connection
        connection.within(self._request.timeout)
        try:
            if self._packed is None:
                return connection.piece()
            while not (plain := self._packed.more()):  # a packed piece may hold less than a byte of text
                if not (piece := connection.piece()):
                    return b""
                self._packed.take(piece)
        except BROKEN as error:
            raise broken(error, self._request) from error
        return plain

    def close(self, *, reuse: bool) -> None:
        try:
            if reuse:
                # Read the transfer's end, but do not wait for a server that leaves the connection open after [DONE].
                self._connection.within(DRAIN_SECONDS)
                with contextlib.suppress(*BROKEN):
                    while self._connection.piece():
                        pass
        finally:
            self._pool.take_back(self._connection)


def _whole(connection: Connection, headers: Headers, request: Request) -> bytes:
    connection.within(request.timeout)
    length, pieces = 0, []
    while length <= request.max_bytes and (piece := connection.piece()):
        pieces.append(piece)
        length += len(piece)
    return whole(pieces, headers, request)
