"""Pass an upstream's answer on byte by byte, and stop asking when nobody listens any more."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, TypeVar

import aiohttp
from starlette.responses import Response

from local_workspace.breakage import TRANSPORT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Mapping

    from starlette.types import Receive, Scope, Send

T = TypeVar("T")

_DATA = b"data:"
_DONE = b"data: [DONE]"
_NOTHING_BUT_DATA = re.compile(rb"(?:data:[^\n]*\n\n)+")
_FINISHED = re.compile(rb'"finish_reason"\s*:\s*"')
LARGEST_ANSWER = 64 * 1024 * 1024
"""Bytes of one answer: far more than a model writes, and an end to what an upstream in trouble sends."""

_LARGEST_LINE = 8 * 1024 * 1024  # of an event stream that is read line by line: an image fits in

_PASSED_HEADERS = ("content-type", "content-encoding", "retry-after")


class AnswerTooLargeError(Exception):
    """An upstream sent more than one answer, or one line of it, may hold."""


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
    working = asyncio.current_task()
    is_gone = False

    async def watch() -> None:
        nonlocal is_gone
        while (await receive())["type"] != "http.disconnect":
            pass
        is_gone = True
        if working is not None:
            working.cancel()

    watching = asyncio.create_task(watch())
    try:
        return await work
    except asyncio.CancelledError:
        if is_gone and working is not None and working.uncancel() == 0:  # as asyncio.timeout does: ours alone
            raise ClientGoneError from None
        raise
    finally:
        watching.cancel()


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
        except (aiohttp.ClientError, TimeoutError, AnswerTooLargeError):
            await break_off(scope)
        except ClientGoneError:
            return
        finally:
            if self._upstream.content.at_eof():
                self._upstream.release()
            else:
                self._upstream.close()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        chunks = _chunks(self._upstream.content)
        promised = None if self._data_lines_only else self._upstream.content_length
        sent = 0
        async for chunk in _data_lines(chunks) if self._data_lines_only else chunks:
            sent += len(chunk)
            await send({"type": "http.response.body", "body": chunk, "more_body": sent != promised})
        if sent != promised:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _chunks(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Yield what arrives, all of it: aiohttp raises for a broken connection before it hands out what came last."""
    size = 0
    try:
        async for chunk in content.iter_any():
            size += len(chunk)
            if size > LARGEST_ANSWER:
                raise AnswerTooLargeError
            yield chunk
    except (aiohttp.ClientError, TimeoutError):
        if content._buffer:  # noqa: SLF001 - aiohttp has no public way to what it keeps back
            yield b"".join(content._buffer)  # noqa: SLF001 - as above
        raise


async def break_off(scope: Scope) -> None:
    """Close the caller's connection after what was sent; ASGI itself knows no way to leave a body incomplete."""
    transport = scope.get(TRANSPORT)
    if transport is not None:
        transport.close()
        await asyncio.sleep(0)  # the server learns of it before the application returns, and takes it for no bug


async def _data_lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Drop an event stream's comments, names and ids, and end it with `[DONE]`.

    A stream that ends without saying why its answer finished gets no `[DONE]`: it may have been cut, and must not
    look complete.
    """
    rest = b""
    is_finished = is_done = False
    async for chunk in chunks:
        if not rest and _NOTHING_BUT_DATA.fullmatch(chunk):  # nearly always: nothing to split, nothing to copy
            is_finished = is_finished or _FINISHED.search(chunk) is not None
            is_done = chunk.endswith(_DONE + b"\n\n")
            yield chunk
            continue
        lines = (rest + chunk).splitlines(keepends=True)
        rest = b"" if not lines or lines[-1].endswith((b"\n", b"\r")) else lines.pop()
        if len(rest) > _LARGEST_LINE:
            raise AnswerTooLargeError
        kept = b"\n\n".join(line.rstrip() for line in lines if line.startswith(_DATA))
        if kept:
            is_finished = is_finished or _FINISHED.search(kept) is not None
            is_done = kept.endswith(_DONE)
            yield kept + b"\n\n"
    if rest.startswith(_DATA):
        is_done = rest.endswith(_DONE)
        yield rest + b"\n\n"
    if is_finished and not is_done:
        yield _DONE + b"\n\n"
