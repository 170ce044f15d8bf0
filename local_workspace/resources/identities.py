"""Who calls: users, service principals, their groups and their tokens."""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from local_workspace.errors import invalid
from local_workspace.resources import own_route

if TYPE_CHECKING:
    from collections.abc import Iterable

    from local_workspace.clock import Clock
    from local_workspace.store import Store

ADMINS = "admins"
USERS = "users"
LOCAL_ADMIN = "local-admin@example.com"

Kind = Literal["user", "service_principal", "group"]

_APPLICATION_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class Identity:
    """A caller.

    Attributes:
        name: the principal as ACLs name it: a user's e-mail or a service principal's application id.
        kind: `user` or `service_principal`.
        id: the SCIM id.
        groups: the names of the groups it belongs to.
    """

    name: str
    kind: Kind
    id: str
    groups: frozenset[str]

    @property
    def is_admin(self) -> bool:
        """Whether it administers the workspace."""
        return ADMINS in self.groups

    @property
    def principals(self) -> frozenset[str]:
        """Every principal whose grants count for it: itself and its groups."""
        return self.groups | {self.name}

    @property
    def creator_kind(self) -> str:
        """The kind in the words of an endpoint's `creator_kind`."""
        return "ServicePrincipal" if self.kind == "service_principal" else "User"


class Identities:
    """The principals of one workspace and the tokens that stand for them.

    Args:
        store: where they are kept.
        workspace: the workspace's id.
        clock: judges whether a token has expired.
        seed: the server's secret, from which tokens are derived: a restart gives the same ones.
    """

    def __init__(self, store: Store, workspace: str, *, clock: Clock, seed: bytes) -> None:
        self._store = store
        self._workspace = workspace
        self._clock = clock
        self._seed = seed

    def add(self, name: str, *, groups: Iterable[str] = (USERS,)) -> Identity:
        """Make sure that a user (an e-mail) or service principal (a UUID) exists and is in the groups."""
        kind: Kind = "service_principal" if _APPLICATION_ID.fullmatch(name) else "user"
        with self._store.transaction():
            self._insert(name, kind)
            for group in groups:
                self._insert(group, "group")
                self._store.execute(
                    "INSERT OR IGNORE INTO memberships VALUES (?, ?, ?)", (self._workspace, name, group)
                )
        return self.get(name)

    def get(self, name: str) -> Identity:
        """Return a user or service principal.

        Raises:
            LookupError: there is none of that name.
        """
        row = self._store.row(
            "SELECT kind, id FROM principals WHERE workspace = ? AND name = ? AND kind != 'group'",
            (self._workspace, name),
        )
        if row is None:
            raise LookupError(f"no user or service principal {name!r} in this workspace")
        teams = self._store.rows(
            "SELECT team FROM memberships WHERE workspace = ? AND member = ?", (self._workspace, name)
        )
        return Identity(name, row["kind"], row["id"], frozenset(each["team"] for each in teams))

    def kind_of(self, name: str) -> Kind | None:
        """Return what kind of principal a name is, or None if the workspace never met it."""
        row = self._store.row("SELECT kind FROM principals WHERE workspace = ? AND name = ?", (self._workspace, name))
        return None if row is None else row["kind"]

    def require_known(self, name: str) -> None:
        """Refuse a principal that the workspace never met.

        Raises:
            ApiError: INVALID_PARAMETER_VALUE.
        """
        if self.kind_of(name) is None:
            raise invalid(f"Principal {name} does not exist in this workspace.")

    def token_for(self, name: str) -> str:
        """Return the token of an existing user or service principal; always the same one."""
        derived = hmac.new(self._seed, f"{self._workspace}\0{name}".encode(), hashlib.sha256)
        token = "dapi" + derived.hexdigest()[:32]
        self._register(token, name, expires_ms=None)
        return token

    def issue(self, name: str, *, seconds: float, endpoint_id: str | None = None) -> str:
        """Return a new token that expires, as OAuth's do; for one endpoint's own route, or the whole workspace."""
        token = "oauth-" + uuid.uuid4().hex + uuid.uuid4().hex
        token = token if endpoint_id is None else own_route.mark(token, endpoint_id)
        now_ms = self._clock.now_ms()
        with self._store.transaction():
            # Nobody asks for them again: clients fetch a token an hour, for as long as a state folder is kept.
            self._store.execute("DELETE FROM tokens WHERE expires_ms <= ?", (now_ms,))
            self._register(token, name, expires_ms=now_ms + int(seconds * 1000))
        return token

    def client_secret_for(self, application_id: str) -> str:
        """Return the OAuth secret with which a service principal fetches tokens."""
        derived = hmac.new(self._seed, f"{self._workspace}\0{application_id}\0oauth".encode(), hashlib.sha256)
        return "dose" + derived.hexdigest()[:32]

    def _insert(self, name: str, kind: Kind) -> None:
        self._store.execute(
            "INSERT OR IGNORE INTO principals VALUES (?, ?, ?, ?)",
            (self._workspace, name, kind, str(uuid.uuid4().int % 10**16)),
        )

    def _register(self, token: str, name: str, *, expires_ms: int | None) -> None:
        self._store.execute(
            "INSERT OR IGNORE INTO tokens VALUES (?, ?, ?, ?)", (digest(token), self._workspace, name, expires_ms)
        )


def digest(token: str) -> bytes:
    """Return what the store keeps of a token. Looked up by digest, a guess's timing tells nothing."""
    return hashlib.sha256(token.encode()).digest()


def scim_me(identity: Identity) -> dict[str, Any]:
    """Return the SCIM resource of a caller."""
    person = identity.kind == "user"
    resource: dict[str, Any] = {
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:" + ("User" if person else "ServicePrincipal"),
            "urn:ietf:params:scim:schemas:extension:workspace:2.0:" + ("User" if person else "ServicePrincipal"),
        ],
        "id": identity.id,
        "userName": identity.name,
        "displayName": identity.name.partition("@")[0],
        "active": True,
        "groups": [
            {"display": group, "type": "direct", "value": group, "$ref": f"Groups/{group}"}
            for group in sorted(identity.groups)
        ],
        "entitlements": [{"value": "workspace-access"}, {"value": "databricks-sql-access"}],
    }
    if person:
        resource["emails"] = [{"type": "work", "value": identity.name, "primary": True}]
    return resource
