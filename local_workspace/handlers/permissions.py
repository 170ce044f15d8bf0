"""/api/2.0/permissions/serving-endpoints: who may do what with an endpoint, by its id."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local_workspace.call import Call, route
from local_workspace.errors import denied, invalid, missing
from local_workspace.handlers.schemas import GRANTS
from local_workspace.resources import permissions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_workspace.resources.endpoint_record import Endpoint

_ID = re.compile(r"[0-9a-f]{32}")


def get(call: Call) -> Mapping[str, Any]:
    """Return the grants."""
    _endpoint(call, "CAN_VIEW")
    return _view(call)


def replace(call: Call) -> Mapping[str, Any]:
    """Replace all direct grants."""
    endpoint = _endpoint(call, "CAN_MANAGE")
    creator = None if endpoint is None else permissions.creator_grant(endpoint.creator, endpoint.creator_kind)
    call.workspace.permissions.replace(call.path["id"], call.workspace.permissions.parse(call.body), creator=creator)
    return _view(call)


def update(call: Call) -> Mapping[str, Any]:
    """Add grants, or change the levels of principals that have one."""
    _endpoint(call, "CAN_MANAGE")
    call.workspace.permissions.grant(call.path["id"], call.workspace.permissions.parse(call.body))
    return _view(call)


def levels(call: Call) -> Mapping[str, Any]:
    """Return the levels that there are."""
    _endpoint(call, "CAN_VIEW")
    return {
        "permission_levels": [
            {"permission_level": level, "description": text} for level, text in permissions.DESCRIPTIONS.items()
        ]
    }


def _endpoint(call: Call, level: str) -> Endpoint | None:
    """Return the endpoint of the id in the path, or None if it is gone or never was."""
    endpoint_id = call.path["id"]
    if not _ID.fullmatch(endpoint_id):
        raise invalid(f"'{endpoint_id}' is not a valid Inference Endpoint ID.")
    endpoint = call.workspace.endpoints.table.by_id(endpoint_id)
    if endpoint is not None:
        return call.workspace.endpoints.require(endpoint.name, level, identity=call.identity)
    lingering = bool(call.workspace.permissions.direct(endpoint_id))
    if not lingering and call.workspace.settings.behaviour.unknown_permission_object == "not_found":
        raise missing(f"Endpoint with id '{endpoint_id}' does not exist.")
    held = call.workspace.permissions.level(endpoint_id, identity=call.identity)
    if (lingering or level == "CAN_MANAGE") and held is None:
        raise denied(f"{call.identity.name} does not have {level} on serving endpoint {endpoint_id}.")
    return None


def _view(call: Call) -> Mapping[str, Any]:
    endpoint_id = call.path["id"]
    grants = call.workspace.permissions.direct(endpoint_id)
    known = bool(grants) or call.workspace.endpoints.table.by_id(endpoint_id) is not None
    return permissions.view(endpoint_id, grants, known=known)


_PERMISSIONS = "/api/2.0/permissions/serving-endpoints/{id}"

routes = [
    route("GET", _PERMISSIONS, get),
    route("PUT", _PERMISSIONS, replace, takes=GRANTS),
    route("PATCH", _PERMISSIONS, update, takes=GRANTS),
    route("GET", f"{_PERMISSIONS}/permissionLevels", levels),
]
