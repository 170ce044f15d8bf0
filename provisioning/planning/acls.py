"""Rights on secret scopes: what has to change for them to be as declared, and who seems to have changed them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.model.address import acl_address, scope_address
from provisioning.model.ownership import digest
from provisioning.model.plan import Action, Change, Operation, Step
from provisioning.planning import guards
from provisioning.planning.grants import SCOPE_LEVELS, compare, declared_grants, identity, normal_grants

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from provisioning.model.plan import Origin
    from provisioning.model.scopes import SecretScope
    from provisioning.model.workspace import LiveScope
    from provisioning.planning.circumstances import Circumstances
    from provisioning.planning.draft import Draft
    from provisioning.planning.grants import Difference, Grants


def plan_acls(draft: Draft, scope: SecretScope, live: LiveScope | None, circumstances: Circumstances) -> None:
    """Add the changes of a scope's rights to the draft.

    Args:
        draft: the plan in the making.
        scope: as declared.
        live: the scope; None if it is about to be created, so that only its creator has a right.
        circumstances: who applies, with which permission.
    """
    if scope.permissions is None:
        return
    address = scope_address(scope.name)
    if live is not None and live.acls is None:
        draft.notes.append(f"{address}: its rights cannot be read without MANAGE, so they are left alone")
        return
    present = _present(live, circumstances)
    differences = acl_differences(scope, live, circumstances)
    origin = _origin(scope, live)
    name = live.name if live else scope.name
    changes = [_change(name, each, address_of=scope.name, origin=origin) for each in differences]
    # the keys of a vault cannot be written here, so its scope has no marker
    if changes and origin != "outside" and scope.backend != "AZURE_KEYVAULT":
        record = Step(operation=Operation.RECORD_GRANTS, name=name, body={"grants": grants_digest(scope)})
        changes[-1] = changes[-1].model_copy(update={"steps": (*changes[-1].steps, record)})
    draft.changes.extend(changes)
    if live is None:
        return
    changed = {each.grantee.name for each in differences}
    declared = {_spelled(each.principal, present) for each in scope.permissions}
    draft.unchanged.extend(acl_address(scope.name, each) for each in sorted(declared - changed))
    if differences:
        _guard(draft, scope, live, differences, circumstances)


def acl_differences(scope: SecretScope, live: LiveScope | None, circumstances: Circumstances) -> tuple[Difference, ...]:
    """Return what differs between a scope's declared rights and its live ones, which can be read."""
    present = _present(live, circumstances)
    # an ACL does not say of which kind its principal is: compare by name
    wanted = _by_name(_wanted(scope, present, circumstances), present)
    return compare(wanted, _by_name(present, present), SCOPE_LEVELS)


def grants_digest(scope: SecretScope) -> str:
    """Return what stands for a scope's declared rights in its marker, in whichever words they are declared."""
    declared = normal_grants(declared_grants(scope.permissions or (), SCOPE_LEVELS))
    return digest({"permissions": declared, "mode": scope.permissions_mode or "exact"})


def is_left_over(live: LiveScope, user: str) -> bool:
    """Tell whether a scope is what an interrupted create leaves: no key, and no right but the creator's MANAGE."""
    mine_alone = live.acls is not None and dict(live.acls) == {user: "MANAGE"}
    return mine_alone and not live.keys and live.backend_type != "AZURE_KEYVAULT"


def _present(live: LiveScope | None, circumstances: Circumstances) -> Mapping[str, str]:
    return live.acls if live and live.acls is not None else {circumstances.user: "MANAGE"}


def _wanted(scope: SecretScope, present: Mapping[str, str], circumstances: Circumstances) -> dict[str, str]:
    wanted = {
        _spelled(grantee.name, present): level
        for grantee, level in declared_grants(scope.permissions or (), SCOPE_LEVELS).values()
    }
    managing = {_spelled(each, present) for each in (circumstances.user, circumstances.deployer) if each}
    wanted |= {each: "MANAGE" for each in managing if present.get(each) == "MANAGE"}
    return {**present, **wanted} if scope.permissions_mode == "additive" else wanted


def _origin(scope: SecretScope, live: LiveScope | None) -> Origin | None:
    if live is None or live.grants is None:
        return None
    return "outside" if live.grants == grants_digest(scope) else "config"


def _guard(
    draft: Draft, scope: SecretScope, live: LiveScope, differences: Sequence[Difference], circumstances: Circumstances
) -> None:
    address = scope_address(scope.name)
    if circumstances.owner not in live.owner_sets:
        if not is_left_over(live, circumstances.user):
            guards.guard_kept_grants(draft, address, differences, options=circumstances.options)
    elif _origin(scope, live) == "outside":
        # with the configs as at the last apply, a right that is missing is one that was taken away
        if circumstances.production:
            guards.guard_outside_changes(draft, address, options=circumstances.options)
    elif live.grants is not None or live.recorded is None or live.completed:
        # else an interrupted create has granted nothing yet
        guards.guard_access(draft, address, differences, options=circumstances.options)


def _by_name(levels: Mapping[str, str], present: Mapping[str, str]) -> Grants:
    spelled = {_spelled(name, present): level for name, level in levels.items()}
    return {identity(name).key: (identity(name), level) for name, level in spelled.items()}


def _spelled(name: str, present: Mapping[str, str]) -> str:
    """Return a principal as the workspace spells it: e-mail addresses are compared without case."""
    return next((each for each in present if "@" in each and each.lower() == name.lower()), name)


def _change(scope: str, difference: Difference, *, address_of: str, origin: Origin | None) -> Change:
    name = difference.grantee.name
    if difference.new is None:
        action, step = Action.DELETE, Step(operation=Operation.DELETE_ACL, name=scope, item=name)
    else:
        action = Action.CREATE if difference.old is None else Action.UPDATE
        step = Step(operation=Operation.PUT_ACL, name=scope, item=name, body={"level": difference.new})
    field = difference.as_field("level", origin=origin)
    return Change(address=acl_address(address_of, name), action=action, fields=(field,), steps=(step,))
