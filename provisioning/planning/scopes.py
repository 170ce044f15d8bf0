"""Secret scopes: what has to change for one to be as declared, its secrets and rights included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.model.address import scope_address, secret_address
from provisioning.model.ownership import is_marker
from provisioning.model.plan import Action, Change, FieldChange, Operation, Step
from provisioning.model.secret import ExternalSource
from provisioning.model.workspace import LiveScope, Verdict
from provisioning.planning import guards
from provisioning.planning.acls import acl_differences, grants_digest, is_left_over, plan_acls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from provisioning.model.plan import Origin
    from provisioning.model.scopes import SecretScope
    from provisioning.model.secret import SecretSource
    from provisioning.planning.circumstances import Circumstances
    from provisioning.planning.draft import Draft

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
        plan_acls(draft, scope, None, circumstances)
        return
    if not live.visible:
        guards.guard_invisible(draft, address, rights=("READ", "MANAGE"))
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
    plan_acls(draft, scope, live, circumstances)
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
    body: dict[str, JsonValue] = {}
    if not left_over:
        guards.guard_adoption(draft, address, options=circumstances.options)
        # where rights have to be written first, the last of those writes records them
        as_declared = live.acls is not None and not acl_differences(scope, live, circumstances)
        body = {"grants": grants_digest(scope)} if scope.permissions is not None and as_declared else {}
    reason = "an earlier create of ours was cut off" if left_over else "it exists and belongs to no set"
    draft.changes.append(
        Change(
            address=address,
            action=Action.UPDATE if left_over else Action.ADOPT,
            fields=(FieldChange(path="owner", new=circumstances.owner, reason=reason),),
            steps=(Step(operation=Operation.PUT_MARKER, name=live.name, body=body),),
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
