"""One server on one loopback port: uvicorn with uvloop and httptools, started fast and stopped at once."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
import threading
import time
from concurrent.futures import Future
from email.utils import formatdate
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from local_workspace.breakage import TRANSPORT
from local_workspace.errors import ListenError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

_GRACE = 0.5
"""Seconds that answers on their way get when the server stops."""

_KEEP_ALIVE = 75
"""Seconds that an idle connection stays open: longer than clients keep theirs, so that they never lose a race."""

_MOST_FILES = 65_536

_log = logging.getLogger(__name__)


def listen(port: int = 0, *, host: str = "127.0.0.1") -> socket.socket:
    """Return a socket that listens on loopback.

    Args:
        port: 0 for any that is free.
        host: a loopback address, or `localhost`.

    Raises:
        ListenError: the port is taken, or the machine has no such address.
        ValueError: it is no loopback address.
    """
    host = "127.0.0.1" if host == "localhost" else host
    if not _is_loopback(host):
        raise ValueError(f"{host} is no loopback address, and the workspace listens on no other")
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        # A workspace that starts again, or takes over, comes back on the port its clients know.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(512)
    except OSError as error:
        listening.close()
        raise ListenError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return listening


def allow_connections() -> None:
    """Let this process have as many connections as the system allows it, which shells begin with far less than.

    A call through the proxy takes two; most shells begin with 1,024 files, those of macOS with 256.
    """
    try:
        import resource  # noqa: PLC0415 - not on every platform
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # the system may allow less than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Protocol(HttpToolsProtocol):
    """uvicorn's protocol, which also shows the connection to the faults."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[TRANSPORT] = self.transport  # type: ignore[literal-required] # ours, beside the ASGI keys


class _Uvicorn(uvicorn.Server):
    """uvicorn's server with an end that does not poll: its own loop looks every 100 ms, here and at shutdown."""

    def __init__(self, config: uvicorn.Config, started: Future[_Uvicorn]) -> None:
        super().__init__(config)
        self._announce = started
        self._stopping = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def stop(self) -> None:
        """Stop soon; may be called from any thread."""
        self.should_exit = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: it has stopped already
            self._loop.call_soon_threadsafe(self._stopping.set)

    async def main_loop(self) -> None:
        self._announce.set_result(self)
        while not self._stopping.is_set():
            date = formatdate(time.time(), usegmt=True).encode()
            self.server_state.default_headers = [(b"date", date)]
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), timeout=1.0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for each in sockets or []:
            each.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks:
            _, late = await asyncio.wait(set(self.server_state.tasks), timeout=_GRACE)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=_GRACE)
        await self.lifespan.shutdown()


class _Interruptible:
    """The application, whose answers may be cut off by the server's end; uvicorn takes that for a bug, and logs it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if scope["type"] != "http":
                raise
            scope[TRANSPORT].abort()
            while (await receive())["type"] != "http.disconnect":
                pass


class ServerThread:
    """A server in a daemon thread; answers when the constructor returns.

    Args:
        app: what answers.
        listening: from `listen`; closed by `stop`.
    """

    def __init__(self, app: ASGIApp, listening: socket.socket) -> None:
        self._started: Future[_Uvicorn] = Future()
        self._thread = threading.Thread(target=self._run, args=(app, listening), name="local-workspace", daemon=True)
        self._thread.start()
        self._server = self._started.result()

    def stop(self) -> None:
        """Stop, and wait until nothing runs any more."""
        self._server.stop()
        self._thread.join()

    def _run(self, app: ASGIApp, listening: socket.socket) -> None:
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner:
                runner.run(self._serve(app, listening))
        except BaseException as error:  # noqa: BLE001 - the thread's boundary: told to whoever waits, or logged
            if self._started.done():
                _log.exception("the local workspace stopped")
            else:
                self._started.set_exception(error)

    async def _serve(self, app: ASGIApp, listening: socket.socket) -> None:
        config = uvicorn.Config(
            _Interruptible(app),
            http=_Protocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE,
        )
        await _Uvicorn(config, self._started).serve(sockets=[listening])


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop  # noqa: PLC0415 - not on every platform
    except ImportError:
        return None
    return uvloop.new_event_loop
