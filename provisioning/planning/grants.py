"""Who may do what: declared permissions against live ones, for scopes and endpoints alike.

A declared list is exact. What is never taken away is the right to manage of whoever applies, of the target's
deployer and of an endpoint's creator: losing it would lock them out of what they have to look after.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from provisioning.model.plan import FieldChange
from provisioning.planning.differ import OUTSIDE

if TYPE_CHECKING:
    from pydantic import JsonValue

    from provisioning.model.permissions import EndpointPermission, ScopePermission
    from provisioning.model.plan import Origin

SCOPE_LEVELS = ("READ", "WRITE", "MANAGE")
ENDPOINT_LEVELS = ("CAN_VIEW", "CAN_QUERY", "CAN_MANAGE")

Field: TypeAlias = Literal["user_name", "group_name", "service_principal_name"]

_APPLICATION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class Grantee:
    """Somebody who has a right.

    Attributes:
        field: what kind of principal it is, in the API's terms.
        name: as it is written in requests.
    """

    field: Field
    name: str

    @property
    def key(self) -> tuple[Field, str]:
        """What two spellings of the same principal have in common: e-mail addresses are compared without case."""
        return self.field, self.name.lower() if self.field == "user_name" else self.name


Grants: TypeAlias = Mapping[tuple[Field, str], tuple[Grantee, str]]
"""The level that each principal has."""


@dataclass(frozen=True)
class Difference:
    """How one principal's right changes.

    Attributes:
        grantee: whose.
        old: the live level, if there is one.
        new: the level it is to have; None if it is to go.
        wider: whether it allows more than before.
    """

    grantee: Grantee
    old: str | None
    new: str | None
    wider: bool

    def as_field(self, path: str, *, origin: Origin | None = None) -> FieldChange:
        """Return the difference as a line of a plan."""
        reason = "granted by the config" if self.new else "not in the config's permissions, which are exact"
        if origin == "outside":
            reason = OUTSIDE
        return FieldChange(path=path, old=self.old, new=self.new, reason=reason, origin=origin)


def identity(user: str) -> Grantee:
    """Return the grantee that a `userName` stands for: a service principal's is its application id."""
    return Grantee("service_principal_name" if _APPLICATION_ID.fullmatch(user) else "user_name", user)


def declared_grants(
    permissions: Sequence[ScopePermission | EndpointPermission], levels: Sequence[str]
) -> dict[tuple[Field, str], tuple[Grantee, str]]:
    """Collect declared permissions; who is listed twice gets the higher level."""
    return _collect(((_grantee_of(each), each.level) for each in permissions), levels)


def normal_grants(grants: Grants) -> list[JsonValue]:
    """Return grants in one form for all the ways to declare the same: in whichever order, case or number."""
    return [[*key, level] for key, (_, level) in sorted(grants.items())]


def granted_directly(
    acl: Iterable[Mapping[str, JsonValue]], *, inherited: bool = False
) -> dict[tuple[Field, str], tuple[Grantee, str]]:
    """Collect the direct grants (or the inherited ones) of an endpoint's access control list."""
    found: list[tuple[Grantee, str]] = []
    for entry in acl:
        grantee = _live_grantee(entry)
        permissions = entry.get("all_permissions")
        if grantee is None or not isinstance(permissions, list):
            continue
        found.extend(
            (grantee, str(each.get("permission_level")))
            for each in permissions
            if isinstance(each, dict) and bool(each.get("inherited")) is inherited
        )
    return _collect(found, ENDPOINT_LEVELS)


def compare(declared: Grants, live: Grants, levels: Sequence[str]) -> tuple[Difference, ...]:
    """Return what has to change for the live grants to be the declared ones: grants first, then revocations."""
    changed = [
        Difference(
            grantee, live[key][1] if key in live else None, level, wider=_rank(live, key, levels) < levels.index(level)
        )
        for key, (grantee, level) in declared.items()
        if key not in live or live[key][1] != level
    ]
    revoked = [
        Difference(grantee, level, None, wider=False) for key, (grantee, level) in live.items() if key not in declared
    ]
    return (*changed, *revoked)


def _rank(live: Grants, key: tuple[Field, str], levels: Sequence[str]) -> int:
    level = live[key][1] if key in live else None
    return levels.index(level) if level in levels else -1


def _collect(
    grants: Iterable[tuple[Grantee, str]], levels: Sequence[str]
) -> dict[tuple[Field, str], tuple[Grantee, str]]:
    found: dict[tuple[Field, str], tuple[Grantee, str]] = {}
    for grantee, level in grants:
        if level in levels and levels.index(level) > _rank(found, grantee.key, levels):
            found[grantee.key] = (grantee, level)
    return found


def _grantee_of(permission: ScopePermission | EndpointPermission) -> Grantee:
    if permission.user_name is not None:
        return Grantee("user_name", permission.user_name)
    if permission.group_name is not None:
        return Grantee("group_name", permission.group_name)
    return Grantee("service_principal_name", permission.principal)


def _live_grantee(entry: Mapping[str, JsonValue]) -> Grantee | None:
    fields: tuple[Field, ...] = ("user_name", "group_name", "service_principal_name")
    for field in fields:
        name = entry.get(field)
        if isinstance(name, str) and name:
            return Grantee(field, name)
    return None
