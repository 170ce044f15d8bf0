"""Pass an upstream's answer on byte by byte, and stop asking when nobody listens any more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import aiohttp
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Mapping

    from starlette.types import Receive, Scope, Send

T = TypeVar("T")

_PASSED_HEADERS = ("content-type", "content-encoding", "retry-after", "x-request-id")


class ClientGoneError(Exception):
    """The caller closed its connection before the answer was complete."""


async def unless_gone(receive: Receive, work: Coroutine[object, object, T]) -> T:
    """Do some work, and cancel it when the client goes away.

    Args:
        receive: The request's ASGI channel, its body already read.
        work: What to do.

    Raises:
        ClientGoneError: The client went away; the work was cancelled and has ended.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_until_gone(receive))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientGoneError
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class Relayed(Response):
    """An answer whose bytes are an upstream's, passed on as they come.

    When the upstream breaks off, so does this answer: the connection is closed without the end that a complete
    body has, and a client cannot take it for one.

    Args:
        upstream: The upstream's response, its body not yet read.
        headers: More headers for the caller.
        data_lines_only: Whether to keep nothing of an event stream but its `data:` lines: MLflow's client
            refuses an answer of `/invocations` that holds any other.
    """

    def __init__(
        self, upstream: aiohttp.ClientResponse, *, headers: Mapping[str, str], data_lines_only: bool = False
    ) -> None:
        self._upstream = upstream
        self._is_stream = upstream.content_type == "text/event-stream"
        self._data_lines_only = data_lines_only and self._is_stream
        self.status_code = upstream.status
        self.background = None
        passed = {name: upstream.headers[name] for name in _PASSED_HEADERS if name in upstream.headers}
        if not self._data_lines_only and upstream.content_length is not None:
            passed["content-length"] = str(upstream.content_length)
        self.init_headers({**passed, **headers})

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Take the headers as they are; the length of what is still to come is not guessed."""
        self.raw_headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the upstream's bytes until they end, break off, or nobody listens."""
        try:
            if self._is_stream:
                await unless_gone(receive, self._send(send))
            else:
                await self._send(send)
        except (aiohttp.ClientError, TimeoutError, ConnectionError, ClientGoneError):
            return
        finally:
            self._upstream.close() if not self._upstream.content.at_eof() else self._upstream.release()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        chunks = self._upstream.content.iter_any()
        async for chunk in _data_lines(chunks) if self._data_lines_only else chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


_DONE = b"data: [DONE]"


async def _data_lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Drop an event stream's comments, names and ids, and end it with `[DONE]`."""
    rest = b""
    last = b""
    async for chunk in chunks:
        head, newline, rest_of_chunk = (rest + chunk).rpartition(b"\n")
        rest = rest_of_chunk
        if newline and (kept := [line for line in head.splitlines() if line.startswith(b"data:")]):
            last = kept[-1]
            yield b"\n\n".join(kept) + b"\n\n"
    if rest.startswith(b"data:"):
        last = rest
        yield rest + b"\n\n"
    if last.strip() != _DONE:
        yield _DONE + b"\n\n"
