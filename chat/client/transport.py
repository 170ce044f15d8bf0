"""HTTP for the synchronous client: a pool of kept connections for each workspace."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from chat.client.pool import Pool
    from chat.wire import Request, Response


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
        self._pools: dict[str, Pool] = {}
        self._process = os.getpid()

    def send(self, request: Request) -> tuple[Response, Body | None]:
        """Send a request; see `Transport`."""
        return self._pool(request.host).send(request)

    def close(self) -> None:
        """Close all idle connections."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def __getstate__(self) -> dict[str, object]:
        """Travel without connections: the copy opens its own."""
        return {"_pools": {}, "_process": -1}

    def _pool(self, host: str) -> Pool:
        if self._process != os.getpid():
            # A forked child shares its parent's sockets: two processes reading one answer each get half of it.
            self._pools, self._process = {}, os.getpid()
        return self._pools.get(host) or self._opened(host)

    def _opened(self, host: str) -> Pool:
        from chat.client.pool import Pool  # noqa: PLC0415 - sockets, ssl and httptools, a quarter of all that a client loads

        return self._pools.setdefault(host, Pool(host))
