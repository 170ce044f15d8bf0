"""Secret scopes: what has to change for one to be as declared, its secrets and rights included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.model.address import acl_address, scope_address, secret_address
from provisioning.model.ownership import is_marker
from provisioning.model.plan import Action, Change, FieldChange, Operation, Step
from provisioning.model.secret import ExternalSource
from provisioning.model.workspace import LiveScope, Verdict
from provisioning.planning import guards
from provisioning.planning.grants import SCOPE_LEVELS, compare, declared_grants, identity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from provisioning.model.plan import Origin
    from provisioning.model.scopes import SecretScope
    from provisioning.model.secret import SecretSource
    from provisioning.planning.circumstances import Circumstances
    from provisioning.planning.draft import Draft
    from provisioning.planning.grants import Difference, Grants

_VAULT = "AZURE_KEYVAULT"
_HIDDEN = "(secret)"
_RENEWED = "a new version: the value before stays under its own key until `secrets gc` removes it"

_WRITTEN_BECAUSE: Mapping[Verdict, str] = {
    Verdict.ABSENT: "in the config, not in the workspace",
    Verdict.DIFFERS: "its source holds another value",
    Verdict.CHANGED_OUTSIDE: "it was written outside of the configs, or by an apply that was cut off",
    Verdict.UNRECORDED: "it was not put by these configs, so it is written once and remembered",
    Verdict.UNKNOWN: "whether it differs cannot be told, and --write-unknown-secrets is given",
}

_CHANGED_WHERE: Mapping[Verdict, Origin] = {
    Verdict.DIFFERS: "config",
    Verdict.UNRECORDED: "config",
    Verdict.CHANGED_OUTSIDE: "outside",
}


def plan_scope(draft: Draft, scope: SecretScope, live: LiveScope | None, circumstances: Circumstances) -> None:
    """Add what a scope needs to the draft."""
    address = scope_address(scope.name)
    if live is None:
        draft.changes.append(_creation(scope))
        if scope.backend != _VAULT:
            _plan_secrets(draft, scope, LiveScope(name=scope.name), circumstances)
        _plan_acls(draft, scope, None, circumstances, settled=False)
        return
    if not live.visible:
        guards.guard_invisible(draft, address)
        return
    if live.backend_type != scope.backend or not _same_vault(scope, live):
        draft.block(
            address,
            "its backend differs, and a scope cannot be changed, only deleted with every value in it",
            remedy="give the new scope another name",
        )
        return
    if others := set(live.owner_sets) - {circumstances.owner}:
        guards.guard_foreign(draft, address, others)
        return
    if scope.backend == _VAULT or live.owner_sets:
        draft.unchanged.append(address)
    else:
        _take_over(draft, scope, live, circumstances)
    _plan_secrets(draft, scope, live, circumstances)
    _plan_acls(draft, scope, live, circumstances, settled=live.recorded is None or bool(live.recorded))
    _note_extra_keys(draft, scope, live, circumstances)


def plan_scope_deletion(draft: Draft, live: LiveScope, *, because: str) -> None:
    """Add the deletion of a scope to the draft, with the reason for it."""
    draft.changes.append(
        Change(
            address=scope_address(live.name),
            action=Action.DELETE,
            fields=(FieldChange(path="", reason=because),),
            steps=(Step(operation=Operation.DELETE_SCOPE, name=live.name),),
            notes=(f"its values are lost with it: {', '.join(_own_keys(live)) or 'none'}",),
            # an endpoint that loses its key before it goes (or is re-pointed) would fail calls meanwhile
            after=tuple(each.group for each in draft.changes if each.address.startswith("model_serving_endpoints.")),
        )
    )


def removal_of(scope: str, key: str, *, because: str) -> Change:
    """Return the deletion of a secret that we wrote, which is forgotten with it."""
    return Change(
        address=secret_address(scope, key),
        action=Action.DELETE,
        fields=(FieldChange(path="value", old=_HIDDEN, reason=because),),
        steps=(
            Step(operation=Operation.DELETE_SECRET, name=scope, item=key),
            Step(operation=Operation.RECORD_SECRETS, name=scope),
        ),
    )


def is_left_over(live: LiveScope, user: str) -> bool:
    """Tell whether a scope is what an interrupted create leaves: no key, and no right but the creator's MANAGE."""
    mine_alone = live.acls is not None and dict(live.acls) == {user: "MANAGE"}
    return mine_alone and not live.keys and live.backend_type != _VAULT


