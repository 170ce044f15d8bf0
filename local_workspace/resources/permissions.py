"""Who may do what with an endpoint: grants by the endpoint's id, inherited rights, effective levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_workspace.errors import invalid
from local_workspace.resources.identities import ADMINS, Identities, Identity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from local_workspace.settings import Behaviour
    from local_workspace.store import Store

LEVELS = ("CAN_VIEW", "CAN_QUERY", "CAN_MANAGE")
DESCRIPTIONS: Mapping[str, str] = {
    "CAN_VIEW": "Can view the serving endpoint",
    "CAN_QUERY": "Can view and query the serving endpoint",
    "CAN_MANAGE": "Can view, query, change and delete the serving endpoint, and say who else may",
}
KINDS: Mapping[str, str] = {
    "user_name": "user",
    "group_name": "group",
    "service_principal_name": "service_principal",
}
"""The request's principal keys and the kind that each one stands for."""


@dataclass(frozen=True)
class Grant:
    """One direct grant.

    Attributes:
        key: the request's principal key: `user_name`, `group_name` or `service_principal_name`. It is kept as
            it was sent: a service principal granted under `user_name` stays there.
        principal: the name.
        level: CAN_VIEW, CAN_QUERY or CAN_MANAGE.
    """

    key: str
    principal: str
    level: str


class Permissions:
    """The grants of one workspace.

    Args:
        store: where they are kept.
        workspace: the workspace's id.
        identities: the workspace's principals.
        behaviour: the switches.
    """

    def __init__(self, store: Store, workspace: str, *, identities: Identities, behaviour: Behaviour) -> None:
        self._store = store
        self._workspace = workspace
        self._identities = identities
        self._behaviour = behaviour

    def level(self, endpoint_id: str, *, identity: Identity) -> str | None:
        """Return the highest level that an identity has, or None."""
        if identity.is_admin:
            return LEVELS[-1]
        own = set(map(self._behaviour.principal, identity.principals))
        held = [grant.level for grant in self.direct(endpoint_id) if grant.principal in own]
        return max(held, key=LEVELS.index, default=None)

    def direct(self, endpoint_id: str) -> list[Grant]:
        """Return the direct grants; those of a deleted endpoint linger."""
        return self._store.remember(("grants", self._workspace, endpoint_id), lambda: self._direct(endpoint_id))

    def _direct(self, endpoint_id: str) -> list[Grant]:
        rows = self._store.rows(
            "SELECT kind, principal, level FROM grants WHERE workspace = ? AND object = ? ORDER BY kind, principal",
            (self._workspace, endpoint_id),
        )
        return [Grant(row["kind"], row["principal"], row["level"]) for row in rows]

    def grant(self, endpoint_id: str, grants: Iterable[Grant]) -> None:
        """Add grants, each replacing what its principal had."""
        with self._store.transaction():
            for each in grants:
                self._store.execute(
                    "INSERT OR REPLACE INTO grants VALUES (?, ?, ?, ?, ?)",
                    (self._workspace, endpoint_id, self._behaviour.principal(each.principal), each.key, each.level),
                )

    def replace(self, endpoint_id: str, grants: Iterable[Grant], *, creator: Grant | None) -> None:
        """Replace all direct grants.

        Args:
            endpoint_id: the endpoint's id.
            grants: the new ones.
            creator: the endpoint's creator with CAN_MANAGE; kept, unless a switch says otherwise.
        """
        with self._store.transaction():
            self._store.execute("DELETE FROM grants WHERE workspace = ? AND object = ?", (self._workspace, endpoint_id))
            if creator is not None and self._behaviour.creator_keeps_manage:
                self.grant(endpoint_id, [creator])
            self.grant(endpoint_id, grants)

    def parse(self, body: Mapping[str, Any]) -> list[Grant]:
        """Read a request's `access_control_list`.

        Raises:
            ApiError: INVALID_PARAMETER_VALUE.
        """
        listed = body.get("access_control_list", [])
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            raise invalid("access_control_list must be a list of objects.")
        return [self._parse_entry(entry) for entry in listed]

    def _parse_entry(self, entry: Mapping[str, Any]) -> Grant:
        keys = [key for key in KINDS if entry.get(key)]
        if len(keys) != 1:
            raise invalid(f"Each access control entry needs exactly one of {', '.join(KINDS)}.")
        principal, level = str(entry[keys[0]]), entry.get("permission_level")
        if level not in LEVELS:
            raise invalid(f"Unknown permission level {level}. Levels of a serving endpoint: {', '.join(LEVELS)}.")
        if keys[0] == "group_name" and principal == ADMINS and level != LEVELS[-1]:
            raise invalid("Cannot change permissions for group 'admins': it inherits CAN_MANAGE.")
        if self._behaviour.known_principals_only:
            self._identities.require_known(principal)
        return Grant(keys[0], principal, str(level))


def creator_grant(name: str, creator_kind: str) -> Grant:
    """Return the grant with which an endpoint begins."""
    key = "service_principal_name" if creator_kind == "ServicePrincipal" else "user_name"
    return Grant(key, name, LEVELS[-1])


def view(endpoint_id: str, grants: Iterable[Grant], *, known: bool) -> dict[str, Any]:
    """Return the permissions object of the API.

    Args:
        endpoint_id: the endpoint's id.
        grants: the direct grants.
        known: whether such an endpoint exists or existed; admins inherit their right on nothing else.
    """
    entries = [
        {
            grant.key: grant.principal,
            **({} if grant.key == "group_name" else {"display_name": grant.principal.partition("@")[0]}),
            "all_permissions": [{"permission_level": grant.level, "inherited": False}],
        }
        for grant in grants
    ]
    if known:
        inherited = {
            "permission_level": LEVELS[-1],
            "inherited": True,
            "inherited_from_object": ["/serving-endpoints/"],
        }
        own = next((each for each in entries if each.get("group_name") == ADMINS), None)
        if own is None:
            entries.append({"group_name": ADMINS, "all_permissions": [inherited]})
        else:
            own["all_permissions"] = [*own["all_permissions"], inherited]
    return {
        # The path says "serving-endpoints"; the type is singular, and Terraform insists on it.
        "object_id": f"/serving-endpoints/{endpoint_id}",
        "object_type": "serving-endpoint",
        "access_control_list": entries,
    }
