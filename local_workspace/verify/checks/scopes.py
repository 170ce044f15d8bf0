"""What scopes, secrets and ACLs do."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import quote

from local_workspace.verify.check import KEY, Answer, Check, UnansweredError

if TYPE_CHECKING:
    from local_workspace.verify.check import Probe

_SECRETS = "/api/2.0/secrets"


def _existing(probe: Probe) -> Answer:
    probe.need(probe.scratch.create_scope("twice"))
    reply = probe.scratch.create_scope("twice")
    told = reply.code == "RESOURCE_ALREADY_EXISTS"
    return Answer(reply.status if told else None, reply.summary())


def _missing(probe: Probe) -> Answer:
    name = probe.scratch.named("none")
    reply = probe.call("GET", f"{_SECRETS}/list?scope={name}")
    holds = reply.refuses(404, "RESOURCE_DOES_NOT_EXIST", saying=f"Scope {name} does not exist!")
    return Answer(holds, reply.summary())


def _case(probe: Probe) -> Answer:
    probe.need(probe.scratch.create_scope("case"))
    reply = probe.scratch.create_scope("CASE")
    return Answer(reply.code == "RESOURCE_ALREADY_EXISTS", reply.summary())


def _users_manage(probe: Probe) -> Answer:
    probe.need(probe.scratch.create_scope("users", initial_manage_principal="users"))
    reply = probe.call("GET", f"{_SECRETS}/acls/list?scope={probe.scratch.named('users')}")
    names = [str(each.get("principal")) for each in probe.need(reply).get("items") or []]
    own = probe.me.casefold() in map(str.casefold, names)
    return Answer("ignore" if own else "honour", f"{len(names)} ACLs, {'one' if own else 'none'} of the creator's own")


def _other_manager(probe: Probe) -> Answer:
    reply = probe.scratch.create_scope("manager", initial_manage_principal="admins")
    return Answer(not reply.ok, reply.summary())


def _keyvault(probe: Probe) -> Answer:
    if not probe.target.may_have_keyvault:
        raise UnansweredError("Azure's workspaces alone have Key Vault scopes")
    vault = {
        "resource_id": "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/none/providers/"
        "Microsoft.KeyVault/vaults/none",
        "dns_name": "https://none.vault.azure.net/",
    }
    reply = probe.scratch.create_scope("vault", scope_backend_type="AZURE_KEYVAULT", backend_azure_keyvault=vault)
    return Answer(reply.ok, reply.summary())


def _one_value(probe: Probe) -> Answer:
    both = {"scope": probe.scope, "key": "both", "string_value": "x", "bytes_value": "eA=="}
    reply = probe.call("POST", f"{_SECRETS}/put", both)
    return Answer(reply.refuses(400, "MALFORMED_REQUEST"), reply.summary())


def _remote_read(probe: Probe) -> Answer:
    reply = probe.call("GET", f"{_SECRETS}/get?scope={probe.scope}&key=key")
    if not reply.ok and reply.status not in {400, 403}:
        return Answer(None, reply.summary())
    return Answer(reply.ok, reply.summary())


def _base64(probe: Probe) -> Answer:
    reply = probe.call("GET", f"{_SECRETS}/get?scope={probe.scope}&key=key")
    value = str(probe.need(reply).get("value"))
    return Answer(value == base64.b64encode(KEY.encode()).decode(), "200")


def _delete_missing(probe: Probe) -> Answer:
    reply = probe.call("POST", f"{_SECRETS}/delete", {"scope": probe.scope, "key": "none"})
    return Answer(reply.refuses(404, "RESOURCE_DOES_NOT_EXIST"), reply.summary())


def _unknown_principal(probe: Probe) -> Answer:
    stranger = f"{probe.scratch.prefix}@example.com"
    reply = probe.call(
        "POST", f"{_SECRETS}/acls/put", {"scope": probe.scope, "principal": stranger, "permission": "READ"}
    )
    return Answer(not reply.ok, reply.summary())


def _acl_missing(probe: Probe) -> Answer:
    stranger = quote(f"nobody-{probe.scratch.prefix}@example.com")
    reply = probe.call("GET", f"{_SECRETS}/acls/get?scope={probe.scope}&principal={stranger}")
    return Answer(reply.refuses(404, "RESOURCE_DOES_NOT_EXIST"), reply.summary())


def _principal_case(probe: Probe) -> Answer:
    # One's own MANAGE, written once more in other letters: whichever way it goes, no right is lost.
    other = probe.me.swapcase()
    body = {"scope": probe.scope, "principal": other, "permission": "MANAGE"}
    reply = probe.call("POST", f"{_SECRETS}/acls/put", body)
    if not reply.ok:
        return Answer("sensitive", reply.summary())
    items = probe.need(probe.call("GET", f"{_SECRETS}/acls/list?scope={probe.scope}")).get("items") or []
    same = [each for each in items if str(each.get("principal")).casefold() == probe.me.casefold()]
    return Answer("insensitive" if len(same) == 1 else "sensitive", f"{len(same)} ACLs for the two spellings")


def _admins_manage(probe: Probe) -> Answer:
    if not probe.is_admin:
        raise UnansweredError("it takes an admin of the workspace to ask")
    probe.need(probe.scratch.create_scope("locked"))
    name = probe.scratch.named("locked")
    probe.need(probe.call("POST", f"{_SECRETS}/acls/delete", {"scope": name, "principal": probe.me}))
    reply = probe.call("GET", f"{_SECRETS}/acls/list?scope={name}")
    return Answer(reply.ok, reply.summary())


CHECKS = (
    Check("scope-exists", _existing, makes="a scope"),
    Check("scope-missing", _missing, calls=1),
    Check("scope-name-case", _case, makes="a scope"),
    Check("scope-users-manage", _users_manage, makes="a scope"),
    Check("scope-manager-users-alone", _other_manager, calls=1),
    Check("scope-keyvault-creatable", _keyvault, calls=1, makes="a scope, where it may"),
    Check("secret-one-value", _one_value, calls=1),
    Check("secret-read-remotely", _remote_read, calls=1),
    Check("secret-read-base64", _base64, calls=1),
    Check("secret-delete-missing", _delete_missing, calls=1),
    Check("acl-unknown-principal", _unknown_principal, calls=1),
    Check("acl-missing", _acl_missing, calls=1),
    Check("acl-principal-case", _principal_case),
    Check(
        "acl-admins-manage",
        _admins_manage,
        calls=3,
        makes="a scope",
        reserved="a scope that nobody can delete stays behind, if admins do not manage every scope",
    ),
)
