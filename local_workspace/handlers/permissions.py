"""/api/2.0/permissions/serving-endpoints: who may do what with an endpoint, by its id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_workspace.call import Call, route
from local_workspace.handlers.schemas import GRANTS

if TYPE_CHECKING:
    from collections.abc import Mapping


def get(call: Call) -> Mapping[str, Any]:
    """Return the grants."""
    return call.workspace.endpoint_grants.get(call.path["id"], identity=call.identity)


def replace(call: Call) -> Mapping[str, Any]:
    """Replace all direct grants."""
    return call.workspace.endpoint_grants.replace(call.path["id"], call.body, identity=call.identity)


def update(call: Call) -> Mapping[str, Any]:
    """Add grants, or change the levels of principals that have one."""
    return call.workspace.endpoint_grants.update(call.path["id"], call.body, identity=call.identity)


def levels(call: Call) -> Mapping[str, Any]:
    """Return the levels that there are."""
    described = call.workspace.endpoint_grants.levels(call.path["id"], identity=call.identity)
    return {
        "permission_levels": [{"permission_level": level, "description": text} for level, text in described.items()]
    }


_PERMISSIONS = "/api/2.0/permissions/serving-endpoints/{id}"

routes = [
    route("GET", _PERMISSIONS, get),
    route("PUT", _PERMISSIONS, replace, takes=GRANTS),
    route("PATCH", _PERMISSIONS, update, takes=GRANTS),
    route("GET", f"{_PERMISSIONS}/permissionLevels", levels),
]