def _own_keys(live: LiveScope) -> list[str]:
    return sorted(key for key in live.keys if not is_marker(key))


def _creation(scope: SecretScope) -> Change:
    vault = scope.keyvault_metadata.model_dump(mode="json") if scope.keyvault_metadata else None
    body: dict[str, JsonValue] = {"scope_backend_type": _VAULT, "backend_azure_keyvault": vault} if vault else {}
    # a vault's keys cannot be written here, so its scope carries no marker
    marker = () if vault else (Step(operation=Operation.PUT_MARKER, name=scope.name),)
    return Change(
        address=scope_address(scope.name),
        action=Action.CREATE,
        fields=(FieldChange(path="backend_type", new=scope.backend, reason=_WRITTEN_BECAUSE[Verdict.ABSENT]),),
        steps=(Step(operation=Operation.CREATE_SCOPE, name=scope.name, body=body), *marker),
    )


def _take_over(draft: Draft, scope: SecretScope, live: LiveScope, circumstances: Circumstances) -> None:
    address = scope_address(scope.name)
    left_over = is_left_over(live, circumstances.user)
    if not left_over:
        guards.guard_adoption(draft, address, options=circumstances.options)
    reason = "an earlier create of ours was cut off" if left_over else "it exists and belongs to no set"
    draft.changes.append(
        Change(
            address=address,
            action=Action.UPDATE if left_over else Action.ADOPT,
            fields=(FieldChange(path="owner", new=circumstances.owner, reason=reason),),
            steps=(Step(operation=Operation.PUT_MARKER, name=live.name),),
        )
    )


def _plan_secrets(draft: Draft, scope: SecretScope, live: LiveScope, circumstances: Circumstances) -> None:
    for key, source in (scope.secrets or {}).items():
        address = secret_address(scope.name, key)
        if isinstance(source, ExternalSource):
            _check_external(draft, scope, key, live)
            continue
        verdict = live.verdicts.get(key, Verdict.ABSENT)
        if verdict is Verdict.UNKNOWN and not circumstances.options.write_unknown_secrets:
            draft.undecided.append(address)
            draft.notes.append(
                f"{address}: whether it differs from {source} cannot be told without READ on the scope; "
                "--write-unknown-secrets writes it"
            )
        elif verdict in _WRITTEN_BECAUSE:
            draft.changes.append(_write(live, key, source, verdict, address_of=scope.name))
            draft.rewritten.add((scope.name.lower(), key))
        else:
            draft.unchanged.append(address)
            if verdict is Verdict.NOT_CHECKED:
                draft.notes.append(f"{address}: kept as it is, its value was not checked ({source} holds none)")


def _write(scope: LiveScope, key: str, source: SecretSource, verdict: Verdict, *, address_of: str) -> Change:
    created = key not in scope.keys
    renewed = created and verdict is not Verdict.ABSENT
    return Change(
        address=secret_address(address_of, key),
        action=Action.CREATE if created else Action.UPDATE,
        fields=(
            FieldChange(
                path="value",
                old=None if created else _HIDDEN,
                new=f"(secret, from {source})",
                reason=_WRITTEN_BECAUSE[verdict],
                origin=_CHANGED_WHERE.get(verdict),
            ),
        ),
        steps=(
            Step(operation=Operation.PUT_SECRET, name=scope.name, item=key),
            Step(operation=Operation.RECORD_SECRETS, name=scope.name),
        ),
        notes=(_RENEWED,) if renewed else (),
    )


def _check_external(draft: Draft, scope: SecretScope, key: str, live: LiveScope) -> None:
    address = secret_address(scope.name, key)
    if key in live.keys:
        draft.unchanged.append(address)
    else:
        draft.notes.append(f"{address}: declared external, and nobody has put it yet")


