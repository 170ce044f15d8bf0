"""What rotations leave behind: the earlier versions of secrets, removed once nothing refers to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.model.address import scope_address, secret_address
from provisioning.model.references import secrets_used
from provisioning.model.values import SecretKey
from provisioning.planning import guards
from provisioning.planning.circumstances import Options, circumstances_of
from provisioning.planning.draft import Draft
from provisioning.planning.scopes import removal_of
from provisioning.planning.versions import keys_of

if TYPE_CHECKING:
    from provisioning.model.plan import Plan
    from provisioning.model.scopes import SecretScope
    from provisioning.model.usage import Usage
    from provisioning.model.workspace import Desired, Live, LiveScope

_BEYOND = (
    "endpoints that are hidden from this identity, and notebooks and jobs that read a key by its name, "
    "cannot be looked into"
)


def make_collection_plan(desired: Desired, live: Live, usage: Usage) -> Plan:
    """Plan to remove the earlier versions of the configs' secrets.

    Args:
        desired: the configs; what they refer to by an earlier version's key stays.
        live: the workspace.
        usage: what live endpoints refer to; what one refers to stays.
    """
    circumstances = circumstances_of(desired, live)
    draft = Draft()
    declared = {
        SecretKey(use.secret.scope.lower(), use.secret.key): f"{each.name} in the configs"
        for each in desired.endpoints
        for use in secrets_used(each)
    }
    for scope in desired.scopes:
        found = live.scopes.get(scope.name.lower())
        if found is None or not found.visible:
            continue
        if found.owner_sets != (circumstances.owner,):
            draft.notes.append(f"{scope_address(scope.name)}: left alone, it does not belong to this set alone")
            continue
        if found.recorded is None:
            draft.notes.append(
                f"{scope_address(scope.name)}: left alone, which keys are ours cannot be told without READ"
            )
            continue
        _plan_removals(draft, scope, found, usage, declared=declared)
    guards.guard_unseen(draft, usage.unseen)
    guards.guard_deployer(draft, desired.target, circumstances)
    draft.notes.append(_BEYOND)
    return draft.finished(desired, live, owner=circumstances.owner)


def _plan_removals(
    draft: Draft, scope: SecretScope, live: LiveScope, usage: Usage, *, declared: dict[SecretKey, str]
) -> None:
    keys = keys_of(scope, live, options=Options())
    for at, key in keys.superseded.items():
        secret = SecretKey(scope.name.lower(), at)
        users = [*usage.users.get(secret, ()), *([declared[secret]] if at != key and secret in declared else [])]
        if users:
            draft.notes.append(f"{secret_address(scope.name, at)}: stays, {', '.join(users)} refers to it")
        else:
            because = f"{keys.chosen[key]} took its place, and nothing that can be seen refers to it"
            draft.changes.append(removal_of(live.name, at, because=because))
