"""The breaking: middleware that does to a real connection what the armed faults say."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from contextlib import ExitStack
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from local_workspace.authentication import respond
from local_workspace.errors import ApiError
from local_workspace.faults import READS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from local_workspace.faults import Fault
    from local_workspace.store import Store

TRANSPORT = "local_workspace.transport"
"""The scope's key for the connection, which the server's protocol class puts there."""

_PIECE = 16


class Breakage:
    """Middleware that carries out faults.

    Args:
        app: what answers.
        store: the state, of which a stale read sees an older copy.
        latency_ms: added to every answer, in milliseconds.
    """

    def __init__(self, app: ASGIApp, *, store: Store, latency_ms: float = 0.0) -> None:
        self._app = app
        self._store = store
        self._latency_ms = latency_ms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or break it as the faults that it hits say."""
        if scope["type"] != "http" or scope["path"].startswith("/_local/"):
            await self._app(scope, receive, send)
            return
        workspace = scope["state"]["workspace"]
        faults: list[Fault] = workspace.faults.take(scope["method"], scope["path"])
        if scope["method"] not in READS and workspace.faults.expects_stale_reads():
            self._store.keep_snapshot(workspace.id)
        await _pause(self._latency_ms + sum(each.ms for each in faults if each.kind == "latency"))
        if faults:
            await self._broken(faults, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _broken(self, faults: Iterable[Fault], scope: Scope, receive: Receive, send: Send) -> None:
        workspace = scope["state"]["workspace"]
        with ExitStack() as stack:
            for fault in faults:
                if fault.kind == "stale":
                    stack.enter_context(self._store.reading_snapshot(workspace.id))
                elif fault.kind in {"status", "lost", "reset"}:
                    if fault.when == "after":
                        await self._app(scope, receive, _swallow)
                    else:
                        await _hear(receive)
                    await _instead(fault, scope, receive, send)
                    return
                elif fault.kind != "latency":
                    send = _Spoiled(fault, scope, receive, send)
            await self._app(scope, receive, send)


async def _instead(fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
    """Give the fault's answer, or none, in place of the application's."""
    if fault.kind == "status":
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        error = ApiError(fault.status, fault.error_code, fault.message, headers=headers)
        await respond(error)(scope, receive, send)
        return
    await _break(scope, receive, reset=fault.kind == "reset")


async def _hear(receive: Receive) -> None:
    """Take in a request that nobody answers: a client still sending would see another error than one that waits."""
    while (await receive()).get("more_body", False):
        pass


class _Spoiled:
    """A `send` that spoils the body; of one that comes whole, at least the last byte.

    Args:
        fault: how.
        scope: the request's.
        receive: tells when the client is gone.
        send: where the rest goes.
    """

    def __init__(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        self._fault = fault
        self._scope = scope
        self._receive = receive
        self._send = send
        self._left = fault.after_bytes
        self._over = False
        self._untouched = False

    async def __call__(self, message: Message) -> None:
        """Send what is to arrive of a message."""
        if self._over:
            return
        if message["type"] == "http.response.start":
            await self._start(message)
        elif self._untouched:
            await self._send(message)
        elif self._fault.kind == "slow":
            await self._drip(message)
        else:
            await self._shorten(message)

    async def _start(self, message: Message) -> None:
        headers = Headers(raw=message["headers"])
        event_stream = headers.get("content-type", "").startswith("text/event-stream")
        self._untouched = self._fault.kind == "stream_error" and not event_stream
        # How long the body will be is no longer known, except by a client that is to miss some of it.
        keep = self._untouched or self._fault.kind == "cut"
        kept = [each for each in message["headers"] if keep or each[0].lower() != b"content-length"]
        await self._send({**message, "headers": kept})

    async def _drip(self, message: Message) -> None:
        body = message.get("body", b"")
        for start in range(0, len(body), _PIECE):
            await self._send({"type": message["type"], "body": body[start : start + _PIECE], "more_body": True})
            await _pause(self._fault.ms)
        await self._send({**message, "body": b""})

    async def _shorten(self, message: Message) -> None:
        body, more = message.get("body", b""), message.get("more_body", False)
        passed, self._left = body[: self._left], max(0, self._left - len(body))
        self._over = len(passed) < len(body) or not more
        if not self._over:
            await self._send({**message, "body": passed})
        elif self._fault.kind == "stream_error":
            await self._send({**message, "body": passed + _error_event(self._fault), "more_body": False})
        else:
            await self._end({**message, "body": passed if len(passed) < len(body) else passed[:-1]})

    async def _end(self, message: Message) -> None:
        cut = self._fault.kind == "cut"
        await self._send({**message, "more_body": cut})
        if cut:
            # The event loop gets a turn to put what passed on the wire before the connection breaks.
            await asyncio.sleep(0)
            await _break(self._scope, self._receive, reset=False)


def _error_event(fault: Fault) -> bytes:
    error = {"error": {"message": fault.message, "code": fault.error_code, "type": "server_error"}}
    return b"\n\ndata: " + json.dumps(error).encode() + b"\n\n"


async def _swallow(_message: Message) -> None:
    """Lose an answer."""


async def _break(scope: Scope, receive: Receive, *, reset: bool) -> None:
    # First, for the same reason as with an answer: a client that saw it finds the request in the log.
    scope["state"]["record"]()
    transport = scope[TRANSPORT]
    if reset:
        # Zero linger: closing sends RST instead of FIN.
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.close()
    # Until the server knows that the connection is gone, it would answer 500 itself, or complain.
    while (await receive())["type"] != "http.disconnect":
        pass


async def _pause(ms: float) -> None:
    if ms > 0:
        await asyncio.sleep(ms / 1000)
