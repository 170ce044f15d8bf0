"""Secrets: keys and values in scopes, and the references with which served entities name them."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

from local_workspace.errors import ApiError, UnresolvedSecretError, bad_request, denied, invalid, missing, too_many

if TYPE_CHECKING:
    from collections.abc import Collection

    from local_workspace.clock import Clock
    from local_workspace.resources.identities import Identities, Identity
    from local_workspace.resources.scopes import Scope, Scopes
    from local_workspace.settings import Behaviour
    from local_workspace.store import Store

MOST_SECRETS = 1000
LARGEST_VALUE = 128 * 1024

_KEY = re.compile(r"[\w.@/-]{1,128}", re.ASCII)
_REFERENCE = re.compile(r"\{\{\s*secrets/(?P<scope>[^{}]+)/(?P<key>[^/{}]+?)\s*\}\}")


class Secrets:
    """The secrets of one workspace.

    Args:
        store: where they are kept.
        scopes: the workspace's scopes, which decide who may.
        identities: the workspace's principals.
        clock: stamps each write.
        behaviour: the switches.
    """

    def __init__(
        self, store: Store, scopes: Scopes, *, identities: Identities, clock: Clock, behaviour: Behaviour
    ) -> None:
        self._store = store
        self._scopes = scopes
        self._identities = identities
        self._clock = clock
        self._behaviour = behaviour

    def put(self, scope: str, key: str, value: bytes, *, identity: Identity) -> None:
        """Write a value, replacing what the key held."""
        found = self._scopes.require(scope, "WRITE", identity=identity)
        _refuse_keyvault(found, "put a secret into")
        if not _KEY.fullmatch(key):
            raise invalid(
                f"Invalid key {key!r}: it may hold letters, digits, '-', '_', '@', '.' and '/', "
                "and at most 128 characters."
            )
        if len(value) > LARGEST_VALUE:
            raise too_many(f"Secret values may hold at most {LARGEST_VALUE} bytes.")
        with self._store.transaction():
            if self._read(found, key) is None and len(self._keys(found)) >= MOST_SECRETS:
                raise too_many(f"Cannot hold more than {MOST_SECRETS} secrets in scope {scope}.")
            self._write(found, key, value)

    def get(self, scope: str, key: str, *, identity: Identity) -> bytes:
        """Return a value."""
        found = self._scopes.require(scope, "READ", identity=identity)
        if not self._behaviour.remote_secret_reads:
            raise bad_request("Secret values can be read from notebooks only.")
        value = self._read(found, key)
        if value is None:
            raise _no_key(scope, key)
        return value

    def list(self, scope: str, *, identity: Identity) -> dict[str, int]:
        """Return each key with the milliseconds since the epoch at which it was last written."""
        return self._keys(self._scopes.require(scope, "READ", identity=identity))

    def delete(self, scope: str, key: str, *, identity: Identity) -> None:
        """Delete a key."""
        found = self._scopes.require(scope, "WRITE", identity=identity)
        _refuse_keyvault(found, "delete a secret from")
        if not self._store.execute("DELETE FROM secrets WHERE scope = ? AND key = ?", (found.id, key)):
            raise _no_key(scope, key)

    def keep_plaintext(self, endpoint_id: str, value: str) -> str:
        """Store a key that came as `*_plaintext` and return the reference under which the config holds it."""
        with self._store.transaction():
            scope = self._scopes.hidden(hidden_scope(endpoint_id))
            key = uuid.uuid4().hex
            self._write(scope, key, value.encode())
        return f"{{{{secrets/{scope.name}/{key}}}}}"

    def freeze(self, endpoint_id: str, reference: str, *, creator: str) -> str:
        """Store a copy of what a reference stands for now, and return the reference to the copy."""
        return self.keep_plaintext(endpoint_id, self.resolve(reference, creator=creator))

    def drop_unused(self, endpoint_id: str, *, used: Collection[str]) -> None:
        """Delete an endpoint's plain-text keys that no config refers to any more."""
        scope = self._scopes.find(hidden_scope(endpoint_id))
        if scope is None:
            return
        keep = {parse_reference(reference)[1] for reference in used if is_hidden(reference)}
        for key in set(self._keys(scope)) - keep:
            self._store.execute("DELETE FROM secrets WHERE scope = ? AND key = ?", (scope.id, key))

    def resolve(self, reference: str, *, creator: str) -> str:
        """Return what a `{{secrets/scope/key}}` stands for, as the endpoint's creator may read it now.

        Raises:
            UnresolvedSecretError: malformed, missing or forbidden.
        """
        scope_name, key = parse_reference(reference)
        # Whether it may be read is remembered until the next write; the value itself never is.
        scope, may_read = self._store.remember(
            ("readable", self._scopes, scope_name, creator), lambda: self._readable(scope_name, creator)
        )
        if scope is None:
            raise UnresolvedSecretError(reference, "missing")
        if not may_read:
            raise UnresolvedSecretError(reference, "forbidden")
        value = self._read(scope, key)
        if value is None:
            raise UnresolvedSecretError(reference, "missing")
        return value.decode(errors="surrogateescape")

    def check_reference(self, reference: str, *, identity: Identity) -> None:
        """Judge a reference when a config that holds it is written.

        Raises:
            ApiError: it is malformed, the identity may not read the scope, or (by a switch) it does not exist.
        """
        if is_hidden(reference) or not is_reference(reference):
            # The text is not repeated: people paste keys where a reference belongs.
            raise invalid("Invalid secret reference. It must have the form {{secrets/<scope>/<key>}}.")
        scope_name, key = parse_reference(reference)
        scope = self._scopes.find(scope_name)
        if scope is not None and not self._scopes.allows(scope, "READ", identity=identity):
            raise denied(
                f"User {identity.name} does not have READ permission on scope {scope_name} to perform this action.",
                request_info=True,
            )
        absent = scope is None or self._read(scope, key) is None
        if absent and self._behaviour.dangling_reference == "refuse":
            raise invalid(f"Secret {reference} does not exist.")

    def _readable(self, scope_name: str, creator: str) -> tuple[Scope | None, bool]:
        scope = self._scopes.find(scope_name)
        if scope is None:
            return None, False
        return scope, is_hidden(scope_name) or self._creator_may_read(scope, creator)

    def _creator_may_read(self, scope: Scope, creator: str) -> bool:
        try:
            identity = self._identities.get(creator)
        except LookupError:
            return False
        return self._scopes.allows(scope, "READ", identity=identity)

    def _keys(self, scope: Scope) -> dict[str, int]:
        rows = self._store.rows("SELECT key, updated_ms FROM secrets WHERE scope = ? ORDER BY key", (scope.id,))
        return {row["key"]: row["updated_ms"] for row in rows}

    def _read(self, scope: Scope, key: str) -> bytes | None:
        row = self._store.row("SELECT value FROM secrets WHERE scope = ? AND key = ?", (scope.id, key))
        return None if row is None else bytes(row["value"])

    def _write(self, scope: Scope, key: str, value: bytes) -> None:
        self._store.execute(
            "INSERT OR REPLACE INTO secrets VALUES (?, ?, ?, ?)", (scope.id, key, value, self._clock.now_ms())
        )


def hidden_scope(endpoint_id: str) -> str:
    """Name the scope of an endpoint's plain-text keys: a colon stands in no name that a client can create."""
    return f"endpoint:{endpoint_id}"


def is_hidden(reference: str) -> bool:
    """Return whether a stored reference names a key that was given in plain text."""
    return ":" in reference


def is_reference(text: str) -> bool:
    """Return whether a text has the form `{{secrets/scope/key}}`; anything else may be a key in disguise."""
    return _REFERENCE.fullmatch(text.strip()) is not None


def parse_reference(reference: str) -> tuple[str, str]:
    """Split a reference into scope and key.

    Raises:
        UnresolvedSecretError: it is malformed.
    """
    match = _REFERENCE.fullmatch(reference.strip())
    if match is None:
        raise UnresolvedSecretError("{{…}}", "malformed")
    return match["scope"], match["key"]


def _refuse_keyvault(scope: Scope, action: str) -> None:
    if scope.backend_type == "AZURE_KEYVAULT":
        raise bad_request(f"Cannot {action} the Azure Key Vault-backed scope {scope.name}.")


def _no_key(scope: str, key: str) -> ApiError:
    return missing(f"Secret {key} in scope {scope} does not exist!")
