"""/api/2.0/secrets: scopes, secrets and ACLs."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from local_workspace.call import Call, route
from local_workspace.errors import invalid, malformed
from local_workspace.handlers.schemas import TEXT, record, texts

if TYPE_CHECKING:
    from collections.abc import Mapping


def create_scope(call: Call) -> Mapping[str, Any]:
    """Create a scope."""
    keyvault = call.body.get("backend_azure_keyvault")
    if keyvault is not None and not isinstance(keyvault, dict):
        raise invalid("Field backend_azure_keyvault must be an object.")
    call.workspace.scopes.create(
        call.required("scope"),
        identity=call.identity,
        backend_type=call.optional("scope_backend_type") or "DATABRICKS",
        keyvault=keyvault,
        initial_manage_principal=call.optional("initial_manage_principal"),
    )
    return {}


def list_scopes(call: Call) -> Mapping[str, Any]:
    """List all scopes."""
    scopes = [
        {
            "name": scope.name,
            "backend_type": scope.backend_type,
            **({} if scope.keyvault is None else {"keyvault_metadata": scope.keyvault}),
        }
        for scope in call.workspace.scopes.list()
    ]
    return {"scopes": scopes} if scopes else {}


def delete_scope(call: Call) -> Mapping[str, Any]:
    """Delete a scope and what is in it."""
    call.workspace.scopes.delete(call.required("scope"), identity=call.identity)
    return {}


def put_secret(call: Call) -> Mapping[str, Any]:
    """Write a secret."""
    call.workspace.secrets.put(call.required("scope"), call.required("key"), _value(call.body), identity=call.identity)
    return {}


def get_secret(call: Call) -> Mapping[str, Any]:
    """Return a secret; base64, however it was written."""
    key = call.required("key")
    value = call.workspace.secrets.get(call.required("scope"), key, identity=call.identity)
    return {"key": key, "value": base64.b64encode(value).decode()}


def list_secrets(call: Call) -> Mapping[str, Any]:
    """List a scope's keys."""
    keys = call.workspace.secrets.list(call.required("scope"), identity=call.identity)
    secrets = [{"key": key, "last_updated_timestamp": updated} for key, updated in keys.items()]
    return {"secrets": secrets} if secrets else {}


def delete_secret(call: Call) -> Mapping[str, Any]:
    """Delete a secret."""
    call.workspace.secrets.delete(call.required("scope"), call.required("key"), identity=call.identity)
    return {}


def put_acl(call: Call) -> Mapping[str, Any]:
    """Give a principal a level on a scope."""
    call.workspace.scopes.put_acl(
        call.required("scope"), call.required("principal"), call.required("permission"), identity=call.identity
    )
    return {}


def get_acl(call: Call) -> Mapping[str, Any]:
    """Return a principal's level on a scope."""
    principal = call.required("principal")
    permission = call.workspace.scopes.get_acl(call.required("scope"), principal, identity=call.identity)
    return {"principal": principal, "permission": permission}


def list_acls(call: Call) -> Mapping[str, Any]:
    """List every principal's level on a scope."""
    acls = call.workspace.scopes.list_acls(call.required("scope"), identity=call.identity)
    items = [{"principal": principal, "permission": permission} for principal, permission in acls.items()]
    return {"items": items} if items else {}


def delete_acl(call: Call) -> Mapping[str, Any]:
    """Take a principal's level on a scope away."""
    call.workspace.scopes.delete_acl(call.required("scope"), call.required("principal"), identity=call.identity)
    return {}


def _value(body: Mapping[str, Any]) -> bytes:
    text, encoded = body.get("string_value"), body.get("bytes_value")
    if (text is None) == (encoded is None):
        raise malformed("Exactly one of string_value and bytes_value must be given.")
    given = encoded if text is None else text
    if not isinstance(given, str):
        raise invalid("string_value and bytes_value must be strings.")
    if text is not None:
        return given.encode(errors="surrogatepass")
    try:
        return base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        raise invalid("bytes_value must be base64.") from None


_SECRETS = "/api/2.0/secrets"
_SCOPE = record(
    ("scope",),
    scope=TEXT,
    scope_backend_type={"enum": ["DATABRICKS", "AZURE_KEYVAULT"]},
    backend_azure_keyvault=texts("resource_id*", "dns_name*", "tenant_id"),
    initial_manage_principal=TEXT,
)

routes = [
    route("POST", f"{_SECRETS}/scopes/create", create_scope, takes=_SCOPE),
    route("GET", f"{_SECRETS}/scopes/list", list_scopes),
    route("POST", f"{_SECRETS}/scopes/delete", delete_scope, takes=texts("scope*")),
    route("POST", f"{_SECRETS}/put", put_secret, takes=texts("scope*", "key*", "string_value", "bytes_value")),
    route("GET", f"{_SECRETS}/get", get_secret, asks=("scope", "key")),
    route("GET", f"{_SECRETS}/list", list_secrets, asks=("scope",)),
    route("POST", f"{_SECRETS}/delete", delete_secret, takes=texts("scope*", "key*")),
    route("POST", f"{_SECRETS}/acls/put", put_acl, takes=texts("scope*", "principal*", "permission*")),
    route("GET", f"{_SECRETS}/acls/get", get_acl, asks=("scope", "principal")),
    route("GET", f"{_SECRETS}/acls/list", list_acls, asks=("scope",)),
    route("POST", f"{_SECRETS}/acls/delete", delete_acl, takes=texts("scope*", "principal*")),
]
