"""The route of its own by which a route-optimized endpoint is called, and the tokens that it takes.

The real one is a host of the endpoint's own; here it is a path, `/<workspace id>/serving-endpoints/<name>/invocations`,
as the real one has behind its host. It takes OAuth tokens that were issued for the endpoint and no others: what a
token was issued for stands in the token itself, which is known by its digest and so cannot be made up.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local_workspace.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_workspace.resources.serving_endpoint import ServingEndpoint

_ISSUED_FOR = "~"
_OBJECTS = "/serving-endpoints/"
_ACTION = "query_inference_endpoint"


def shown(view: Mapping[str, Any], *, base_url: str, workspace: str) -> dict[str, Any]:
    """Return a route-optimized endpoint as the API shows it, with its own route.

    Args:
        view: the endpoint without it.
        base_url: the server's scheme, host and port.
        workspace: the workspace's id.
    """
    url = f"{base_url}/{workspace}{_OBJECTS}{view['name']}/invocations"
    query = {"endpoint_url": url, "authorization_details": _details(view["id"])}
    return {**view, "endpoint_url": url, "data_plane_info": {"query_info": query}}


def endpoint_asked_for(authorization_details: str) -> str | None:
    """Return the id of the endpoint that a token is asked for, or None if the details name none."""
    try:
        details = json.loads(authorization_details)
    except (ValueError, RecursionError):
        return None
    detail = details[0] if isinstance(details, list) and len(details) == 1 else details
    if not isinstance(detail, dict) or detail.get("actions") != [_ACTION]:
        return None
    path = detail.get("object_path")
    return path.removeprefix(_OBJECTS) if isinstance(path, str) and path.startswith(_OBJECTS) else None


def mark(token: str, endpoint_id: str) -> str:
    """Return a token that says which endpoint it is issued for."""
    return f"{token}{_ISSUED_FOR}{endpoint_id}"


def issued_for(token: str) -> str | None:
    """Return the id of the endpoint that a token is issued for; None for a token of the whole workspace."""
    return token.partition(_ISSUED_FOR)[2] or None


def check(endpoint: ServingEndpoint, *, own: bool, token_for: str | None) -> None:
    """Refuse a call that takes the wrong route, or brings the wrong token for the right one.

    Args:
        endpoint: what is called.
        own: whether by its own route.
        token_for: the id of the endpoint that the caller's token was issued for.

    Raises:
        ApiError: what the real one says is not on record; the words are ours.
    """
    if not own and endpoint.route_optimized:
        raise ApiError(
            400,
            "INVALID_PARAMETER_VALUE",
            f"Endpoint '{endpoint.name}' is route-optimized: it can only be queried at its endpoint_url.",
            request_info=True,
        )
    if own and token_for != endpoint.id:
        raise ApiError(
            401,
            401,
            f"Endpoint '{endpoint.name}' is route-optimized: it takes OAuth tokens that were issued for it, no other "
            "OAuth tokens and no personal access tokens.",
        )


def _details(endpoint_id: str) -> str:
    asked = {
        "type": "workspace_permission",
        "object_type": "serving-endpoints",
        "object_path": f"{_OBJECTS}{endpoint_id}",
        "actions": [_ACTION],
    }
    return json.dumps([asked])
