"""The routes of the page: its files, which anybody may read, and the API's reads that leave no trace."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from local_workspace.authentication import PAGE
from local_workspace.call import route
from local_workspace.handlers import endpoints, identity, scopes

if TYPE_CHECKING:
    from starlette.requests import Request

_ASSETS = Path(__file__).parent / "assets"
_MEDIA_TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",  # a form that no script caught would put what it holds into an address
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",  # and since no policy may make any, text can never become HTML
    "trusted-types": "'none'",
}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "; ".join(f"{what} {whence}" for what, whence in _POLICY.items()),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


async def asset(request: Request) -> Response:
    """Hand out a file of the page; they hold nothing of the workspace, and take no token."""
    name = request.path_params.get("name", "index.html")
    # Compared with what is there, never joined to a path: a name comes from outside.
    found = next((each for each in _ASSETS.iterdir() if each.name == name), None)
    if found is None:
        raise HTTPException(404)
    return Response(found.read_bytes(), media_type=_MEDIA_TYPES[found.suffix], headers=_HEADERS)


routes = [
    Route(PAGE, asset, methods=["GET"]),
    Route(f"{PAGE}/{{name}}", asset, methods=["GET"]),
    # The same answers as without `/_local`, but not recorded, and no fault is used up by them.
    route("GET", "/_local/api/2.0/serving-endpoints", endpoints.list_all),
    route("GET", "/_local/api/2.0/serving-endpoints/{name}", endpoints.get),
    route("GET", "/_local/api/2.0/secrets/scopes/list", scopes.list_scopes),
    route("GET", "/_local/api/2.0/secrets/list", scopes.list_secrets),
    route("GET", "/_local/api/2.0/preview/scim/v2/Me", identity.me),
]
