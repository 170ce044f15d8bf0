"""What answering a call needs to know of an endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_workspace.lifecycle import Deployment


@dataclass(frozen=True)
class ServingEndpoint:
    """An endpoint, as it is called.

    Attributes:
        name: the endpoint's name.
        id: its id.
        creator: who wrote the config that serves; its secrets are read on this principal's behalf.
        config: the config that serves, as stored: entities in the order they were sent, secret references in
            place; None while there is none (NOT_READY).
        task: `llm/v1/chat`, …; None for custom models.
        ai_gateway: the AI gateway; empty if there is none.
        rate_limits: the deprecated top-level limits.
        foundation: whether the workspace's built-in model answers.
        serving: the deployment that the config is of.
        route_optimized: whether it is called by its own route alone.
    """

    name: str
    id: str
    creator: str
    config: Mapping[str, Any] | None
    task: str | None
    ai_gateway: Mapping[str, Any]
    rate_limits: tuple[Mapping[str, Any], ...]
    foundation: bool
    serving: Deployment | None = None
    route_optimized: bool = False

    @property
    def is_loaded(self) -> bool:
        """Whether models answer that were loaded from a registry."""
        return self.serving is not None and self.serving.registry is not None
