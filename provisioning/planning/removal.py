"""What leaves: everything that a set owns, or what the configs no longer name; deleted, or merely let go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.model.address import endpoint_address, folded, scope_address
from provisioning.model.ownership import OWNERSHIP_TAGS, SET_TAG, marker_key
from provisioning.model.plan import Action, Change, FieldChange, Operation, Step
from provisioning.planning import guards
from provisioning.planning.acls import is_left_over
from provisioning.planning.circumstances import circumstances_of
from provisioning.planning.draft import Draft
from provisioning.planning.endpoints import plan_endpoint_deletion
from provisioning.planning.holds import hold_on
from provisioning.planning.scopes import plan_scope_deletion

if TYPE_CHECKING:
    from provisioning.model.address import Address
    from provisioning.model.plan import Plan
    from provisioning.model.workspace import Desired, Live, LiveEndpoint, LiveScope
    from provisioning.planning.circumstances import Circumstances

_DESTROYED = "this set owns it, and is being destroyed"
_PRUNED = "this set owns it, and the configs no longer name it"
_LET_GO = "let go: it stays as it is, and belongs to no set"
_UNDECLARED = "left alone: without bundle.name another folder of this name may have made it"


def make_destroy_plan(desired: Desired, live: Live) -> Plan:
    """Plan the deletion of everything that the set owns, and of nothing else.

    Args:
        desired: the configs: their set, what of it is selected, and what they protect with `prevent_destroy`.
        live: the workspace, with what the set owns beyond the configs.
    """
    circumstances = circumstances_of(desired, live)
    draft = Draft()
    endpoints, scopes = _meant(desired, live, circumstances)
    _note_undeclared(draft, desired, live, circumstances)
    for endpoint in _not_held(draft, endpoints, circumstances):
        plan_endpoint_deletion(draft, endpoint.name, because=_DESTROYED)
    for scope in scopes:
        plan_scope_deletion(draft, scope, because=_DESTROYED)
    protected = _protected(desired)
    for address in [change.address for change in draft.changes if folded(change.address) in protected]:
        draft.block(address, "prevent_destroy is set", remedy="remove it from the config first")
    _note_survivors(draft, desired, live)
    guards.guard_deployer(draft, desired.target, circumstances)
    return draft.finished(desired, live, owner=circumstances.owner)


def make_disown_plan(desired: Desired, live: Live) -> Plan:
    """Plan to take the set's marks off everything that it owns: nothing else of it changes.

    Args:
        desired: the configs: their set, and what of it is selected.
        live: the workspace, with what the set owns beyond the configs.
    """
    circumstances = circumstances_of(desired, live)
    draft = Draft()
    endpoints, _ = _meant(desired, live, circumstances)
    _note_undeclared(draft, desired, live, circumstances)
    for endpoint in _not_held(draft, endpoints, circumstances):
        keys = [str(tag["key"]) for tag in endpoint.tags if tag.get("key") in OWNERSHIP_TAGS]
        step = Step(operation=Operation.UPDATE_TAGS, name=endpoint.name, body={"delete_tags": list(keys)})
        draft.changes.append(_letting_go(endpoint_address(endpoint.name), circumstances.owner, step))
    for scope in live.scopes.values():
        # here a scope that carries another set's marker too is meant as well: letting go is the way out of that
        if circumstances.owner in scope.owner_sets and _is_meant(desired, scope_address(scope.name)):
            step = Step(operation=Operation.DELETE_SECRET, name=scope.name, item=marker_key(circumstances.owner))
            draft.changes.append(_letting_go(scope_address(scope.name), circumstances.owner, step))
    guards.guard_deployer(draft, desired.target, circumstances)
    return draft.finished(desired, live, owner=circumstances.owner)


def prune(draft: Draft, desired: Desired, live: Live, circumstances: Circumstances) -> None:
    """Add the deletion of what the set owns and the configs no longer name."""
    if desired.selected or not desired.named or not (desired.scopes or desired.endpoints):
        draft.notes.append(
            "nothing is pruned: a selection, a set without bundle.name and one without any resource never delete"
        )
        return
    kept = _declared(desired)
    endpoints, scopes = _meant(desired, live, circumstances)
    gone = _not_held(draft, [each for each in endpoints if endpoint_address(each.name) not in kept], circumstances)
    successors = {each.moved.from_: each.name for each in desired.endpoints if each.moved is not None}
    for endpoint in gone:
        plan_endpoint_deletion(draft, endpoint.name, because=_PRUNED, successor=successors.get(endpoint.name))
    gone_scopes = [each for each in scopes if folded(scope_address(each.name)) not in kept]
    for scope in gone_scopes:
        plan_scope_deletion(draft, scope, because=_PRUNED)
        guards.guard_scope_deletion(draft, scope_address(scope.name), options=circumstances.options)
    deleted = [*(endpoint_address(each.name) for each in gone), *(scope_address(each.name) for each in gone_scopes)]
    guards.guard_share(draft, deleted=deleted, owned=len(endpoints) + len(scopes), options=circumstances.options)


def _meant(desired: Desired, live: Live, circumstances: Circumstances) -> tuple[list[LiveEndpoint], list[LiveScope]]:
    """Return what the set owns, as far as it is meant."""
    endpoints = [each for each in live.endpoints.values() if _owner_of(each) == circumstances.owner]
    scopes = [
        each
        for each in live.scopes.values()
        # one that carries another set's marker too is not ours to delete
        if each.owner_sets == (circumstances.owner,) or is_left_over(each, circumstances.user)
    ]
    return (
        [each for each in endpoints if _is_meant(desired, endpoint_address(each.name))],
        [each for each in scopes if _is_meant(desired, scope_address(each.name))],
    )


def _owner_of(endpoint: LiveEndpoint) -> object:
    return next((tag.get("value") for tag in endpoint.tags if tag.get("key") == SET_TAG), None)


def _is_meant(desired: Desired, address: Address) -> bool:
    """Tell whether something of the set's is selected; of a set that its folder names, no more than it declares is."""
    if desired.selected:
        return folded(address) in {folded(each) for each in desired.selected}
    return desired.named or folded(address) in _declared(desired)


