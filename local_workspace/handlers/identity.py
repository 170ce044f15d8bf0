"""Who am I, and where: SCIM Me, and what a client discovers before it has a token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_workspace.call import Call, route
from local_workspace.resources.identities import scim_me

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from local_workspace.workspace import Workspaces


def me(call: Call) -> Response:
    """Return the caller; the header is where clients read the workspace's id."""
    resource: Mapping[str, Any] = scim_me(call.identity)
    excluded = set((call.query.get("excludedAttributes") or "").split(","))
    shown = {key: value for key, value in resource.items() if key not in excluded}
    return JSONResponse(shown, headers={"X-Databricks-Org-Id": call.workspace.id})


async def databricks_config(request: Request) -> Response:
    """Answer the SDK's first question, which comes without a token: of several workspaces none can be named."""
    base = str(request.base_url).rstrip("/")
    workspaces: Workspaces = request.app.state.workspaces
    sole = workspaces.sole()
    known = {} if sole is None else {"workspace_id": sole.id}
    return JSONResponse({"oidc_endpoint": f"{base}/oidc", **known, "cloud": "AWS"})


routes = [
    route("GET", "/api/2.0/preview/scim/v2/Me", me),
    Route("/.well-known/databricks-config", databricks_config, methods=["GET"]),
]
