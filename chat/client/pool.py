"""The kept connections to one workspace, and a call over one of them."""

from __future__ import annotations

import contextlib
import weakref
import zlib
from collections import deque
from http.client import HTTPException, IncompleteRead
from typing import TYPE_CHECKING

from chat.client.connection import Answer, Connection
from chat.errors import TIMEOUT_REMEDY, CallTimeoutError, ChatError, ConnectionFailedError
from chat.route import Route, written
from chat.wire import Request, Response, is_stream, too_large, unpacker

if TYPE_CHECKING:
    from chat.client.transport import Body

_KEPT = 128
"""Idle connections kept; more may be open at a time."""

_PIECE = 1 << 16
_DRAIN_TIMEOUT = 0.5


class Pool:
    """The idle connections to one workspace, the latest used first.

    Args:
        host: the workspace's scheme, host and port.

    Raises:
        UntrustedHostError: the certificate bundle that the environment names cannot be read.
        UnreachableError: the proxy that it names is of a kind that is not known here.
    """

    def __init__(self, host: str) -> None:
        self._route = Route.to(host)
        self._idle: deque[Connection] = deque()
        weakref.finalize(self, _close_all, self._idle)  # a client that nobody closed leaves no open sockets

    def send(self, request: Request) -> tuple[Response, Body | None]:
        """Send a request and receive the response; see `Transport`."""
        streams = False
        connection: Connection | None = None
        try:
            connection = self._sent(request)
            raw = connection.receive(request.method)
            streams = request.stream and is_stream(raw.status, raw.headers.get("content-type"))
            body = None if streams else _whole(raw, request)
        except (OSError, HTTPException, zlib.error) as error:
            raise _translated(error, request) from error
        finally:
            if connection is not None and not streams:
                self.take_back(connection)
        response = Response(raw.status, raw.headers, body)  # type: ignore[arg-type]  # a Message is looked up like a Mapping
        return response, _PooledBody(raw, connection, self, request) if streams else None

    def take_back(self, connection: Connection) -> None:
        """Keep a connection for the next call, if it is fit for one."""
        if connection.reusable and len(self._idle) < _KEPT:
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close all idle connections."""
        _close_all(self._idle)

    def _sent(self, request: Request) -> Connection:
        """Send a request over a kept connection, or over a new one if none has survived."""
        message = written(request, self._route)
        while (kept := _popped(self._idle)) is not None:
            try:
                if not kept.stale:
                    kept.send(message, timeout=request.timeout)
                    return kept
            except TimeoutError:
                kept.close()
                raise
            except OSError:
                pass  # gone while it was idle: a request that was not taken whole was not carried out
            kept.close()
        fresh = Connection(self._route)
        try:
            fresh.send(message, timeout=request.timeout)
        except OSError:
            fresh.close()
            raise
        return fresh


def _close_all(idle: deque[Connection]) -> None:
    while (kept := _popped(idle)) is not None:
        kept.close()


def _popped(idle: deque[Connection]) -> Connection | None:
    try:
        return idle.pop()
    except IndexError:  # asking first would race with other threads
        return None


class _PooledBody:
    def __init__(self, raw: Answer, connection: Connection, pool: Pool, request: Request) -> None:
        self._raw = raw
        self._connection = connection
        self._pool = pool
        self._request = request
        self._unpacked = unpacker(raw.headers)  # type: ignore[arg-type]  # a Message is looked up like a Mapping

    def receive(self) -> bytes:
        self._raw.go_on()
        try:
            piece = self._raw.read1(_PIECE)
            while self._unpacked is not None and piece:
                if plain := self._unpacked.decompress(piece):
                    return plain  # a packed piece may hold less than a byte of text
                piece = self._raw.read1(_PIECE)
        except (OSError, HTTPException, zlib.error) as error:
            raise _translated(error, self._request) from error
        return piece

    def close(self, *, reuse: bool) -> None:
        if reuse:
            # Read the transfer's end, but do not wait for a server that leaves the connection open after [DONE].
            with contextlib.suppress(OSError, HTTPException):
                self._connection.settimeout(_DRAIN_TIMEOUT)
                while self._raw.read1(_PIECE):
                    pass
        self._pool.take_back(self._connection)


def _whole(raw: Answer, request: Request) -> bytes:
    raw.go_on()
    most = request.max_bytes + 1
    body = raw.read(most)
    if len(body) < most and raw.length:
        raise IncompleteRead(b"", raw.length)  # as it would itself, were it asked for all
    unpacked = unpacker(raw.headers)  # type: ignore[arg-type]  # as above
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
