"""Requests as fast as one process can send them: bytes made beforehand, and of the answer no more read than its end."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import uvloop

from benchmarks.workers import serve

if TYPE_CHECKING:
    from collections.abc import Callable

_CONNECTIONS = 16


class _Connection(asyncio.Protocol):
    """Sends a request again and again on one connection.

    Args:
        request: its bytes.
        times: how often.
        done: set when the last answer has come.
    """

    def __init__(self, request: bytes, times: int, done: asyncio.Future[None]) -> None:
        self._request = request
        self._left = times
        self._done = done
        self._heard = bytearray()
        self._length = -1
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        if not self._is_whole():
            return
        if not self._heard.startswith(b"HTTP/1.1 200"):
            self._fail(bytes(self._heard[:500]).decode())
            return
        self._heard.clear()
        self._length = -1
        self._left -= 1
        if self._transport is None or self._left == 0:
            self._done.set_result(None)
        else:
            self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the connection was lost: {exc}")

    def _fail(self, message: str) -> None:
        if not self._done.done():
            self._done.set_exception(RuntimeError(message))

    def _is_whole(self) -> bool:
        if self._length < 0:
            head = self._heard.find(b"\r\n\r\n")
            if head < 0:
                return False
            fields = dict(line.lower().split(b": ", 1) for line in bytes(self._heard[:head]).split(b"\r\n")[1:])
            self._length = head + 4 + int(fields[b"content-length"]) if b"content-length" in fields else 0
        return len(self._heard) >= self._length if self._length else self._heard.endswith(b"\r\n0\r\n\r\n")


async def _load(host: str, request: bytes, times: int, connections: int) -> None:
    where = urlsplit(host)
    loop = asyncio.get_running_loop()
    answered = [loop.create_future() for _ in range(connections)]
    opened = [
        await loop.create_connection(
            lambda done=done: _Connection(request, times // connections, done),  # type: ignore[misc]  # bound now
            str(where.hostname),
            int(where.port or 80),
        )
        for done in answered
    ]
    await asyncio.gather(*answered)
    for transport, _ in opened:
        transport.close()


def _cases(asked: dict[str, dict[str, Any]]) -> dict[str, Callable[[], int]]:
    def case(how: dict[str, Any]) -> Callable[[], int]:
        body = how["body"].encode()
        head = (
            f"{how['method']} {how['path']} HTTP/1.1\r\nHost: {urlsplit(how['host']).netloc}\r\n"
            f"Authorization: Bearer {how['token']}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        connections = 1 if how["one_by_one"] else _CONNECTIONS
        times: int = max(1, how["times"] // connections) * connections

        def run() -> int:
            uvloop.run(_load(how["host"], head.encode() + body, times, connections))
            return times

        return run

    return {name: case(how) for name, how in asked.items()}


if __name__ == "__main__":
    serve(_cases(json.loads(sys.argv[1])))
