"""Make a plan of what is declared and what is live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.model.address import endpoint_address, folded, scope_address
from provisioning.model.ownership import SET_TAG, set_id
from provisioning.model.plan import Plan
from provisioning.planning import guards
from provisioning.planning.circumstances import Circumstances, Options
from provisioning.planning.draft import Draft
from provisioning.planning.endpoints import plan_endpoint, plan_endpoint_deletion
from provisioning.planning.references import check_references
from provisioning.planning.scopes import is_left_over, plan_scope, plan_scope_deletion
from provisioning.planning.selection import drop_unselected

if TYPE_CHECKING:
    from provisioning.model.address import Address
    from provisioning.model.workspace import Desired, Live, LiveEndpoint, LiveScope

_DESTROYED = "this set owns it, and is being destroyed"
_PRUNED = "this set owns it, and the configs no longer name it"


def make_plan(desired: Desired, live: Live, *, options: Options | None = None) -> Plan:
    """Compare, and say what an apply would do.

    Args:
        desired: the configs, every reference resolved.
        live: the workspace, with what the set owns beyond the configs if pruning is allowed.
        options: what the user allowed.
    """
    circumstances = _circumstances(desired, live, options or Options())
    draft = Draft()
    for scope in desired.scopes:
        plan_scope(draft, scope, live.scopes.get(scope.name.lower()), circumstances)
    for endpoint in desired.endpoints:
        plan_endpoint(draft, endpoint, live.endpoints.get(endpoint.name), circumstances)
    check_references(draft, desired, live)
    drop_unselected(draft, desired.selected)
    if circumstances.options.prune:
        _prune(draft, desired, live, circumstances)
    return _plan(draft, desired, live, circumstances)


def make_destroy_plan(desired: Desired, live: Live) -> Plan:
    """Plan the deletion of everything that the set owns, and of nothing else.

    Args:
        desired: the configs: their set, and what they protect with `prevent_destroy`.
        live: the workspace, with what the set owns beyond the configs.
    """
    circumstances = _circumstances(desired, live, Options())
    draft = Draft()
    for endpoint in _owned_endpoints(live, circumstances):
        if _is_meant(desired, endpoint_address(endpoint.name)):
            plan_endpoint_deletion(draft, endpoint.name, because=_DESTROYED)
    for scope in _owned_scopes(live, circumstances):
        if _is_meant(desired, scope_address(scope.name)):
            plan_scope_deletion(draft, scope, because=_DESTROYED)
    for address in [change.address for change in draft.changes if change.address in _protected(desired)]:
        draft.block(address, "prevent_destroy is set", remedy="remove it from the config first")
    _note_survivors(draft, desired, live)
    return _plan(draft, desired, live, circumstances)


def _is_meant(desired: Desired, address: Address) -> bool:
    return not desired.selected or folded(address) in {folded(each) for each in desired.selected}


def _circumstances(desired: Desired, live: Live, options: Options) -> Circumstances:
    return Circumstances(
        owner=set_id(desired, workspace_id=live.workspace_id, user=live.user),
        user=live.user,
        deployer=desired.target.deployer,
        production=desired.target.mode == "production",
        options=options,
    )


def _prune(draft: Draft, desired: Desired, live: Live, circumstances: Circumstances) -> None:
    if desired.selected or not desired.named or not (desired.scopes or desired.endpoints):
        draft.notes.append(
            "nothing is pruned: a selection, a set without bundle.name and one without any resource never delete"
        )
        return
    kept = {endpoint_address(each.name) for each in desired.endpoints}
    kept |= {scope_address(each.name.lower()) for each in desired.scopes}
    owned_endpoints, owned_scopes = _owned_endpoints(live, circumstances), _owned_scopes(live, circumstances)
    gone_endpoints = [each for each in owned_endpoints if endpoint_address(each.name) not in kept]
    gone_scopes = [each for each in owned_scopes if scope_address(each.name.lower()) not in kept]
    for endpoint in gone_endpoints:
        plan_endpoint_deletion(draft, endpoint.name, because=_PRUNED)
    for scope in gone_scopes:
        plan_scope_deletion(draft, scope, because=_PRUNED)
        guards.guard_scope_deletion(draft, scope_address(scope.name), options=circumstances.options)
    deleted = [endpoint_address(each.name) for each in gone_endpoints] + [
        scope_address(each.name) for each in gone_scopes
    ]
    owned = len(owned_endpoints) + len(owned_scopes)
    guards.guard_share(draft, deleted=deleted, owned=owned, options=circumstances.options)


def _owned_endpoints(live: Live, circumstances: Circumstances) -> list[LiveEndpoint]:
    return [
        each
        for each in live.endpoints.values()
        if any(
            isinstance(tag, dict) and tag.get("key") == SET_TAG and tag.get("value") == circumstances.owner
            for tag in _list(each.body.get("tags"))
        )
    ]


def _owned_scopes(live: Live, circumstances: Circumstances) -> list[LiveScope]:
    return [
        each
        for each in live.scopes.values()
        # one that carries another set's marker too is not ours to delete
        if each.owner_sets == (circumstances.owner,) or is_left_over(each, circumstances.user)
    ]


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _protected(desired: Desired) -> set[str]:
    scopes = {scope_address(each.name) for each in desired.scopes if each.lifecycle and each.lifecycle.prevent_destroy}
    endpoints = {
        endpoint_address(each.name) for each in desired.endpoints if each.lifecycle and each.lifecycle.prevent_destroy
    }
    return scopes | endpoints


def _note_survivors(draft: Draft, desired: Desired, live: Live) -> None:
    deleted = {change.address for change in draft.changes}
    named = [endpoint_address(each.name) for each in desired.endpoints if each.name in live.endpoints]
    named += [
        scope_address(live.scopes[each.name.lower()].name)
        for each in desired.scopes
        if each.name.lower() in live.scopes
    ]
    draft.notes.extend(
        f"{address}: left alone, it does not belong to this set" for address in named if address not in deleted
    )


def _plan(draft: Draft, desired: Desired, live: Live, circumstances: Circumstances) -> Plan:
    return Plan(
        host=live.host,
        workspace_id=live.workspace_id,
        target=desired.target.name,
        identity=live.user,
        set_name=desired.set_name,
        set_id=circumstances.owner,
        changes=tuple(draft.changes),
        unchanged=tuple(draft.unchanged),
        not_ready=tuple(draft.not_ready),
        guards=tuple(draft.guards),
        notes=tuple(draft.notes),
        undecided=tuple(draft.undecided),
        diagnostics=tuple(draft.diagnostics),
    )
