"""Secret scopes: their keys, never their values, and their rights."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioning.exporting.entry import Entry, Fields, sayable, why_not
from provisioning.model.address import scope_address
from provisioning.model.ownership import is_marker
from provisioning.model.scopes import SecretScope
from provisioning.planning.grants import identity

if TYPE_CHECKING:
    from pydantic import JsonValue

    from provisioning.model.workspace import LiveScope

_VAULT = "AZURE_KEYVAULT"


def exported_scope(live: LiveScope) -> Entry | str:
    """Return a scope as a config says it, or why it cannot be exported."""
    if not live.visible:
        return "it exists, and this identity may not look into it: READ on it shows its keys"
    remarks: list[str] = []
    fields: Fields = {"name": live.name}
    if live.backend_type == _VAULT:
        fields |= {"backend_type": _VAULT, "keyvault_metadata": dict(live.keyvault_metadata or {})}
    if keys := _keys(live, remarks):
        fields["secrets"] = {key: {"external": True} for key in keys}
    if live.acls is None:
        remarks.append("its rights are unknown without MANAGE: they are left as they are")
    else:
        fields["permissions"] = [_permission(name, level) for name, level in live.acls.items()]
    said = sayable(fields, "", remarks)
    if not isinstance(said, dict) or (problem := why_not(SecretScope, said)):
        return f"a config cannot say it: {problem}"
    return Entry(address=scope_address(live.name), name=live.name, fields=said, remarks=tuple(remarks))


def _keys(live: LiveScope, remarks: list[str]) -> list[str]:
    keys = sorted(key for key in live.keys if not is_marker(key))
    if why_not(SecretScope, {"name": "x", "secrets": {key: {"external": True} for key in keys}}) is None:
        return keys
    fine = [key for key in keys if why_not(SecretScope, {"name": "x", "secrets": {key: {"external": True}}}) is None]
    remarks.append(f"left out, since a config cannot name them: {', '.join(sorted(set(keys) - set(fine)))}")
    return fine


def _permission(principal: str, level: str) -> JsonValue:
    # an ACL does not say of which kind its principal is
    grantee = identity(principal)
    is_group = grantee.field == "user_name" and not re.search("@", principal)
    return {"level": level, "group_name" if is_group else grantee.field: principal}
