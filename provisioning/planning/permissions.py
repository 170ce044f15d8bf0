"""Permissions on endpoints: the API keeps them as one list, so they are one change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.model.address import endpoint_address, permissions_address
from provisioning.model.plan import Action, Change, Operation, Step
from provisioning.planning import guards
from provisioning.planning.grants import (
    ENDPOINT_LEVELS,
    Difference,
    Grantee,
    compare,
    declared_grants,
    granted_directly,
    identity,
)

if TYPE_CHECKING:
    from provisioning.model.endpoints import ModelServingEndpoint
    from provisioning.model.plan import Origin
    from provisioning.model.workspace import LiveEndpoint
    from provisioning.planning.circumstances import Circumstances
    from provisioning.planning.comparison import Comparison
    from provisioning.planning.draft import Draft
    from provisioning.planning.grants import Grants

_MANAGE = "CAN_MANAGE"

_ADMINS = Grantee("group_name", "admins")
_INHERITED_FROM_BIRTH = {_ADMINS.key: (_ADMINS, _MANAGE)}
"""What an endpoint's list holds from the start, beside its creator's right (TFP permission_definitions.go:121)."""


def plan_permissions(
    draft: Draft,
    endpoint: ModelServingEndpoint,
    live: LiveEndpoint | None,
    circumstances: Circumstances,
    *,
    compared: Comparison | None = None,
) -> None:
    """Add the change of an endpoint's permissions to the draft.

    Args:
        draft: the plan in the making.
        endpoint: as declared.
        live: the endpoint; None if it is about to be created, so that only its creator has a right.
        circumstances: who applies, with which permission.
        compared: the endpoint's comparison, where it exists.
    """
    if endpoint.permissions is None:
        return
    address = permissions_address(endpoint.name)
    if live is not None and live.permissions is None:
        draft.notes.append(f"{address}: they cannot be read without CAN_MANAGE, so they are left alone")
        return
    caller = identity(circumstances.user)
    acl = live.permissions if live and live.permissions is not None else ()
    present: Grants = granted_directly(acl) if live else {caller.key: (caller, _MANAGE)}
    inherited = granted_directly(acl, inherited=True) if live else _INHERITED_FROM_BIRTH
    wanted = {
        key: grant
        for key, grant in _wanted(endpoint, present, _protected(live, circumstances)).items()
        if key in present or not _inherits(grant, inherited)
    }
    differences = list(compare(wanted, present, ENDPOINT_LEVELS))
    if not differences:
        draft.unchanged.append(address)
        return
    origin = _origin(compared, present)
    if compared is not None:
        _guard(draft, compared, differences, circumstances, origin=origin)
    kept = [(caller, _MANAGE)] if caller.key not in wanted and caller.key in present else []
    draft.changes.append(
        Change(
            address=address,
            action=Action.UPDATE if live else Action.CREATE,
            fields=tuple(each.as_field(f"permissions[{each.grantee.name}]", origin=origin) for each in differences),
            steps=(
                Step(
                    operation=Operation.UPDATE_PERMISSIONS,
                    name=endpoint.name,
                    body={
                        "access_control_list": [
                            {grantee.field: grantee.name, "permission_level": level}
                            for grantee, level in (*wanted.values(), *kept)
                        ]
                    },
                ),
            ),
        )
    )


def _wanted(endpoint: ModelServingEndpoint, present: Grants, protected: list[Grantee]) -> Grants:
    wanted = dict(declared_grants(endpoint.permissions or (), ENDPOINT_LEVELS))
    # whether a PUT that omits the creator takes its right away is not documented: those who manage are listed always
    wanted |= {each.key: present[each.key] for each in protected if present.get(each.key, (each, ""))[1] == _MANAGE}
    return {**present, **wanted} if endpoint.permissions_mode == "additive" else wanted


def _protected(live: LiveEndpoint | None, circumstances: Circumstances) -> list[Grantee]:
    creator = live.body.get("creator") if live else None
    names = (circumstances.user, circumstances.deployer, creator)
    return [identity(name) for name in names if isinstance(name, str) and name]


def _inherits(grant: tuple[Grantee, str], inherited: Grants) -> bool:
    """Tell whether a grant holds anyway, from above; a request that repeats it is refused."""
    grantee, level = grant
    held = inherited.get(grantee.key)
    return held is not None and ENDPOINT_LEVELS.index(held[1]) >= ENDPOINT_LEVELS.index(level)


def _origin(compared: Comparison | None, present: Grants) -> Origin | None:
    """Tell which side changed the grants. A create that was cut off before it granted any leaves its creator alone."""
    if compared is None:
        return None
    creator = identity(str(compared.live.get("creator") or ""))
    untouched = present.keys() == {creator.key} and present[creator.key][1] == _MANAGE
    return None if compared.drifted and untouched else compared.origin


def _guard(
    draft: Draft,
    compared: Comparison,
    differences: list[Difference],
    circumstances: Circumstances,
    *,
    origin: Origin | None,
) -> None:
    address = endpoint_address(compared.endpoint.name)
    if compared.owner is None:
        guards.guard_kept_grants(draft, address, differences, options=circumstances.options)
    elif not compared.drifted:
        guards.guard_access(draft, address, differences, options=circumstances.options)
    elif circumstances.production and origin == "outside":
        # with the configs as at the last apply, a grant that is missing is one that was taken away
        guards.guard_outside_changes(draft, address, options=circumstances.options)
