"""Serving endpoints: what has to change for one to be as declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.model.address import Address, endpoint_address, scope_address
from provisioning.model.ownership import BLOCK_LETTERS, ownership_tags
from provisioning.model.plan import Action, Change, FieldChange, Operation, Step
from provisioning.model.references import secrets_used
from provisioning.planning import guards, requests
from provisioning.planning.blocks import BLOCKS, REREAD, block_changes, fixed_changes, tag_changes
from provisioning.planning.comparison import Comparison, compare_endpoint, hash_of
from provisioning.planning.differ import ADDED, OUTSIDE, leaves
from provisioning.planning.field_rules import rule_of
from provisioning.planning.holds import hold_on
from provisioning.planning.permissions import plan_permissions
from provisioning.readiness import Ready, classify

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from provisioning.model.endpoints import ModelServingEndpoint
    from provisioning.model.ownership import ConfigHash
    from provisioning.model.workspace import LiveEndpoint
    from provisioning.planning.circumstances import Circumstances
    from provisioning.planning.draft import Draft


def plan_endpoint(
    draft: Draft, endpoint: ModelServingEndpoint, live: LiveEndpoint | None, circumstances: Circumstances
) -> None:
    """Add what an endpoint needs to the draft, its permissions included."""
    address = endpoint_address(endpoint.name)
    if live is None:
        _plan_creation(draft, endpoint, circumstances)
        plan_permissions(draft, endpoint, None, circumstances)
        return
    if not live.visible:
        guards.guard_invisible(draft, address, rights=("CAN_VIEW", "CAN_MANAGE"))
        return
    compared = compare_endpoint(endpoint, live)
    if endpoint.is_system:
        _plan_system(draft, compared)
        return
    if compared.owner not in {None, circumstances.owner}:
        guards.guard_foreign(draft, address, [str(compared.owner)])
        return
    if hold := hold_on(live, today=circumstances.today):
        draft.notes.append(f"{address}: {hold}; whatever differs is left alone")
        return
    fields, steps = block_changes(compared, BLOCKS, rewritten=draft.rewritten)
    fields = (*fixed_changes(compared), *fields)
    if any(rule_of(each.path).immutable for each in fields):
        _plan_replacement(draft, compared, fields, circumstances)
        plan_permissions(draft, endpoint, None, circumstances)
        return
    _plan_update(draft, compared, fields, steps, circumstances)
    plan_permissions(draft, endpoint, live, circumstances, compared=compared)


def plan_endpoint_deletion(draft: Draft, name: str, *, because: str, successor: str | None = None) -> None:
    """Add the deletion of an endpoint to the draft.

    Args:
        draft: the plan in the making.
        name: the endpoint's name.
        because: the reason for it.
        successor: the endpoint that takes its place, which has to be ready before.
    """
    ready = (Step(operation=Operation.REQUIRE_READY, name=successor),) if successor else ()
    draft.changes.append(
        Change(
            address=endpoint_address(name),
            action=Action.DELETE,
            fields=(FieldChange(path="", reason=because),),
            steps=(*ready, Step(operation=Operation.DELETE_ENDPOINT, name=name)),
            after=(endpoint_address(successor),) if successor else (),
        )
    )


def _plan_creation(draft: Draft, endpoint: ModelServingEndpoint, circumstances: Circumstances) -> None:
    declared = requests.declared_body(endpoint)
    fields = (
        FieldChange(path=path, new=value, reason=ADDED)
        for path, value in leaves(declared, "")
        if path and value is not None
    )
    draft.changes.append(
        Change(
            address=endpoint_address(endpoint.name),
            action=Action.CREATE,
            fields=tuple(fields),
            steps=_creation_steps(endpoint, circumstances),
            after=_scopes_of(endpoint),
        )
    )


def _plan_update(
    draft: Draft,
    compared: Comparison,
    fields: tuple[FieldChange, ...],
    steps: tuple[Step, ...],
    circumstances: Circumstances,
) -> None:
    name = compared.endpoint.name
    address = endpoint_address(name)
    adopting = compared.owner is None
    if adopting:
        guards.guard_adoption(draft, address, options=circumstances.options)
    else:
        guards.guard_destinations(draft, address, fields, options=circumstances.options)
    if because := _unchangeable_budget(compared):
        draft.notes.append(f"{address}: {because}")
    tags, tag_steps = tag_changes(compared, ours=_ownership(circumstances, compared.hash))
    if circumstances.production and any(each.reason == OUTSIDE for each in (*fields, *tags)):
        guards.guard_outside_changes(draft, address, options=circumstances.options)
    if not fields and not tags:
        draft.unchanged.append(address)
        if not isinstance(classify(compared.live), Ready):
            draft.not_ready.append(name)
        return
    waits = (_wait(name),) if any(each.operation is Operation.UPDATE_CONFIG for each in steps) else ()
    draft.changes.append(
        Change(
            address=address,
            action=Action.ADOPT if adopting else Action.UPDATE,
            fields=(*fields, *tags),
            steps=(*steps, *_told(compared.endpoint, fields, draft.rewritten), *waits, *tag_steps),
            notes=(*_released(compared), *_pauses(steps)),
            after=_scopes_of(compared.endpoint),
        )
    )


def _plan_system(draft: Draft, compared: Comparison) -> None:
    """Databricks' own endpoints: their AI gateway can be set, and nobody owns them."""
    address = endpoint_address(compared.endpoint.name)
    fields, steps = block_changes(compared, ("ai_gateway",), rewritten=())
    if fields:
        change = Change(address=address, action=Action.UPDATE, fields=fields, steps=steps, notes=_pauses(steps))
        draft.changes.append(change)
    else:
        draft.unchanged.append(address)


