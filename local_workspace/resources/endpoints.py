"""Serving endpoints: created, read, changed, deleted, deployed."""

from __future__ import annotations

import math
import re
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from local_workspace.errors import ApiError, denied, invalid, missing, too_many
from local_workspace.lifecycle import Deployment, Deployments, Update
from local_workspace.resources import (
    endpoint_changes,
    endpoint_configs,
    endpoint_keys,
    endpoint_view,
)
from local_workspace.resources.arrangements import Arrangement, Arrangements
from local_workspace.resources.endpoint_record import Endpoint
from local_workspace.resources.endpoint_table import EndpointTable
from local_workspace.resources.last_calls import LastCalls
from local_workspace.resources.permissions import LEVELS, Permissions, creator_grant
from local_workspace.resources.rate_limits import Window
from local_workspace.resources.secrets import Secrets, hidden_scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_workspace.clock import Clock
    from local_workspace.resources.identities import Identity
    from local_workspace.resources.scopes import Scopes
    from local_workspace.resources.serving_endpoint import ServingEndpoint
    from local_workspace.settings import Settings
    from local_workspace.store import Store

MOST_ENDPOINTS = 1000
MOST_WRITES = 50
"""Creates and config updates in `WRITES_SECONDS`, where that limit is switched on."""
WRITES_SECONDS = 300.0

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_VERBS = {"CAN_VIEW": "View", "CAN_QUERY": "Query", "CAN_MANAGE": "Manage"}


