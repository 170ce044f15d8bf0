"""Serve an ASGI app on an ephemeral loopback port of the event loop that is already running."""

from __future__ import annotations

import asyncio
import socket
from functools import partial
from typing import TYPE_CHECKING, cast

from uvicorn import Config
from uvicorn.server import ServerState

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

_KEEP_ALIVE = 75
"""Seconds: longer than aiohttp keeps a connection (15), or a call could meet the closing of the one it takes."""


class LoopbackServer:
    """An HTTP server within the running event loop.

    `uvicorn.Server` is for a process of one's own: it takes over signals and notices in a polling loop that it
    should stop. This one starts and stops at once, on uvicorn's protocol classes.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._config = Config(
            app,
            lifespan="off",
            access_log=False,
            log_config=None,
            ws="none",
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE,
        )
        self._state = ServerState()
        self._server: asyncio.Server | None = None

    async def start(self) -> str:
        """Start to serve and return the base URL, `http://127.0.0.1:PORT`."""
        self._config.load()
        protocol_class = cast("Callable[..., asyncio.Protocol]", self._config.http_protocol_class)
        protocol = partial(protocol_class, config=self._config, server_state=self._state, app_state={})
        listener = socket.create_server(("127.0.0.1", 0))
        self._server = await asyncio.get_running_loop().create_server(protocol, sock=listener)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    async def stop(self) -> None:
        """Stop to listen and close the connections, those in use after their answer."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        for task in list(self._state.tasks):
            task.cancel()
        self._server = None
