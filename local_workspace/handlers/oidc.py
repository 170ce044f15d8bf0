"""/oidc: tokens for service principals (OAuth machine to machine)."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_workspace.call import read_body

if TYPE_CHECKING:
    from starlette.requests import Request

    from local_workspace.workspace import Workspaces

TOKEN_SECONDS = 3600

_LARGEST_FORM = 64 * 1024


async def metadata(request: Request) -> Response:
    """Say where tokens are issued."""
    base = str(request.base_url).rstrip("/") + "/oidc"
    return JSONResponse(
        {
            "issuer": base,
            "authorization_endpoint": f"{base}/v1/authorize",
            "token_endpoint": f"{base}/v1/token",
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }
    )


async def token(request: Request) -> Response:
    """Issue a token to a service principal that knows its secret."""
    raw = await read_body(request, at_most=_LARGEST_FORM)
    form = dict(parse_qsl(raw.decode(errors="replace")))
    if form.get("grant_type") != "client_credentials":
        return _refuse(400, "unsupported_grant_type", "grant_type must be client_credentials")
    client_id, secret = _basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
    workspaces: Workspaces = request.app.state.workspaces
    workspace = workspaces.of_client(client_id, secret)
    if workspace is None:
        return _refuse(401, "invalid_client", "Client authentication failed")
    return JSONResponse(
        {
            "access_token": workspace.identities.issue(client_id, seconds=TOKEN_SECONDS),
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": form.get("scope", "all-apis"),
        }
    )


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return client_id, secret


def _refuse(status: int, error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status_code=status)


routes = [
    Route("/oidc/.well-known/oauth-authorization-server", metadata, methods=["GET"]),
    Route("/oidc/v1/token", token, methods=["POST"]),
]