def _plan_acls(
    draft: Draft, scope: SecretScope, live: LiveScope | None, circumstances: Circumstances, *, settled: bool
) -> None:
    if scope.permissions is None:
        return
    if live is not None and live.acls is None:
        draft.notes.append(
            f"{scope_address(scope.name)}: its rights cannot be read without MANAGE, so they are left alone"
        )
        return
    # an ACL does not say of which kind its principal is: compare by name
    present = live.acls if live and live.acls is not None else {circumstances.user: "MANAGE"}
    wanted = {grantee.name: level for grantee, level in declared_grants(scope.permissions, SCOPE_LEVELS).values()}
    for name in filter(None, (circumstances.user, circumstances.deployer)):
        if present.get(_spelled(name, present)) == "MANAGE":
            wanted = {
                each: level for each, level in wanted.items() if _spelled(each, present) != _spelled(name, present)
            }
            wanted[_spelled(name, present)] = "MANAGE"
    if scope.permissions_mode == "additive":
        wanted = {**present, **wanted}
    differences = compare(_by_name(wanted, present), _by_name(present, present), SCOPE_LEVELS)
    name = live.name if live else scope.name
    draft.changes.extend(_acl_change(name, each, address_of=scope.name) for each in differences)
    changed = {each.grantee.name for each in differences}
    declared = {_spelled(each.principal, present) for each in scope.permissions}
    draft.unchanged.extend(acl_address(scope.name, each) for each in sorted(declared - changed) if live)
    if live is None:
        return
    ours = circumstances.owner in live.owner_sets
    if ours and settled:
        guards.guard_access(draft, scope_address(scope.name), differences, options=circumstances.options)
    if not ours and not is_left_over(live, circumstances.user):
        guards.guard_kept_grants(draft, scope_address(scope.name), differences, options=circumstances.options)


def _by_name(levels: Mapping[str, str], present: Mapping[str, str]) -> Grants:
    spelled = {_spelled(name, present): level for name, level in levels.items()}
    return {identity(name).key: (identity(name), level) for name, level in spelled.items()}


def _spelled(name: str, present: Mapping[str, str]) -> str:
    """Return a principal as the workspace spells it: e-mail addresses are compared without case."""
    return next((each for each in present if "@" in each and each.lower() == name.lower()), name)


def _acl_change(scope: str, difference: Difference, *, address_of: str) -> Change:
    name = difference.grantee.name
    if difference.new is None:
        action, step = Action.DELETE, Step(operation=Operation.DELETE_ACL, name=scope, item=name)
    else:
        action = Action.CREATE if difference.old is None else Action.UPDATE
        step = Step(operation=Operation.PUT_ACL, name=scope, item=name, body={"level": difference.new})
    return Change(
        address=acl_address(address_of, name), action=action, fields=(difference.as_field("level"),), steps=(step,)
    )


def _note_extra_keys(draft: Draft, scope: SecretScope, live: LiveScope, circumstances: Circumstances) -> None:
    """Keys that the configs don't name: reported, and pruned only if our marker says that we wrote them."""
    if scope.secrets is None or scope.backend == _VAULT or circumstances.owner not in live.owner_sets:
        return
    keep = scope.lifecycle is not None and bool(scope.lifecycle.keep_unmanaged_secrets)
    for key in sorted(live.keys):
        if is_marker(key) or key in scope.secrets:
            continue
        address = secret_address(scope.name, key)
        if superseded := draft.superseded.get((scope.name.lower(), key)):
            draft.notes.append(f"{address}: an earlier version of {superseded}; `secrets gc` removes it")
        elif key in (live.recorded or frozenset()) and circumstances.options.prune and not keep:
            draft.changes.append(removal_of(live.name, key, because="put by these configs, and no longer in them"))
        else:
            draft.notes.append(f"{address}: in the workspace, not in the configs; it is left alone")


def _same_vault(scope: SecretScope, live: LiveScope) -> bool:
    if scope.keyvault_metadata is None or live.keyvault_metadata is None:
        return True
    wanted = scope.keyvault_metadata.model_dump(mode="json")
    return all(
        str(live.keyvault_metadata.get(name, value)).lower() == str(value).lower() for name, value in wanted.items()
    )
