"""Answers that end: no server makes us read more, or longer, than any answer of the API takes.

The SDK reads an answer to its end and into memory, however long it is, and its timeout begins anew with each byte.
The bounds stand where the bytes come in, below HTTP: so they hold for headers, chunks, interim answers (`100 Continue`,
again and again) and what a proxy says as well. What a body is unpacked to is bounded once more.
"""

from __future__ import annotations

import io
from http.client import HTTPResponse
from time import monotonic
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

if TYPE_CHECKING:
    import socket

    from requests import PreparedRequest, Response, Session

LARGEST = 64 * 2**20
"""Bytes that an answer may have: a list of 1,000 endpoints has a few million."""

LONGEST = 120.0
"""Seconds from an answer's first byte awaited to its last; the SDK gives up after 60 of silence."""

_PIECE = 2**16
_CONNECTIONS = 20  # as many as the SDK keeps to a host


class AnswerTooLargeError(Exception):
    """An answer is larger than `LARGEST`. No OSError: the SDK takes those for lost connections, and tries again."""


def bound(session: Session) -> None:
    """Let a session read bounded answers alone."""
    adapter = _BoundedAdapter(pool_connections=_CONNECTIONS, pool_maxsize=_CONNECTIONS, pool_block=True)
    session.mount("https://", adapter)
    session.mount("http://", adapter)


class _Bytes(io.RawIOBase):
    """What comes in on a connection for one answer."""

    def __init__(self, connection: socket.socket, incoming: io.RawIOBase) -> None:
        self._connection = connection
        self._incoming = incoming
        self._patience = connection.gettimeout()
        self._ends = monotonic() + LONGEST
        self._left = LARGEST

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - a buffer, which has no name before Python 3.12
        rest = self._ends - monotonic()
        if rest <= 0:
            raise TimeoutError(f"the answer did not end within {LONGEST:g} s")
        self._connection.settimeout(rest if self._patience is None else min(rest, self._patience))
        count = self._incoming.readinto(buffer)
        self._left -= count or 0
        if self._left < 0:
            raise AnswerTooLargeError
        return count

    def close(self) -> None:
        self._incoming.close()
        super().close()


class _Answer(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - http.client's own
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Bytes(sock, self.fp.detach()))


class _Connection(HTTPConnection):
    response_class = _Answer


class _SecureConnection(HTTPSConnection):
    response_class = _Answer


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS = {"http": _Pool, "https": _SecurePool}


class _BoundedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - of the overridden
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - of the overridden
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:  # noqa: ANN401 - of the overridden
        response = super().send(request, *args, **kwargs)
        pieces, size = [], 0
        for piece in response.iter_content(_PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > LARGEST:
                response.close()
                raise AnswerTooLargeError
        response._content = b"".join(pieces)  # noqa: SLF001 - `content` would read on; requests has no setter for it
        return response
