"""A serving endpoint as it is stored."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

from local_workspace.lifecycle import Deployment, Deployments
from local_workspace.resources import endpoint_configs
from local_workspace.resources.serving_endpoint import ServingEndpoint


@dataclass(frozen=True)
class Endpoint:
    """A serving endpoint.

    Attributes:
        id: 32 hex digits; a name that is deleted and created again gets a new one.
        name: unique in its workspace.
        creator: the principal that created it.
        creator_kind: `User` or `ServicePrincipal`.
        created_ms: milliseconds since the epoch.
        updated_ms: when it was last written.
        deployments: its configs.
        foundation: whether it is one of the workspace's own pay-per-token endpoints.
        task: of a foundation endpoint; the others' follows from their config.
        tags: by key.
        description: immutable.
        route_optimized: immutable.
        ai_gateway: the AI gateway, or None.
        email_notifications: who hears of updates, or None.
        telemetry_config: as written, or None.
        budget_policy_id: as written, or None.
        rate_limits: the deprecated top-level ones, which no GET shows.
    """

    id: str
    name: str
    creator: str
    creator_kind: str
    created_ms: int
    updated_ms: int
    deployments: Deployments = field(default_factory=Deployments)
    foundation: bool = False
    task: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    description: str = ""
    route_optimized: bool = False
    ai_gateway: dict[str, Any] | None = None
    email_notifications: dict[str, Any] | None = None
    telemetry_config: dict[str, Any] | None = None
    budget_policy_id: str | None = None
    rate_limits: list[dict[str, Any]] = field(default_factory=list)

    @property
    def current(self) -> Deployment | None:
        """The config that says what kind of endpoint it is: the one that serves, else the one that will."""
        return self.deployments.serving or self.deployments.pending

    @property
    def is_settled(self) -> bool:
        """Whether it stays as it is until it is written: nothing is being deployed, and nothing scales to zero."""
        serving = self.deployments.serving
        return self.deployments.pending is None and (serving is None or serving.registry is None)

    def seen_at(self, now_ms: int) -> Endpoint:
        """Return how it stands at a time: a deployment that has ended well serves."""
        return self if self.deployments.seen_at(now_ms) is self.deployments else self._deployed

    @cached_property
    def _deployed(self) -> Endpoint:
        """How it stands once its pending config serves; kept, since every later read asks for it."""
        return replace(self, deployments=Deployments(serving=self.deployments.pending))

    @cached_property
    def called(self) -> ServingEndpoint:
        """What answering a call needs to know of it; kept, since each call asks for it."""
        serving = self.deployments.serving
        return ServingEndpoint(
            name=self.name,
            id=self.id,
            creator=self.creator if serving is None else serving.creator,
            config=None if serving is None else serving.config,
            task=self.task or (None if serving is None else endpoint_configs.task_of(serving.config) or serving.task),
            ai_gateway=self.ai_gateway or {},
            rate_limits=tuple(self.rate_limits),
            foundation=self.foundation,
            serving=serving,
            route_optimized=self.route_optimized,
        )

    def to_json(self) -> str:
        """Return the stored document."""
        return json.dumps(_fields(self), separators=(",", ":"), default=_fields)

    @staticmethod
    def from_json(document: str) -> Endpoint:
        """Read a stored document."""
        values = json.loads(document)
        deployments = {
            slot: None if stored is None else Deployment(**stored) for slot, stored in values["deployments"].items()
        }
        return Endpoint(**{**values, "deployments": Deployments(**deployments)})


def _fields(record: Any) -> dict[str, Any]:  # noqa: ANN401 - a dataclass of any kind
    """Return a record's fields as they are; `asdict` would copy all that is in them, which takes longer than this."""
    return {each.name: getattr(record, each.name) for each in fields(record)}
