"""The breaking: middleware that does to a real connection what the armed faults say."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from contextlib import ExitStack
from typing import TYPE_CHECKING

from local_workspace.authentication import respond
from local_workspace.errors import ApiError
from local_workspace.faults import READS

if TYPE_CHECKING:
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
        with ExitStack() as stack:
            for fault in faults:
                if fault.kind == "stale":
                    stack.enter_context(self._store.reading_snapshot(workspace.id))
                elif fault.kind in {"status", "lost", "reset"}:
                    if fault.when == "after":
                        await self._app(scope, receive, _swallow)
                    await _instead(fault, scope, receive, send)
                    return
                elif fault.kind != "latency":
                    send = _within_body(fault, scope, send)
            await self._app(scope, receive, send)


async def _instead(fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
    """Give the fault's answer, or none, in place of the application's."""
    if fault.kind == "status":
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        error = ApiError(fault.status, fault.error_code, fault.message, headers=headers)
        await respond(error)(scope, receive, send)
        return
    _break(scope, reset=fault.kind == "reset")
    # Until the server knows that the connection is gone, it would answer 500 itself.
    while (await receive())["type"] != "http.disconnect":
        pass


def _within_body(fault: Fault, scope: Scope, send: Send) -> Send:
    """Return a `send` that spoils the body."""
    left = fault.after_bytes
    over = False

    async def spoiled(message: Message) -> None:
        nonlocal left, over
        if over:
            return
        if message["type"] == "http.response.start":
            # How long the body will be is no longer known, except by a client that is to miss some of it.
            keep = fault.kind == "cut"
            headers = [each for each in message["headers"] if keep or each[0].lower() != b"content-length"]
            await send({**message, "headers": headers})
            return
        body = message.get("body", b"")
        more = message.get("more_body", False)
        if fault.kind == "slow":
            await _drip(body, fault.ms, send)
            await send({"type": "http.response.body", "body": b"", "more_body": more})
            return
        passed, left = body[:left], max(0, left - len(body))
        over = len(passed) < len(body) or not more
        if not over:
            await send({**message, "body": passed})
        elif fault.kind == "cut":
            await send({"type": "http.response.body", "body": passed, "more_body": True})
            # The event loop gets a turn to put what passed on the wire before the connection breaks.
            await asyncio.sleep(0)
            _break(scope, reset=False)
        else:
            tail = _error_event(fault) if fault.kind == "stream_error" else b""
            await send({"type": "http.response.body", "body": passed + tail, "more_body": False})

    return spoiled


async def _drip(body: bytes, ms: float, send: Send) -> None:
    for start in range(0, len(body), _PIECE):
        await send({"type": "http.response.body", "body": body[start : start + _PIECE], "more_body": True})
        await _pause(ms)


def _error_event(fault: Fault) -> bytes:
    error = {"error": {"message": fault.message, "code": fault.error_code, "type": "server_error"}}
    return b"\n\ndata: " + json.dumps(error).encode() + b"\n\n"


async def _swallow(_message: Message) -> None:
    """Lose an answer."""


def _break(scope: Scope, *, reset: bool) -> None:
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


async def _pause(ms: float) -> None:
    if ms > 0:
        await asyncio.sleep(ms / 1000)