def _plan_replacement(
    draft: Draft, compared: Comparison, fields: tuple[FieldChange, ...], circumstances: Circumstances
) -> None:
    endpoint = compared.endpoint
    address = endpoint_address(endpoint.name)
    if compared.owner is None:
        guards.guard_adoption(draft, address, options=circumstances.options)
    else:
        guards.guard_destinations(draft, address, fields, options=circumstances.options)
    guards.guard_replacement(
        draft,
        address,
        [each.path for each in fields if rule_of(each.path).immutable],
        protected=endpoint.lifecycle is not None and bool(endpoint.lifecycle.prevent_destroy),
        options=circumstances.options,
    )
    draft.changes.append(
        Change(
            address=address,
            action=Action.REPLACE,
            fields=fields,
            steps=(
                Step(operation=Operation.DELETE_ENDPOINT, name=endpoint.name),
                *_creation_steps(endpoint, circumstances),
            ),
            notes=(
                "calls fail from the deletion until the new endpoint is ready",
                "what the configs don't mention (blocks, permissions) is lost",
            ),
            after=_scopes_of(endpoint),
        )
    )


def _creation_steps(endpoint: ModelServingEndpoint, circumstances: Circumstances) -> tuple[Step, ...]:
    tags = _ownership(circumstances, hash_of(endpoint))
    body = requests.create_body(requests.declared_body(endpoint), tags=tags)
    return (Step(operation=Operation.CREATE_ENDPOINT, name=endpoint.name, body=body), _wait(endpoint.name))


def _ownership(circumstances: Circumstances, declared: ConfigHash) -> dict[str, str]:
    return ownership_tags(circumstances.owner, declared if circumstances.options.hash_tag else None)


def _released(compared: Comparison) -> tuple[str, ...]:
    """Say which blocks the last apply managed and the configs no longer mention."""
    managed = compared.last.blocks if compared.last else ""
    return tuple(
        f"{block} is no longer managed: its live value stays"
        for block, letter in BLOCK_LETTERS.items()
        if letter in managed and letter not in compared.hash.blocks
    )


def _pauses(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """Say what stands still between two requests for the same block."""
    if sum(each.operation is Operation.UPDATE_AI_GATEWAY for each in steps) > 1:
        return (
            "the inference table is switched off and on again to get its new name: calls in between are not logged",
        )
    return ()


def _unchangeable_budget(compared: Comparison) -> str | None:
    """Say that an edit of the budget policy has no effect: the API has no route for it, and returns another field."""
    wanted, effective = compared.declared.get("budget_policy_id"), compared.live.get("effective_budget_policy_id")
    if not wanted or not effective or wanted == effective:
        return None
    return f"its budget policy stays {effective}: there is no route to change it, and only a new endpoint takes another"


def _scopes_of(endpoint: ModelServingEndpoint) -> tuple[Address, ...]:
    return tuple(dict.fromkeys(scope_address(each.secret.scope) for each in secrets_used(endpoint)))


def _told(
    endpoint: ModelServingEndpoint, fields: Sequence[FieldChange], rewritten: Collection[tuple[str, str]]
) -> tuple[Step, ...]:
    """Return what makes a scope wait with its record until the endpoint has heard of its new values.

    A record that came before would have the next plan call the value the same, should this one fail here, and the
    endpoint would never hear of it.
    """
    if not any(each.reason == REREAD for each in fields):
        return ()
    used = [each.secret for each in secrets_used(endpoint)]
    scopes = dict.fromkeys(each.scope.lower() for each in used if (each.scope.lower(), each.key) in rewritten)
    return tuple(Step(operation=Operation.RECORD_TOLD, name=endpoint.name, item=scope) for scope in scopes)


def _wait(name: str) -> Step:
    return Step(operation=Operation.WAIT_READY, name=name)
