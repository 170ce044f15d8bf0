"""One workspace: everything that handlers may ask for, and the registry of workspaces on a server."""

from __future__ import annotations

import hmac
import secrets
from collections import Counter
from typing import TYPE_CHECKING

from local_workspace.errors import UnresolvedSecretError
from local_workspace.faults import Faults
from local_workspace.recorder import RequestLog
from local_workspace.resources import own_route
from local_workspace.resources.endpoint_grants import EndpointGrants
from local_workspace.resources.endpoints import Endpoints
from local_workspace.resources.identities import ADMINS, LOCAL_ADMIN, USERS, Identities, Identity, digest
from local_workspace.resources.permissions import Permissions
from local_workspace.resources.rate_limits import RateLimits
from local_workspace.resources.scopes import Scopes
from local_workspace.resources.secrets import Secrets
from local_workspace.resources.serving_endpoint import ServingEndpoint
from local_workspace.resources.tables import Tables

if TYPE_CHECKING:
    from local_workspace.clock import Clock
    from local_workspace.settings import Settings
    from local_workspace.store import Store


class Workspace:
    """A Databricks workspace.

    Args:
        workspace_id: 16 digits, as `X-Databricks-Org-Id` shows them.
        store: where everything is kept.
        clock: its time.
        settings: how it is run.
        seed: the server's secret, from which tokens are derived.

    Attributes:
        identities, scopes, secrets, permissions, endpoints, endpoint_grants: what it holds.
        rate_limits: what was spent of the endpoints' limits.
        tables: what calls left to be read.
        requests: what clients asked of it.
        faults: what is arranged to go wrong.
        unknown: how often each unknown route was called, by `METHOD /path`.
    """

    def __init__(self, workspace_id: str, *, store: Store, clock: Clock, settings: Settings, seed: bytes) -> None:
        self.id = workspace_id
        self.clock = clock
        self.settings = settings
        behaviour = settings.behaviour
        self.identities = Identities(store, workspace_id, clock=clock, seed=seed)
        self.scopes = Scopes(store, workspace_id, identities=self.identities, behaviour=behaviour)
        self.secrets = Secrets(store, self.scopes, identities=self.identities, clock=clock, behaviour=behaviour)
        self.permissions = Permissions(store, workspace_id, identities=self.identities, behaviour=behaviour)
        self.endpoints = Endpoints(
            store,
            workspace_id,
            scopes=self.scopes,
            secrets=self.secrets,
            permissions=self.permissions,
            clock=clock,
            settings=settings,
        )
        self.endpoint_grants = EndpointGrants(self.endpoints, granted=self.permissions, behaviour=behaviour)
        self.rate_limits = RateLimits(clock, with_retry_after=behaviour.limit_retry_after)
        self.tables = Tables(store, workspace_id)
        self.requests = RequestLog()
        self.faults = Faults(seed=settings.seed)
        self.unknown: Counter[str] = Counter()
        with store.transaction():
            store.execute("INSERT OR IGNORE INTO workspaces VALUES (?)", (workspace_id,))
            self.identities.add(LOCAL_ADMIN, groups=(ADMINS, USERS))
            self.endpoints.table.add_foundation()
            self.token = self.identities.token_for(LOCAL_ADMIN)

    def serving_endpoint(self, name: str, identity: Identity, *, level: str = "CAN_QUERY") -> ServingEndpoint:
        """Return what answering a call to an endpoint needs.

        Raises:
            ApiError: 404 if there is no such endpoint, 403 if the identity has less than the level.
        """
        return self.endpoints.serving(name, identity=identity, level=level)

    def resolve_secret(self, reference: str, *, creator: str) -> str:
        """Return the value of a stored secret reference, read on behalf of the config's creator.

        Keys given as `*_plaintext` stand in the stored config as references too, and are resolved alike.

        Raises:
            UnresolvedSecretError: it is malformed, missing, or the creator may not read it.
        """
        return self.secrets.resolve(reference, creator=creator)


class Workspaces:
    """The workspaces that one server holds, found by token.

    Args:
        store: where everything is kept.
        clock: the time of all of them.
        settings: how all of them are run.
    """

    def __init__(self, store: Store, *, clock: Clock, settings: Settings) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._seed = bytes.fromhex(store.meta("token_seed", secrets.token_hex(32)))
        self._open: dict[str, Workspace] = {}
        self.default = self._workspace(store.meta("default_workspace", _new_id()))

    def fork(self) -> Workspace:
        """Return a new, empty workspace with a token of its own."""
        return self._workspace(_new_id())

    def all(self) -> list[Workspace]:
        """Return every workspace that is kept."""
        return [self._workspace(row["id"]) for row in self._store.rows("SELECT id FROM workspaces")]

    def sole(self) -> Workspace | None:
        """Return the only workspace that there is; None if there are several."""
        rows = self._store.rows("SELECT id FROM workspaces LIMIT 2")
        return self.default if len(rows) == 1 else None

    def authenticate(self, token: str) -> tuple[Workspace, Identity] | None:
        """Return the workspace and the identity that a token stands for, or None."""
        presented = digest(token)
        holder = self._store.remember(("token", presented), lambda: self._holder(presented))
        if holder is None:
            return None
        workspace, identity, expires_ms = holder
        expired = expires_ms is not None and self._clock.now_ms() >= expires_ms
        return None if expired else (workspace, identity)

    def issued_for(self, token: str) -> str | None:
        """Return the id of the one endpoint that a token was issued for; None for a token of the whole workspace."""
        return own_route.issued_for(token)

    def of_client(self, application_id: str, secret: str) -> Workspace | None:
        """Return the workspace in which a service principal has this OAuth secret, or None."""
        rows = self._store.rows(
            "SELECT workspace FROM principals WHERE name = ? AND kind = 'service_principal'", (application_id,)
        )
        for workspace in (self._workspace(row["workspace"]) for row in rows):
            right = workspace.identities.client_secret_for(application_id)
            if hmac.compare_digest(right.encode(), secret.encode()):
                return workspace
        return None

    def _holder(self, presented: bytes) -> tuple[Workspace, Identity, int | None] | None:
        row = self._store.row("SELECT * FROM tokens WHERE digest = ?", (presented,))
        if row is None or not hmac.compare_digest(bytes(row["digest"]), presented):
            return None
        workspace = self._workspace(row["workspace"])
        return workspace, workspace.identities.get(row["principal"]), row["expires_ms"]

    def _workspace(self, workspace_id: str) -> Workspace:
        if workspace_id not in self._open:
            self._open[workspace_id] = Workspace(
                workspace_id, store=self._store, clock=self._clock, settings=self._settings, seed=self._seed
            )
        return self._open[workspace_id]


def _new_id() -> str:
    return str(10**15 + secrets.randbelow(9 * 10**15))


__all__ = ["ServingEndpoint", "UnresolvedSecretError", "Workspace", "Workspaces"]
