"""How an endpoint's state follows from what was written and when.

Nothing here runs by itself: a config update stores when it is due and how it will end, and the state is worked out
from that and the clock each time somebody looks. A restart, or a test that advances the clock, therefore changes
nothing about the rules. Deliberately no relative of `provisioning.readiness`, which reads these states: shared, the
two would agree with themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Ending = Literal["ready", "failed", "canceled"]


class Update(Enum):
    """Where an endpoint's config update stands."""

    NONE = "none"
    RUNNING = "running"
    FAILED = "failed"
    CANCELED = "canceled"


class Event(Enum):
    """What can happen to it."""

    START = "start"
    SUCCEED = "succeed"
    FAIL = "fail"
    CANCEL = "cancel"


TRANSITIONS: Mapping[tuple[Update, Event], Update] = {
    (Update.NONE, Event.START): Update.RUNNING,
    (Update.FAILED, Event.START): Update.RUNNING,
    (Update.CANCELED, Event.START): Update.RUNNING,
    (Update.RUNNING, Event.SUCCEED): Update.NONE,
    (Update.RUNNING, Event.FAIL): Update.FAILED,
    (Update.RUNNING, Event.CANCEL): Update.CANCELED,
}
"""Every move there is; a pair that is missing (START while RUNNING) is refused."""

CONFIG_UPDATE: Mapping[Update, str] = {
    Update.NONE: "NOT_UPDATING",
    Update.RUNNING: "IN_PROGRESS",
    Update.FAILED: "UPDATE_FAILED",
    Update.CANCELED: "UPDATE_CANCELED",
}

DEPLOYMENT: Mapping[Update, str] = {
    Update.NONE: "DEPLOYMENT_READY",
    Update.RUNNING: "DEPLOYMENT_CREATING",
    Update.FAILED: "DEPLOYMENT_FAILED",
    Update.CANCELED: "DEPLOYMENT_ABORTED",
}

_EVENTS: Mapping[Ending, Event] = {"ready": Event.SUCCEED, "failed": Event.FAIL, "canceled": Event.CANCEL}


IDLE_MS = 30 * 60 * 1000
"""How long nobody calls a custom model until it is scaled to zero, where that is enabled."""


@dataclass(frozen=True)
class Deployment:
    """One config: serving, or on its way to.

    Attributes:
        config: the config as validated, with secret references and never a key.
        version: its `config_version`.
        creator: who wrote it, and on whose behalf its secrets are read.
        started_ms: when it was written.
        due_ms: when its deployment ends; None: never, it is stuck.
        ending: how its deployment ends.
        message: what its entities say when it does not end well.
        registry: the MLflow registry that its models are loaded from; None if nothing is loaded.
        loading: whether they are still being loaded; until then it does not end.
        task: what the loaded models say that they do.
    """

    config: dict[str, Any]
    version: int
    creator: str
    started_ms: int
    due_ms: int | None
    ending: Ending = "ready"
    message: str = ""
    registry: str | None = None
    loading: bool = False
    task: str | None = None

    def ended(self, now_ms: int) -> bool:
        """Return whether its deployment is over."""
        return not self.loading and self.due_ms is not None and now_ms >= self.due_ms

    def loaded(self, now_ms: int, *, task: str | None) -> Deployment:
        """Return it with its models loaded: it ends now, or when it was due if that is later."""
        due_ms = None if self.due_ms is None else max(self.due_ms, now_ms)
        return replace(self, loading=False, due_ms=due_ms, task=task)

    def broken(self, now_ms: int, *, message: str) -> Deployment:
        """Return it as failed, now: a model could not be loaded."""
        return replace(self, loading=False, due_ms=now_ms, ending="failed", message=message)

    def scaled_to_zero(self, entity: Mapping[str, Any], *, called_ms: int, now_ms: int) -> bool:
        """Return whether nothing runs for an entity that nobody has called for a while.

        Args:
            entity: one of the config's.
            called_ms: when it was called last; 0 for never.
            now_ms: the time.
        """
        if self.registry is None or self.loading or not entity.get("scale_to_zero_enabled"):
            return False
        return now_ms - max(called_ms, self.due_ms or now_ms) >= IDLE_MS


@dataclass(frozen=True)
class Deployments:
    """The configs of one endpoint.

    Attributes:
        serving: the one that answers, if any.
        pending: the one that is being deployed, or that failed to be.
    """

    serving: Deployment | None = None
    pending: Deployment | None = None

    def seen_at(self, now_ms: int) -> Deployments:
        """Return how things stand at a time: a deployment that has ended well serves."""
        if self.pending is None or not self.pending.ended(now_ms) or self.pending.ending != "ready":
            return self
        return Deployments(serving=self.pending)

    def update(self, now_ms: int) -> Update:
        """Return where the config update stands at a time."""
        if self.pending is None:
            return Update.NONE
        state = TRANSITIONS[Update.NONE, Event.START]
        if self.pending.ended(now_ms):
            state = TRANSITIONS[state, _EVENTS[self.pending.ending]]
        return state

    def may_start(self, now_ms: int) -> bool:
        """Return whether a new config may be written at a time."""
        return (self.update(now_ms), Event.START) in TRANSITIONS

    def start(self, deployment: Deployment, now_ms: int) -> Deployments:
        """Begin to deploy a config; what serves goes on serving."""
        return replace(self.seen_at(now_ms), pending=deployment)

    @property
    def next_version(self) -> int:
        """The `config_version` that the next config gets: one more than any before."""
        return 1 + max((each.version for each in (self.serving, self.pending) if each is not None), default=0)
