"""Who may come in: this machine's programs with a token, and no web page.

`Door` refuses what does not address this server by a loopback name (DNS rebinding) or comes from a page of another
origin. `Identify` finds the workspace and the identity behind the token, and `Gate` refuses requests without one;
the recorder and the faults stand between the two, so that refused requests are recorded and can break as well.
"""

from __future__ import annotations

import base64
import uuid
from functools import lru_cache
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from local_workspace.errors import ApiError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from local_workspace.workspace import Workspaces

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")

_ANTHROPIC = ("/serving-endpoints/anthropic/v1/", "/ai-gateway/anthropic/v1/")
_REQUEST_ID = b"x-request-id"
PAGE = "/_local/ui"
"""The page to look at the workspace; its files hold nothing of it, and it asks for the token itself."""

_PUBLIC = ("/.well-known/", "/oidc/", f"{PAGE}/")
_WHOLE_WORKSPACE = ("/api/", "/serving-endpoints/", "/ai-gateway/", "/_local/")


class Door:
    """Middleware that answers only to this server's own name.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a foreign Host (421) or Origin (403); pass on the rest."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        names = _names(*scope["server"])
        origin = _header(scope, b"origin")
        if (_header(scope, b"host") or "").lower() not in names:
            refusal = ApiError(421, "BAD_REQUEST", "This workspace answers to its own loopback address alone.")
        elif origin is not None and origin.lower().removeprefix("http://") not in names:
            refusal = ApiError(403, "PERMISSION_DENIED", "Requests from web pages are refused.")
        else:
            await self._app(scope, receive, send)
            return
        await respond(refusal)(scope, receive, send)


class Identify:
    """Middleware that puts `workspace`, `identity`, `token_for` and `refusal` into the request's state.

    Args:
        app: what answers.
        workspaces: knows the tokens.
    """

    def __init__(self, app: ASGIApp, *, workspaces: Workspaces) -> None:
        self._app = app
        self._workspaces = workspaces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Find out who calls; without a valid token, nobody calls the default workspace."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = None
        found = None
        token = _presented(scope)
        token_for = self._workspaces.issued_for(token)
        if token:
            found = self._workspaces.authenticate(token)
            # A token that was issued for one endpoint opens that endpoint's own route and nothing else.
            if found is None or (token_for and scope["path"].startswith(_WHOLE_WORKSPACE)):
                refusal = _bad_token()
        else:
            refusal = _no_credential()
        workspace, identity = found or (self._workspaces.default, None)
        scope["state"] = {
            **(scope.get("state") or {}),
            "workspace": workspace,
            "identity": identity,
            "refusal": refusal,
            "token_for": token_for,
            "request_id": str(uuid.uuid4()),
        }
        await self._app(scope, receive, _with_request_id(send, scope["state"]["request_id"]))


class Gate:
    """Middleware that refuses callers without a valid token, except where clients come before they have one.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse as `Identify` found."""
        refusal = scope["state"]["refusal"] if scope["type"] == "http" else None
        if refusal is None or scope["path"] == PAGE or scope["path"].startswith(_PUBLIC):
            await self._app(scope, receive, send)
            return
        await respond(refusal)(scope, receive, send)


@lru_cache
def _names(address: str, port: int) -> frozenset[str]:
    """Return what a server may be called in `Host`."""
    return frozenset(f"{name}:{port}" for name in (*LOOPBACK_NAMES, address))


def _with_request_id(send: Send, request_id: str) -> Send:
    """Name the request in its answer, by the id that the tables give it too; a provider's own name for it gives way."""

    async def named(message: Message) -> None:
        if message["type"] == "http.response.start":
            others = [each for each in message.get("headers", ()) if each[0].lower() != _REQUEST_ID]
            message = {**message, "headers": [*others, (_REQUEST_ID, request_id.encode())]}
        await send(message)

    return named


def _presented(scope: Scope) -> str:
    """Return the token that a request carries, or nothing."""
    scheme, _, given = (_header(scope, b"authorization") or "").partition(" ")
    token = given.strip() if scheme.lower() == "bearer" else _password(given) if scheme.lower() == "basic" else ""
    if token:
        return token
    # Anthropic's older clients send whatever is their key this way, a workspace's token too.
    return (_header(scope, b"x-api-key") or "").strip() if scope["path"].startswith(_ANTHROPIC) else ""


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for each, value in scope["headers"] if each == name), None)


def _password(credentials: str) -> str:
    """Return the token of `curl -u token:TOKEN`, as the vendor's examples write it; nothing for another user's name."""
    try:
        user, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:
        return ""
    return password if user == "token" else ""


def respond(error: ApiError) -> JSONResponse:
    """Return an error as an HTTP answer."""
    return JSONResponse(error.body(), status_code=error.status, headers=error.headers)


def _no_credential() -> ApiError:
    # The real gateway writes the HTTP status as an integer where every other error has a code.
    return ApiError(
        401,
        401,
        f"Credential was not sent or was of an unsupported type for this API. [ReqId: {uuid.uuid4()}]",
        headers={"WWW-Authenticate": 'Bearer realm="DatabricksRealm"'},
    )


def _bad_token() -> ApiError:
    message = "Invalid access token."
    return ApiError(403, 403, message, headers={"X-Databricks-Reason-Phrase": message})
