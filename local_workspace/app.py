"""The ASGI application: who may come in, what is recorded, what breaks, and which handler answers.

For handlers:
    request.state.workspace     the caller's `Workspace`
    request.state.identity      the caller's `Identity`
    request.app.state.resources what is opened once a server and closed with it (`Resources`)
    request.app.state.custom_models the server's custom models (`CustomModels`)
    request.app.state.workspaces all of the server's (`Workspaces`), where a caller has no token yet
"""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, TypeVar, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Route

from local_workspace.authentication import Door, Gate, Identify, respond
from local_workspace.breakage import Breakage
from local_workspace.crowding import Crowding
from local_workspace.custom_models import CustomModels
from local_workspace.errors import ApiError
from local_workspace.handlers import (
    connections,
    endpoint_reports,
    endpoints,
    identity,
    invocations,
    local,
    oidc,
    permissions,
    scopes,
)
from local_workspace.recorder import Recorder
from local_workspace.route_table import RouteTable
from local_workspace.ui import page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from local_workspace.store import Store
    from local_workspace.workspace import Workspaces

T = TypeVar("T")

_MOST_UNKNOWN = 1000
"""Routes that are not known, and counted: names in paths make them without end."""

_INVOCATIONS = "/serving-endpoints/<name>[/served-models/<served entity>]/invocations"


class Resources:
    """What a server opens when it is first needed and closes when it stops: sessions, servers of its own."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._opened: dict[str, object] = {}
        self._opening = asyncio.Lock()

    async def once(self, name: str, opening: Callable[[], AbstractAsyncContextManager[T]]) -> T:
        """Return what `opening()` gave when it was first entered under this name.

        Args:
            name: of the resource.
            opening: makes the context manager; entered now if this is the first call, and left when the
                server stops, in reverse order of entering.
        """
        if name not in self._opened:
            async with self._opening:
                if name not in self._opened:
                    self._opened[name] = await self._stack.enter_async_context(opening())
        return cast("T", self._opened[name])

    async def close(self) -> None:
        """Close everything."""
        await self._stack.aclose()


def build(workspaces: Workspaces, *, store: Store, latency_ms: float = 0.0) -> ASGIApp:
    """Return the application.

    Args:
        workspaces: what it serves.
        store: the state behind them.
        latency_ms: added to every answer, in milliseconds.
    """
    resources = Resources()
    custom_models = CustomModels(workspaces, settings=workspaces.default.settings)
    routes = api_routes()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        try:
            custom_models.resume()
            yield
        finally:
            await custom_models.aclose()
            await resources.close()

    answering = Starlette(
        exception_handlers={ApiError: _api_error, HTTPException: _unknown_route, Exception: _internal_error}
    )
    published = Route("/_local/openapi", _published(routes), methods=["GET"])
    answering.router = RouteTable([*routes, published], lifespan=lifespan)
    answering.state.resources = resources
    answering.state.workspaces = workspaces
    answering.state.custom_models = custom_models
    inner = Crowding(Breakage(Gate(answering), store=store, latency_ms=latency_ms))
    return Door(Identify(Recorder(inner), workspaces=workspaces))


def api_routes() -> list[Route]:
    """Return every route but the one that publishes them."""
    families = (
        invocations,
        scopes,
        endpoints,
        endpoint_reports,
        permissions,
        connections,
        identity,
        oidc,
        local,
        page,
    )
    return [route for family in families for route in family.routes]


def _published(routes: list[Route]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(_request: Request) -> Response:
        from local_workspace.openapi import document  # noqa: PLC0415 - few ask for it

        return JSONResponse(document(routes))

    return endpoint


async def _api_error(_request: Request, error: Exception) -> Response:
    return respond(cast("ApiError", error))


async def _unknown_route(request: Request, _error: Exception) -> Response:
    path = request.scope["path"]
    counted, asked = request.state.workspace.unknown, f"{request.method} {path}"
    if asked in counted or len(counted) < _MOST_UNKNOWN:
        counted[asked] += 1
    if path.startswith("/serving-endpoints/"):
        return respond(ApiError(404, "ENDPOINT_NOT_FOUND", f"Path must be of form {_INVOCATIONS}"))
    # The real text leaves the API's prefix and version out.
    shown = path.removeprefix("/api/2.0").removeprefix("/api/2.1")
    return respond(ApiError(404, "ENDPOINT_NOT_FOUND", f"No API found for '{request.method} {shown}'"))


async def _internal_error(_request: Request, _error: Exception) -> Response:
    return respond(ApiError(500, "INTERNAL_ERROR", "The local workspace failed to answer; its log says why."))
