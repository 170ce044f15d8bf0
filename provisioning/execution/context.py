"""What the operations of one apply share."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from provisioning.execution.seen import Seen
from provisioning.model.events import Held
from provisioning.readiness import CUSTOM_TIMEOUT, EXTERNAL_TIMEOUT, EndpointMissingError, wait_until_ready
from provisioning.workspace.endpoints import get_endpoint, update_config

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import JsonValue, SecretStr

    from provisioning.model.endpoints import ModelServingEndpoint
    from provisioning.model.events import Event
    from provisioning.model.workspace import Desired
    from provisioning.readiness import Readiness
    from provisioning.workspace.client import Connection
    from provisioning.workspace.secrets import Put


class StoppedError(Exception):
    """The user pressed Ctrl-C: whatever is not in flight is not begun."""


@dataclass
class Context:
    """One apply.

    Attributes:
        connection: the workspace.
        owner: the set's id.
        desired: the configs.
        values: what the secrets' sources hold, by scope and key.
        seen: the objects that the plan saw; kept up as endpoints are created.
        timeout: seconds that each endpoint may take to become ready; None goes by what it serves.
        clock: a monotonic clock, in seconds.
        pause: pauses for so many seconds while waiting for an endpoint; None ends the pause on Ctrl-C.
        stop: set when the user pressed Ctrl-C.
        tell: told of what happens within an operation.
        smoke: whether each endpoint that became ready is called once.
        previous: the configs that endpoints go back to if they don't answer then, by name.
        unannounced: the keys that are to be put and are not yet named in their scope's marker, by scope.
        writers: the writer of each scope's marker, as this apply left it with its announcement.
        put: the secrets that were put, by scope.
        written: those of them whose times are not yet known, likewise.
        settled: those whose times are known and that are not yet recorded, likewise.
        deleted: the keys that were deleted, likewise.
        untold: the endpoints that have not heard of a scope's new values yet, by the scope's name without case; its
            record waits for them.
        telling: held while `untold` changes.
    """

    connection: Connection
    owner: str
    desired: Desired
    values: Mapping[tuple[str, str], SecretStr]
    seen: Seen = field(default_factory=Seen)
    timeout: float | None = None
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    tell: Callable[[Event], None] = lambda _event: None
    smoke: bool = False
    previous: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    unannounced: dict[str, list[str]] = field(default_factory=dict)
    writers: dict[str, str] = field(default_factory=dict)
    put: dict[str, list[Put]] = field(default_factory=dict)
    written: dict[str, list[Put]] = field(default_factory=dict)
    settled: dict[str, list[Put]] = field(default_factory=dict)
    deleted: dict[str, list[str]] = field(default_factory=dict)
    untold: dict[str, set[str]] = field(default_factory=dict)
    telling: threading.Lock = field(default_factory=threading.Lock)

    def afresh(self, values: Mapping[tuple[str, str], SecretStr] | None = None) -> Context:
        """Return it as another plan of the same apply begins with it: what is there is looked at again.

        Args:
            values: what that plan puts; None for the same.
        """
        self.seen.afresh()
        values = self.values if values is None else values
        return replace(self, values=values, smoke=False, put={}, written={}, settled={}, deleted={})

    def check(self) -> None:
        """Raise if nothing more may be begun."""
        if self.stop.is_set():
            raise StoppedError

    def sleep(self, seconds: float) -> None:
        """Pause between two looks at an endpoint."""
        if self.pause is None:
            self.stop.wait(seconds)
        else:
            self.pause(seconds)
        self.check()

    def pace(self) -> None:
        """Wait until the workspace takes one more write to an endpoint."""

        def hold(seconds: float) -> None:
            self.tell(Held(seconds=seconds, because="the workspace takes 50 endpoint writes in 5 minutes"))
            self.sleep(seconds)

        self.connection.pace.wait(sleep=hold)

    def put_config(self, name: str, body: Mapping[str, JsonValue]) -> None:
        """Replace what an endpoint serves."""
        self.seen.put(name, update_config(self.connection, name, body=body))

    def wait_ready(self, name: str, *, on_poll: Callable[[Readiness, float], None] | None = None) -> None:
        """Wait until an endpoint is ready, and raise what `wait_until_ready` raises.

        Raises:
            ChangedSincePlanError: meanwhile it was deleted, replaced by another one, or got another config.
        """

        def look() -> Mapping[str, JsonValue] | None:
            body = get_endpoint(self.connection, name)
            if body is not None:
                self.seen.hold(name, body)
            return body

        try:
            wait_until_ready(
                look,
                name,
                timeout=self.timeout_of(name),
                on_poll=on_poll,
                clock=self.clock,
                sleep=self.sleep,
            )
        except EndpointMissingError as error:
            raise self.seen.gone(name) or error from error

    def endpoint(self, name: str) -> ModelServingEndpoint | None:
        """Return an endpoint as declared; None if the configs don't name it."""
        return self._declared.get(name)

    @cached_property
    def _declared(self) -> dict[str, ModelServingEndpoint]:
        return {each.name: each for each in self.desired.endpoints}

    def timeout_of(self, name: str) -> float:
        """Return the seconds that an endpoint may take to become ready."""
        if self.timeout is not None:
            return self.timeout
        endpoint = self.endpoint(name)
        entities = endpoint.config.served_entities if endpoint and endpoint.config else None
        external = all(each.external_model is not None for each in entities or ())
        return EXTERNAL_TIMEOUT if external else CUSTOM_TIMEOUT
