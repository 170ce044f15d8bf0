"""The route of its own that a route-optimized endpoint is called by, read from the endpoint's JSON object.

Such an endpoint answers at `https://<id>.<shard>.serving.…/<workspace id>/serving-endpoints/<name>/invocations`, takes
OAuth tokens alone, and of these only ones that were issued for it (docs.databricks.com, "Query route-optimized serving
endpoints"). Created since 2025-09-22, it does not answer at the workspace's URL at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class OwnRoute:
    """Where an endpoint answers, and what the token for it must allow.

    Attributes:
        origin: scheme, host and port.
        path: the path at which it is asked.
        authorization_details: what a token is asked for with, a JSON text.
    """

    origin: str
    path: str
    authorization_details: str


def read_own_route(endpoint: Mapping[str, object] | None) -> OwnRoute | None:
    """Read an endpoint's own route; None if it has none.

    Args:
        endpoint: the GET's JSON object, or None for an endpoint that was not found.
    """
    if endpoint is None:
        return None
    info = endpoint.get("data_plane_info")
    query = info.get("query_info") if isinstance(info, Mapping) else None
    told: Mapping[str, object] = query if isinstance(query, Mapping) else {}
    url = told.get("endpoint_url") or endpoint.get("endpoint_url")
    parts = urlsplit(url) if isinstance(url, str) else None
    if parts is None or parts.scheme not in {"http", "https"} or not parts.netloc or not parts.path:
        return None
    details = told.get("authorization_details")
    allowed = details if isinstance(details, str) and details else _details(parts.hostname or "")
    return OwnRoute(f"{parts.scheme}://{parts.netloc}", parts.path, allowed)


def _details(name: str) -> str:
    """Write what the workspace leaves out: the object is named by the first label of the route's own host."""
    asked = {
        "type": "workspace_permission",
        "object_type": "serving-endpoints",
        "object_path": f"/serving-endpoints/{name.partition('.')[0]}",
        "actions": ["query_inference_endpoint"],
    }
    return json.dumps([asked])
