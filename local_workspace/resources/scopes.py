"""Secret scopes and who may do what with them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_workspace.errors import ApiError, bad_request, denied, invalid, missing, too_many
from local_workspace.resources.identities import USERS, Identities, Identity

if TYPE_CHECKING:
    from sqlite3 import Row

    from local_workspace.settings import Behaviour
    from local_workspace.store import Store

MOST_SCOPES = 1000
LEVELS = ("READ", "WRITE", "MANAGE")

# Documented without a slash; real workspaces take it (Terraform's acceptance tests rely on that).
NAME = re.compile(r"[\w.@/-]{1,128}", re.ASCII)


@dataclass(frozen=True)
class Scope:
    """A scope as stored.

    Attributes:
        id: the row's id.
        name: as it was created; names differing in case alone are the same scope.
        backend_type: `DATABRICKS` or `AZURE_KEYVAULT`.
        keyvault: the Key Vault's metadata.
    """

    id: int
    name: str
    backend_type: str
    keyvault: dict[str, Any] | None


class Scopes:
    """The scopes of one workspace and their ACLs.

    Args:
        store: where they are kept.
        workspace: the workspace's id.
        identities: the workspace's principals.
        behaviour: the switches.
    """

    def __init__(self, store: Store, workspace: str, *, identities: Identities, behaviour: Behaviour) -> None:
        self._store = store
        self._workspace = workspace
        self._identities = identities
        self._behaviour = behaviour

    def create(
        self,
        name: str,
        *,
        identity: Identity,
        backend_type: str = "DATABRICKS",
        keyvault: dict[str, Any] | None = None,
        initial_manage_principal: str | None = None,
    ) -> None:
        """Create a scope; its creator gets MANAGE, unless `initial_manage_principal` is "users"."""
        _check_name(name)
        if backend_type == "AZURE_KEYVAULT":
            if not self._behaviour.keyvault_scopes:
                raise ApiError(401, "UNAUTHENTICATED", "Creating a Key Vault-backed scope needs an Entra user token.")
            _check_keyvault(keyvault)
        elif backend_type != "DATABRICKS":
            raise invalid(f"Unknown scope backend type {backend_type}.")
        elif keyvault is not None:
            raise invalid("backend_azure_keyvault is only allowed with scope_backend_type AZURE_KEYVAULT.")
        if initial_manage_principal not in {None, "", USERS}:
            raise invalid(f"Invalid initial_manage_principal: {initial_manage_principal}. Only 'users' is supported.")
        with self._store.transaction():
            if self.find(name) is not None:
                raise ApiError(
                    self._behaviour.existing_scope_status, "RESOURCE_ALREADY_EXISTS", f"Scope {name} already exists!"
                )
            if self._count() >= MOST_SCOPES:
                raise too_many(f"Cannot create more than {MOST_SCOPES} scopes in a workspace.")
            scope = self._insert(name, backend_type, keyvault, hidden=False)
            honoured = self._behaviour.initial_manage_principal == "honour"
            self._write_acl(scope, (honoured and initial_manage_principal) or identity.name, "MANAGE")

    def list(self) -> list[Scope]:
        """Return all scopes by name; names are no secret to any identity of the workspace."""
        rows = self._store.rows(
            "SELECT * FROM scopes WHERE workspace = ? AND NOT hidden ORDER BY name", (self._workspace,)
        )
        return [_scope(row) for row in rows]

    def delete(self, name: str, *, identity: Identity) -> None:
        """Delete a scope with its secrets and ACLs."""
        scope = self.require(name, "MANAGE", identity=identity)
        self._store.execute("DELETE FROM scopes WHERE id = ?", (scope.id,))

    def find(self, name: str) -> Scope | None:
        """Return a scope by name in any case, or None."""
        row = self._store.row(
            "SELECT * FROM scopes WHERE workspace = ? AND folded = ?", (self._workspace, name.casefold())
        )
        return None if row is None else _scope(row)

    def require(self, name: str, level: str, *, identity: Identity) -> Scope:
        """Return a scope on which the identity has at least the level.

        Raises:
            ApiError: there is no such scope (404), or the identity may not (403).
        """
        scope = self.find(name)
        if scope is None or ":" in name:
            raise missing(f"Scope {name} does not exist!")
        if not self.allows(scope, level, identity=identity):
            raise denied(
                f"User {identity.name} does not have {level} permission on scope {name} to perform this action."
            )
        return scope

    def allows(self, scope: Scope, level: str, *, identity: Identity) -> bool:
        """Return whether the identity, by itself or by a group, has at least the level."""
        if identity.is_admin and self._behaviour.admins_manage_scopes:
            return True
        enough = LEVELS[LEVELS.index(level) :]
        own = set(map(self._behaviour.principal, identity.principals))
        return any(principal in own and permission in enough for principal, permission in self._acls(scope).items())

    def put_acl(self, name: str, principal: str, permission: str, *, identity: Identity) -> None:
        """Give a principal a level, replacing the one it had."""
        scope = self.require(name, "MANAGE", identity=identity)
        if permission not in LEVELS:
            raise invalid(f"Invalid permission {permission}. It must be one of {', '.join(LEVELS)}.")
        if not principal:
            raise invalid("Invalid principal: it must not be empty.")
        if self._behaviour.known_principals_only:
            self._identities.require_known(principal)
        self._write_acl(scope, principal, permission)

    def get_acl(self, name: str, principal: str, *, identity: Identity) -> str:
        """Return a principal's level."""
        scope = self.require(name, "MANAGE", identity=identity)
        permission = self._acls(scope).get(self._behaviour.principal(principal))
        if permission is None:
            raise missing(f"No ACL for principal {principal} on scope {name}.")
        return permission

    def list_acls(self, name: str, *, identity: Identity) -> dict[str, str]:
        """Return every principal's level."""
        return self._acls(self.require(name, "MANAGE", identity=identity))

    def delete_acl(self, name: str, principal: str, *, identity: Identity) -> None:
        """Take a principal's level away."""
        scope = self.require(name, "MANAGE", identity=identity)
        gone = self._store.execute(
            "DELETE FROM acls WHERE scope = ? AND principal = ?", (scope.id, self._behaviour.principal(principal))
        )
        if not gone:
            raise missing(f"No ACL for principal {principal} on scope {name}.")

    def hidden(self, name: str) -> Scope:
        """Return the scope, unreachable by any route, that holds keys given to an endpoint in plain text."""
        return self.find(name) or self._insert(name, "DATABRICKS", None, hidden=True)

    def drop_hidden(self, name: str) -> None:
        """Delete such a scope."""
        self._store.execute(
            "DELETE FROM scopes WHERE workspace = ? AND folded = ? AND hidden", (self._workspace, name.casefold())
        )

    def _insert(self, name: str, backend_type: str, keyvault: dict[str, Any] | None, *, hidden: bool) -> Scope:
        self._store.execute(
            "INSERT INTO scopes (workspace, folded, name, backend_type, keyvault, hidden) VALUES (?, ?, ?, ?, ?, ?)",
            (
                self._workspace,
                name.casefold(),
                name,
                backend_type,
                None if keyvault is None else json.dumps(keyvault),
                hidden,
            ),
        )
        made = self.find(name)
        if made is None:  # pragma: no cover - the row was inserted under this very transaction or lock
            raise AssertionError("the scope just inserted is gone")
        return made

    def _count(self) -> int:
        row = self._store.row("SELECT count(*) AS n FROM scopes WHERE workspace = ? AND NOT hidden", (self._workspace,))
        return 0 if row is None else int(row["n"])

    def _acls(self, scope: Scope) -> dict[str, str]:
        rows = self._store.rows(
            "SELECT principal, permission FROM acls WHERE scope = ? ORDER BY principal", (scope.id,)
        )
        return {row["principal"]: row["permission"] for row in rows}

    def _write_acl(self, scope: Scope, principal: str, permission: str) -> None:
        self._store.execute(
            "INSERT OR REPLACE INTO acls VALUES (?, ?, ?)",
            (scope.id, self._behaviour.principal(principal), permission),
        )


def _scope(row: Row) -> Scope:
    keyvault = row["keyvault"]
    return Scope(row["id"], row["name"], row["backend_type"], None if keyvault is None else json.loads(keyvault))


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise invalid(
            f"Invalid scope name {name!r}: it may hold letters, digits, '-', '_', '@', '.' and '/', "
            "and at most 128 characters."
        )


def _check_keyvault(keyvault: dict[str, Any] | None) -> None:
    if not keyvault or not keyvault.get("resource_id") or not keyvault.get("dns_name"):
        raise bad_request("backend_azure_keyvault needs resource_id and dns_name for an AZURE_KEYVAULT scope.")