def _declared(desired: Desired) -> set[Address]:
    return {endpoint_address(each.name) for each in desired.endpoints} | {
        folded(scope_address(each.name)) for each in desired.scopes
    }


def _note_undeclared(draft: Draft, desired: Desired, live: Live, circumstances: Circumstances) -> None:
    """Say what carries the set's mark and stays: folders of one name share a mark."""
    if desired.named or desired.selected:
        return
    marked = [endpoint_address(each.name) for each in live.endpoints.values() if _owner_of(each) == circumstances.owner]
    marked += [scope_address(each.name) for each in live.scopes.values() if circumstances.owner in each.owner_sets]
    declared = _declared(desired)
    draft.notes.extend(f"{each}: {_UNDECLARED}" for each in marked if folded(each) not in declared)


def _not_held(draft: Draft, endpoints: list[LiveEndpoint], circumstances: Circumstances) -> list[LiveEndpoint]:
    holds = {each.name: hold_on(each, today=circumstances.today) for each in endpoints}
    draft.notes.extend(f"{endpoint_address(name)}: {hold}; it stays" for name, hold in holds.items() if hold)
    return [each for each in endpoints if not holds[each.name]]


def _letting_go(address: Address, owner: str, step: Step) -> Change:
    field = FieldChange(path="owner", old=owner, reason=_LET_GO)
    return Change(address=address, action=Action.UPDATE, fields=(field,), steps=(step,))


def _protected(desired: Desired) -> set[Address]:
    resources = [(scope_address(each.name), each.lifecycle) for each in desired.scopes]
    endpoints = [(endpoint_address(each.name), each.lifecycle) for each in desired.endpoints]
    return {
        folded(address) for address, lifecycle in (*resources, *endpoints) if lifecycle and lifecycle.prevent_destroy
    }


def _note_survivors(draft: Draft, desired: Desired, live: Live) -> None:
    deleted = {change.address for change in draft.changes}
    named = [endpoint_address(each.name) for each in desired.endpoints if each.name in live.endpoints]
    named += [
        scope_address(live.scopes[each.name.lower()].name)
        for each in desired.scopes
        if each.name.lower() in live.scopes
    ]
    noted = "\n".join(draft.notes)
    draft.notes.extend(
        f"{address}: left alone, it does not belong to this set"
        for address in named
        if address not in deleted and f"{address}:" not in noted
    )
