"""Rights that configs need and a plan does not look at: of whoever applies, and of each endpoint's creator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.model.address import Address, endpoint_address, scope_address
from provisioning.model.checkup import Check, Health
from provisioning.model.references import secrets_used
from provisioning.planning.grants import SCOPE_LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from provisioning.model.endpoints import ModelServingEndpoint
    from provisioning.model.permissions import ScopeLevel
    from provisioning.model.values import SecretKey
    from provisioning.model.workspace import Desired, Live, LiveEndpoint, LiveScope

MOST_SCOPES = 1000
MOST_SECRETS = 1000
MOST_ENDPOINTS = 1000
"""What a workspace (and a scope, of secrets) takes: the limits' pages of secret management and of model serving."""

_NEARLY = 0.9
_EVERYBODY = "users"
_LEVEL = "permission_level"
_TO_CREATE = "it does not exist yet: an apply creates it"


def rights_of(desired: Desired, live: Live) -> Iterator[Check]:
    """Yield what the configs need of each declared object, and whether it is there.

    Args:
        desired: the configs.
        live: the declared and referenced objects, with rights as far as they may be read.
    """
    yield from _identity(desired, live)
    for scope in desired.scopes:
        yield from _scope(scope_address(scope.name), live.scopes.get(scope.name.lower()))
    for endpoint in desired.endpoints:
        found = live.endpoints.get(endpoint.name)
        yield from _endpoint(endpoint_address(endpoint.name), found)
        yield from _credentials(endpoint, found, live)


def room_for(what: str, *, count: int, new: int, most: int) -> Check:
    """Say whether a limit leaves room.

    Args:
        what: what is counted.
        count: how many there are.
        new: how many the configs would add.
        most: how many there may be.
    """
    total = count + new
    said = f"{count} of {most} {what}" + (f", and {new} more to create" if new else "")
    if total > most:
        return Check(
            subject="limits", health=Health.PROBLEM, message=said, remedy="delete some, or ask Databricks for more"
        )
    if total > most * _NEARLY:
        return Check(subject="limits", health=Health.WARNING, message=said, remedy="there is little room left")
    return Check(subject="limits", health=Health.OK, message=said)


def _identity(desired: Desired, live: Live) -> Iterator[Check]:
    deployer = desired.target.deployer
    if deployer is None or deployer.lower() == live.user.lower():
        yield Check(subject="identity", health=Health.OK, message=f"you are {live.user}")
    else:
        yield Check(
            subject="identity",
            health=Health.WARNING,
            message=f"you are {live.user}, and target {desired.target.name!r} is deployed by {deployer}",
            remedy="leave applies to that identity: an endpoint reads its secrets with its creator's rights",
        )


def _scope(address: Address, live: LiveScope | None) -> Iterator[Check]:
    if live is not None and not live.visible:
        yield Check(
            subject=address,
            health=Health.PROBLEM,
            message="it exists, and you may not look into it",
            remedy="ask its owner for MANAGE, or give the scope another name",
        )
    elif live is None:
        yield Check(subject=address, health=Health.OK, message=_TO_CREATE)
    elif live.acls is None:
        yield Check(
            subject=address,
            health=Health.UNKNOWN,
            message="its rights cannot be listed: you have no MANAGE on it",
            remedy="ask its owner for MANAGE, to have its rights managed and checked",
        )
    else:
        yield Check(subject=address, health=Health.OK, message="you have MANAGE on it")
    if live is not None and len(live.keys) > MOST_SECRETS * _NEARLY:
        yield room_for(f"secrets in {live.name}", count=len(live.keys), new=0, most=MOST_SECRETS)


def _endpoint(address: Address, live: LiveEndpoint | None) -> Iterator[Check]:
    level = live.body.get(_LEVEL) if live else None
    if live is None:
        yield Check(subject=address, health=Health.OK, message=_TO_CREATE)
    elif not live.visible:
        yield Check(
            subject=address,
            health=Health.PROBLEM,
            message="it exists, and is not visible to you",
            remedy="ask its owner for CAN_MANAGE, or give the endpoint another name",
        )
    elif isinstance(level, str) and level != "CAN_MANAGE":
        yield Check(
            subject=address,
            health=Health.PROBLEM,
            message=f"you have {level} on it, and changing it takes CAN_MANAGE",
            remedy="ask its owner for CAN_MANAGE",
        )
    else:
        yield Check(
            subject=address, health=Health.OK, message=f"you have CAN_MANAGE on it; created by {_creator(live)}"
        )


def _credentials(endpoint: ModelServingEndpoint, found: LiveEndpoint | None, live: Live) -> Iterator[Check]:
    """The workspace reads an endpoint's secrets with the rights of its creator, not of whoever calls it."""
    reader = (_creator(found) if found else None) or live.user
    for scope, keys in _used(endpoint).items():
        subject = f"{endpoint_address(endpoint.name)} → {scope_address(scope)}"
        yield _readable(subject, live.scopes.get(scope.lower()), reader, keys, user=live.user)


def _used(endpoint: ModelServingEndpoint) -> dict[str, list[str]]:
    used: dict[str, list[str]] = {}
    references: Iterable[SecretKey] = (each.secret for each in secrets_used(endpoint))
    for reference in references:
        used.setdefault(reference.scope, []).append(reference.key)
    return used


def _readable(subject: str, scope: LiveScope | None, reader: str, keys: list[str], *, user: str) -> Check:
    if scope is None:
        return Check(
            subject=subject,
            health=Health.UNKNOWN,
            message="the scope does not exist, or is not visible to you",
            remedy="declare it in the configs, or ask its owner for READ",
        )
    missing = [key for key in dict.fromkeys(keys) if scope.visible and key not in scope.keys]
    if missing:
        return Check(
            subject=subject,
            health=Health.WARNING,
            message=f"it refers to {', '.join(missing)}, which is not there yet",
            remedy="put it, or declare its source in the configs",
        )
    if reader.lower() == user.lower() and scope.visible:
        return Check(subject=subject, health=Health.OK, message=f"{reader}, who created it, may read it")
    if scope.acls is None:
        return Check(
            subject=subject,
            health=Health.UNKNOWN,
            message=f"whether {reader}, who created it, may read it cannot be told without MANAGE on the scope",
            remedy="ask the scope's owner, or for MANAGE",
        )
    return _by_acls(subject, reader, {name.lower(): level for name, level in scope.acls.items()})


def _by_acls(subject: str, reader: str, acls: dict[str, ScopeLevel]) -> Check:
    # whoever is in the list has READ at least
    if reader.lower() in acls or _EVERYBODY in acls:
        return Check(subject=subject, health=Health.OK, message=f"{reader}, who created it, may read it")
    groups = sorted(name for name in acls if "@" not in name)
    if groups:
        return Check(
            subject=subject,
            health=Health.UNKNOWN,
            message=f"{reader}, who created it, may read it only as a member of {' or '.join(groups)}",
            remedy="check the membership, or grant READ by name",
        )
    return Check(
        subject=subject,
        health=Health.PROBLEM,
        message=f"{reader}, who created it, has no {SCOPE_LEVELS[0]}: calls fail",
        remedy=f"grant {reader} READ on the scope, or have the endpoint created again by who has it",
    )


def _creator(live: LiveEndpoint) -> str | None:
    creator = live.body.get("creator")
    return creator if isinstance(creator, str) and creator else None