class Endpoints:
    """The serving endpoints of one workspace.

    Args:
        store: where they are kept.
        workspace: the workspace's id.
        scopes: the workspace's scopes: plain-text keys live in hidden ones.
        secrets: the workspace's secrets, which configs refer to.
        permissions: the workspace's grants.
        clock: tells when a deployment is over.
        settings: how long deployments take, and the switches.

    Attributes:
        table: the stored endpoints, without anybody's rights.
        arrangements: how deployments are to go.
        last_calls: when each custom model was called last.
    """

    def __init__(
        self,
        store: Store,
        workspace: str,
        *,
        scopes: Scopes,
        secrets: Secrets,
        permissions: Permissions,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._store = store
        self._scopes = scopes
        self._secrets = secrets
        self._permissions = permissions
        self._clock = clock
        self._settings = settings
        self.table = EndpointTable(store, workspace, clock=clock)
        self.arrangements = Arrangements()
        self.last_calls = LastCalls()
        self._writes = Window(WRITES_SECONDS)

    def create(self, body: Mapping[str, Any], *, identity: Identity, provisioned: bool = False) -> dict[str, Any]:
        """Create an endpoint and begin to deploy its config, if it has one."""
        name = body.get("name")
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise invalid(
                "Invalid endpoint name: it may hold letters, digits, '-' and '_', begins with a letter or digit, "
                "and has at most 63 characters."
            )
        self._count_write()
        endpoint = self._from(body, name, identity=identity)
        with self._store.transaction():
            if self.table.by_name(name) is not None:
                raise ApiError(
                    409, "RESOURCE_ALREADY_EXISTS", f"Endpoint with name '{name}' already exists.", request_info=True
                )
            if self.table.count() >= MOST_ENDPOINTS:
                raise too_many(f"Cannot create more than {MOST_ENDPOINTS} serving endpoints in a workspace.")
            if body.get("config"):
                endpoint = self._deploy(endpoint, body["config"], identity=identity, provisioned=provisioned)
            if body.get("rate_limits"):
                endpoint = endpoint_changes.with_rate_limits(endpoint, body)
            if endpoint_changes.unsupported_telemetry(endpoint) is None:
                endpoint = replace(endpoint, telemetry_config=body.get("telemetry_config"))
            self.table.insert(endpoint)
            self._permissions.grant(endpoint.id, [creator_grant(identity.name, identity.creator_kind)])
        return self.view(endpoint, identity=identity)

    def get(self, name: str, *, identity: Identity) -> endpoint_view.Shown:
        """Return an endpoint in full; not to be changed, since the next one who asks may get the same object."""
        endpoint = self.require(name, "CAN_VIEW", identity=identity)
        if not endpoint.is_settled:
            return self.view(endpoint, identity=identity)
        key = ("view", endpoint.id, self.level(endpoint, identity=identity))
        return self._store.remember(key, lambda: self.view(endpoint, identity=identity))

    def list(self, *, identity: Identity) -> list[dict[str, Any]]:
        """Return the endpoints that the identity may see, in short."""
        levels = [(each, self.level(each, identity=identity)) for each in self.table.all()]
        return [
            endpoint_view.summary(each, level=level, seen=self._seen()) for each, level in levels if level is not None
        ]

    def delete(self, name: str, *, identity: Identity) -> None:
        """Delete an endpoint at once; its grants linger under its id, as the real API's do."""
        with self._store.transaction():
            endpoint = self.require(name, "CAN_MANAGE", identity=identity)
            if endpoint.foundation:
                raise denied(f"Endpoint {name} is managed by Databricks and cannot be deleted.")
            self._scopes.drop_hidden(hidden_scope(endpoint.id))
            self.table.delete(endpoint)

    def update_config(
        self, name: str, body: Mapping[str, Any], *, identity: Identity, provisioned: bool = False
    ) -> dict[str, Any]:
        """Begin to deploy a new config in place of the whole old one."""
        self._count_write()
        with self._store.transaction():
            endpoint = self.require(name, "CAN_MANAGE", identity=identity)
            if endpoint.foundation:
                raise invalid(f"The config of endpoint {name} is managed by Databricks.")
            if not endpoint.deployments.may_start(self._clock.now_ms()):
                raise self._busy(name)
            endpoint = self._deploy(endpoint, body, identity=identity, provisioned=provisioned)
            endpoint = self.table.save(endpoint)
        return self.view(endpoint, identity=identity)

    def view(self, endpoint: Endpoint, *, identity: Identity) -> endpoint_view.Shown:
        """Return an endpoint as the API shows it to an identity."""
        level = self.level(endpoint, identity=identity) or LEVELS[0]
        return endpoint_view.Shown(endpoint_view.detailed(endpoint, level=level, seen=self._seen()))

    def require(self, name: str, level: str, *, identity: Identity) -> Endpoint:
        """Return an endpoint on which the identity has at least the level.

        Raises:
            ApiError: there is no such endpoint (404), or the identity may not (403).
        """
        endpoint = self.table.by_name(name)
        if endpoint is None:
            raise missing(f"Endpoint with name '{name}' does not exist.", request_info=True)
        held = self.level(endpoint, identity=identity)
        if held is None or LEVELS.index(held) < LEVELS.index(level):
            raise denied(f"User does not have permission '{_VERBS[level]}' on Endpoint {name}", request_info=True)
        return endpoint

    def level(self, endpoint: Endpoint, *, identity: Identity) -> str | None:
        """Return an identity's level on an endpoint; everyone may query the workspace's own."""
        held = self._permissions.level(endpoint.id, identity=identity)
        return held or ("CAN_QUERY" if endpoint.foundation else None)

    def serving(self, name: str, *, identity: Identity, level: str = "CAN_QUERY") -> ServingEndpoint:
        """Return what answering a call needs, for an identity that has at least the level."""
        return self.require(name, level, identity=identity).called

    def change(self, name: str, change: Callable[[Endpoint], Endpoint], *, identity: Identity) -> Endpoint:
        """Change what can be changed without a config update, and return the endpoint as stored.

        Args:
            name: the endpoint's name.
            change: from the stored endpoint to the new one; one of `endpoint_changes`, with its body.
            identity: who asks; needs CAN_MANAGE.
        """
        with self._store.transaction():
            return self.table.save(change(self.require(name, "CAN_MANAGE", identity=identity)))

    def arrange(self, rule: Arrangement) -> None:
        """Say how deployments go: the coming ones, and those in progress."""
        self.arrangements.add(rule)
        with self._store.transaction():
            for endpoint in self.table.all():
                running = endpoint.deployments.update(self._clock.now_ms()) is Update.RUNNING
                pending = endpoint.deployments.pending
                if running and pending is not None and self.arrangements.find(endpoint.name) is rule:
                    arranged = self._arranged(endpoint.name, pending)
                    self.table.save(replace(endpoint, deployments=replace(endpoint.deployments, pending=arranged)))

    def loaded(self, endpoint_id: str, version: int, *, task: str | None = None, problem: str | None = None) -> None:
        """Say how loading the models of a config went; nothing happens if it is not the one being deployed any more.

        Args:
            endpoint_id: whose config.
            version: its `config_version`.
            task: what the models say that they do.
            problem: why one could not be loaded; None: all were.
        """
        now_ms = self._clock.now_ms()
        with self._store.transaction():
            endpoint = self.table.by_id(endpoint_id)
            pending = None if endpoint is None else endpoint.deployments.pending
            if endpoint is None or pending is None or pending.version != version or not pending.loading:
                return
            ended = pending.loaded(now_ms, task=task) if problem is None else pending.broken(now_ms, message=problem)
            self.table.save(replace(endpoint, deployments=replace(endpoint.deployments, pending=ended)))

    def _seen(self) -> endpoint_view.Seen:
        return endpoint_view.Seen(self._clock.now_ms(), behaviour=self._settings.behaviour, last_calls=self.last_calls)

    def _count_write(self) -> None:
        if not self._settings.behaviour.write_limit:
            return
        now = self._clock.now()
        if self._writes.total(now) >= MOST_WRITES:
            wait = math.ceil(self._writes.seconds_until_below(MOST_WRITES, now))
            raise ApiError(
                429,
                "REQUEST_LIMIT_EXCEEDED",
                f"Exceeded {MOST_WRITES} create and update operations in 5 minutes for this workspace.",
                headers={"Retry-After": str(max(1, wait))},
            )
        self._writes.add(now, 1)

    def _from(self, body: Mapping[str, Any], name: str, *, identity: Identity) -> Endpoint:
        """Make an endpoint from a create request: all but what depends on its config."""
        now_ms = self._clock.now_ms()
        endpoint = Endpoint(
            id=uuid.uuid4().hex,
            name=name,
            creator=identity.name,
            creator_kind=identity.creator_kind,
            created_ms=now_ms,
            updated_ms=now_ms,
            tags=endpoint_changes.tags_of(body.get("tags") or []),
            description=str(body.get("description") or ""),
            route_optimized=bool(body.get("route_optimized")),
            budget_policy_id=body.get("budget_policy_id"),
        )
        endpoint = endpoint_changes.with_ai_gateway(endpoint, body.get("ai_gateway") or {})
        has_mails = body.get("email_notifications") is not None
        return endpoint_changes.with_notifications(endpoint, body) if has_mails else endpoint

    def _deploy(self, endpoint: Endpoint, body: object, *, identity: Identity, provisioned: bool) -> Endpoint:
        if not isinstance(body, dict):
            raise invalid("config must be an object.")
        now_ms = self._clock.now_ms()
        before = None if endpoint.current is None else endpoint.current.config
        config = endpoint_configs.normalise(body, before=before, provisioned=provisioned)
        if not config["served_entities"]:
            self._secrets.drop_unused(endpoint.id, used=())
            return replace(endpoint, deployments=Deployments())
        endpoint_keys.put_away(
            config,
            self._secrets,
            endpoint_id=endpoint.id,
            identity=identity,
            freeze=self._settings.behaviour.key_freshness == "per_config",
        )
        deployment = Deployment(
            config=config,
            version=endpoint.deployments.next_version,
            creator=identity.name,
            started_ms=now_ms,
            due_ms=now_ms + self._milliseconds(config),
        )
        if self._settings.registry is not None and endpoint_configs.is_registered(config):
            deployment = replace(deployment, registry=self._settings.registry, loading=True)
        started = endpoint.deployments.start(self._arranged(endpoint.name, deployment), now_ms)
        self._secrets.drop_unused(endpoint.id, used=endpoint_keys.references(started))
        return replace(endpoint, deployments=started)

    def _milliseconds(self, config: Mapping[str, Any]) -> int:
        external = endpoint_configs.is_external(config)
        seconds = self._settings.deploy_seconds if external else self._settings.custom_deploy_seconds
        return int(seconds * 1000)

    def _arranged(self, name: str, deployment: Deployment) -> Deployment:
        rule = self.arrangements.find(name)
        if rule is None:
            return deployment
        if rule.outcome == "stuck":
            return replace(deployment, due_ms=None, loading=False)
        due_ms = deployment.due_ms if rule.seconds is None else deployment.started_ms + int(rule.seconds * 1000)
        loading = deployment.loading and rule.outcome == "ready"
        return replace(deployment, due_ms=due_ms, ending=rule.outcome, message=rule.message, loading=loading)

    def _busy(self, name: str) -> ApiError:
        return ApiError(
            self._settings.behaviour.busy_status,
            "RESOURCE_CONFLICT",
            f"Endpoint {name} is currently updating. Wait for the update to complete, then retry.",
            request_info=True,
        )
