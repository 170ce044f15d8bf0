"""Who may do what with an endpoint, as its id is asked: also the id of one that is gone, or never was."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from local_workspace.errors import denied, invalid, missing
from local_workspace.resources import permissions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_workspace.resources.endpoint_record import Endpoint
    from local_workspace.resources.endpoints import Endpoints
    from local_workspace.resources.identities import Identity
    from local_workspace.settings import Behaviour

_ID = re.compile(r"[0-9a-f]{32}")


class EndpointGrants:
    """The grants on the endpoints of one workspace, for clients.

    Args:
        endpoints: the workspace's endpoints.
        granted: the workspace's grants.
        behaviour: the switches.
    """

    def __init__(self, endpoints: Endpoints, *, granted: permissions.Permissions, behaviour: Behaviour) -> None:
        self._endpoints = endpoints
        self._granted = granted
        self._behaviour = behaviour

    def get(self, endpoint_id: str, *, identity: Identity) -> dict[str, Any]:
        """Return the grants."""
        self._require(endpoint_id, "CAN_VIEW", identity=identity)
        return self._view(endpoint_id)

    def replace(self, endpoint_id: str, body: Mapping[str, Any], *, identity: Identity) -> dict[str, Any]:
        """Replace all direct grants by a request's `access_control_list`."""
        endpoint = self._require(endpoint_id, "CAN_MANAGE", identity=identity)
        creator = None if endpoint is None else permissions.creator_grant(endpoint.creator, endpoint.creator_kind)
        self._granted.replace(endpoint_id, self._granted.parse(body), creator=creator)
        return self._view(endpoint_id)

    def update(self, endpoint_id: str, body: Mapping[str, Any], *, identity: Identity) -> dict[str, Any]:
        """Add grants, or change the levels of principals that have one."""
        self._require(endpoint_id, "CAN_MANAGE", identity=identity)
        self._granted.grant(endpoint_id, self._granted.parse(body))
        return self._view(endpoint_id)

    def levels(self, endpoint_id: str, *, identity: Identity) -> Mapping[str, str]:
        """Return the levels that there are, each with its description."""
        self._require(endpoint_id, "CAN_VIEW", identity=identity)
        return permissions.DESCRIPTIONS

    def _require(self, endpoint_id: str, level: str, *, identity: Identity) -> Endpoint | None:
        """Return the endpoint, on which the identity has at least the level, or None if it is gone or never was."""
        if not _ID.fullmatch(endpoint_id):
            raise invalid(f"'{endpoint_id}' is not a valid Inference Endpoint ID.")
        endpoint = self._endpoints.table.by_id(endpoint_id)
        if endpoint is not None:
            return self._endpoints.require(endpoint.name, level, identity=identity)
        lingering = bool(self._granted.direct(endpoint_id))
        if not lingering and self._behaviour.unknown_permission_object == "not_found":
            raise missing(f"Endpoint with id '{endpoint_id}' does not exist.")
        held = self._granted.level(endpoint_id, identity=identity)
        if (lingering or level == "CAN_MANAGE") and held is None:
            raise denied(f"{identity.name} does not have {level} on serving endpoint {endpoint_id}.")
        return None

    def _view(self, endpoint_id: str) -> dict[str, Any]:
        grants = self._granted.direct(endpoint_id)
        known = bool(grants) or self._endpoints.table.by_id(endpoint_id) is not None
        return permissions.view(endpoint_id, grants, known=known)
