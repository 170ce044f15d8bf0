"""/oidc: tokens for service principals (OAuth machine to machine), and for route-optimized endpoints."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_workspace.call import read_body
from local_workspace.resources.own_route import endpoint_asked_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from local_workspace.resources.identities import Identity
    from local_workspace.workspace import Workspace, Workspaces

TOKEN_SECONDS = 3600

_LARGEST_FORM = 64 * 1024
_PERSONAL = "dapi"
_MAY_QUERY = ("CAN_QUERY", "CAN_MANAGE")


async def metadata(request: Request) -> Response:
    """Say where tokens are issued."""
    base = str(request.base_url).rstrip("/") + "/oidc"
    return JSONResponse(
        {
            "issuer": base,
            "authorization_endpoint": f"{base}/v1/authorize",
            "token_endpoint": f"{base}/v1/token",
            "grant_types_supported": ["client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }
    )


async def token(request: Request) -> Response:
    """Issue a token to a service principal that knows its secret, or to who brings an OAuth token already."""
    raw = await read_body(request.receive, at_most=_LARGEST_FORM)
    form = dict(parse_qsl(raw.decode(errors="replace")))
    workspaces: Workspaces = request.app.state.workspaces
    match form.get("grant_type"):
        case "client_credentials":
            client_id, secret = _basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
            workspace = workspaces.of_client(client_id, secret)
            if workspace is None:
                return _refuse(401, "invalid_client", "Client authentication failed")
            return _issued(form, workspace, workspace.identities.get(client_id))
        case "urn:ietf:params:oauth:grant-type:jwt-bearer":
            assertion = form.get("assertion", "")
            found = None if assertion.startswith(_PERSONAL) else workspaces.authenticate(assertion)
            if found is None:
                return _refuse(400, "invalid_grant", "The assertion is no OAuth token of this workspace")
            return _issued(form, *found)
        case _:
            return _refuse(400, "unsupported_grant_type", "grant_type must be client_credentials or jwt-bearer")


def _issued(form: Mapping[str, str], workspace: Workspace, identity: Identity) -> Response:
    """Issue a token, for the whole workspace or for what `authorization_details` asks for."""
    endpoint_id = None
    if "authorization_details" in form:
        endpoint_id = endpoint_asked_for(form["authorization_details"])
        endpoint = workspace.endpoints.table.by_id(endpoint_id or "")
        if endpoint is None or workspace.endpoints.level(endpoint, identity=identity) not in _MAY_QUERY:
            text = "User is not authorized to the requested authorizations"
            return _refuse(400, "invalid_authorization_details", text)
    return JSONResponse(
        {
            "access_token": workspace.identities.issue(identity.name, seconds=TOKEN_SECONDS, endpoint_id=endpoint_id),
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
