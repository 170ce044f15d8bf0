"""The permissions API's bound on requests at a time: the only one of the real API's whose number is on record."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from local_workspace.authentication import respond
from local_workspace.errors import ApiError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

MOST_AT_A_TIME = 20

_PERMISSIONS = "/api/2.0/permissions/"


class Crowding:
    """Middleware that refuses what comes while too many requests for permissions are under way in a workspace.

    Answering one takes no time here, so that it acts where there is latency, or a client that is slow to send.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._under_way: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or refuse it."""
        if scope["type"] != "http" or not scope["path"].startswith(_PERMISSIONS):
            await self._app(scope, receive, send)
            return
        workspace: str = scope["state"]["workspace"].id
        if self._under_way[workspace] >= MOST_AT_A_TIME:
            message = f"Workspace {workspace} exceeded the concurrent limit of {MOST_AT_A_TIME} requests."
            await respond(ApiError(429, "REQUEST_LIMIT_EXCEEDED", message))(scope, receive, send)
            return
        self._under_way[workspace] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._under_way[workspace] -= 1
