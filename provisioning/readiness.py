"""Is this endpoint ready to answer? The one place that says so, for `provisioning` and `chat` alike.

`classify` is pure: it reads the JSON object that `GET /api/2.0/serving-endpoints/{name}` returns. The waiters
poll it on one schedule. Clock and sleep are arguments, so a test advances time instead of spending it.
Importing this module loads the standard library alone; tenacity is imported when somebody waits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tenacity import RetryCallState

EXTERNAL_TIMEOUT = 300.0
"""Seconds an external-model endpoint gets by default: it has nothing to deploy."""

CUSTOM_TIMEOUT = 2700.0
"""Seconds a custom-model endpoint gets by default: it builds a container (databricks/cli PR 3988 saw 30 min)."""

MISSING_GRACE = 15.0
"""Seconds a 404 is waited out: right after a create, reads may lag behind the write."""

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0


@dataclass(frozen=True)
class Ready:
    """The endpoint answers.

    Attributes:
        config_version: the version of the config that serves.
        without_config: True for an endpoint that was created without a config: nothing is left to wait for,
            but a call to it fails.
    """

    config_version: int | None = None
    without_config: bool = False


@dataclass(frozen=True)
class Pending:
    """The endpoint is on its way.

    Attributes:
        reason: the live state in the API's own terms (`config_update=IN_PROGRESS, gpt-4o: DEPLOYMENT_CREATING`).
        missing: True when the endpoint was not found.
    """

    reason: str
    missing: bool = False


@dataclass(frozen=True)
class Failed:
    """The endpoint will not become ready without a new config.

    Attributes:
        reason: the failed state and, for each served entity that says one, its message.
    """

    reason: str


Readiness: TypeAlias = Ready | Pending | Failed


class NotReadyInTimeError(TimeoutError):
    """The time ran out while the endpoint was still pending.

    Args:
        name: the endpoint's name.
        seconds: how long was waited.
        last: what the last poll saw.
    """

    def __init__(self, name: str, seconds: float, last: Pending) -> None:
        super().__init__(f"endpoint {name!r} was not ready after {seconds:.0f} s: {last.reason}")
        self.name = name
        self.seconds = seconds
        self.last = last


class EndpointFailedError(RuntimeError):
    """The endpoint's deployment failed.

    Args:
        name: the endpoint's name.
        failure: what the endpoint says of itself.
    """

    def __init__(self, name: str, failure: Failed) -> None:
        super().__init__(f"endpoint {name!r} failed: {failure.reason}")
        self.name = name
        self.failure = failure


class EndpointMissingError(LookupError):
    """The endpoint does not exist (and did not appear within the grace that a create's lag is given).

    Args:
        name: the endpoint's name.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"endpoint {name!r} does not exist, or is not visible to you")
        self.name = name


def classify(endpoint: Mapping[str, object] | None) -> Readiness:
    """Judge an endpoint by the JSON object that the workspace returns for it.

    The rules, first match wins: `config_update` IN_PROGRESS is pending; UPDATE_FAILED and UPDATE_CANCELED are
    failed, even where an older config still answers, since what was asked for is not what serves; no config at
    all is done; READY is ready; NOT_READY with a failed or aborted entity is failed; anything else is pending.

    Args:
        endpoint: the GET's JSON object, or None if the endpoint was not found.

    Returns:
        `Ready`, `Pending` or `Failed`. An object without a `state` is pending: a proxy in between may have
        dropped it, and the SDK's own waiter crashes there.
    """
    if endpoint is None:
        return Pending("not found yet", missing=True)
    state = _mapping(endpoint.get("state"))
    update = str(state.get("config_update") or "")
    ready = str(state.get("ready") or "")
    serving = _mapping(endpoint.get("config"))
    pending = _mapping(endpoint.get("pending_config"))
    entities = _entities(pending) or _entities(serving)

    if update == "IN_PROGRESS":
        return Pending(_describe(update, ready, entities))
    if update in {"UPDATE_FAILED", "UPDATE_CANCELED"}:
        return Failed(_describe(update, ready, entities))
    if update == "NOT_UPDATING" and not _entities(serving) and not pending:
        return Ready(without_config=True)
    if ready == "READY":
        return Ready(config_version=_integer(serving.get("config_version")))
    if any(_deployment(entity) in {"DEPLOYMENT_FAILED", "DEPLOYMENT_ABORTED"} for entity in entities):
        return Failed(_describe(update, ready, entities))
    return Pending(_describe(update, ready, entities))


def wait_until_ready(
    read: Callable[[], Mapping[str, object] | None],
    name: str,
    *,
    timeout: float = EXTERNAL_TIMEOUT,
    on_poll: Callable[[Readiness, float], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Ready:
    """Poll an endpoint until it is ready.

    Args:
        read: fetches the endpoint's JSON object; None stands for "not found". What it raises is passed on.
        name: the endpoint's name, for errors.
        timeout: seconds after which to give up. At least one poll is made, and the last pause is cut to fit.
        on_poll: called after each poll with what was seen and the seconds gone by.
        clock: a monotonic clock, in seconds.
        sleep: pauses for so many seconds.

    Raises:
        NotReadyInTimeError: the time ran out.
        EndpointFailedError: the deployment failed.
        EndpointMissingError: still not found when the grace for a fresh create was over.
    """
    from tenacity import Retrying  # noqa: PLC0415 - most users of `classify` never wait

    watch = _Watch(name, timeout, on_poll, clock)
    retrying = Retrying(
        wait=watch.pause, retry=watch.undecided, stop=watch.over, sleep=sleep, retry_error_callback=watch.give_up
    )
    return watch.verdict(retrying(lambda: watch.see(read())))


async def wait_until_ready_async(
    read: Callable[[], Awaitable[Mapping[str, object] | None]],
    name: str,
    *,
    timeout: float = EXTERNAL_TIMEOUT,  # noqa: ASYNC109 - the sync twin has it, and so does the command line
    on_poll: Callable[[Readiness, float], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Ready:
    """Do what `wait_until_ready` does, without blocking the event loop; same arguments, same errors."""
    from tenacity import AsyncRetrying  # noqa: PLC0415 - most users of `classify` never wait

    watch = _Watch(name, timeout, on_poll, clock)
    retrying = AsyncRetrying(
        wait=watch.pause, retry=watch.undecided, stop=watch.over, sleep=sleep, retry_error_callback=watch.give_up
    )

    async def poll() -> Readiness:
        return watch.see(await read())

    return watch.verdict(await retrying(poll))


class _Watch:
    """The schedule and the verdict that both waiters share: tenacity's hooks over one clock."""

    def __init__(
        self,
        name: str,
        timeout: float,
        on_poll: Callable[[Readiness, float], None] | None,
        clock: Callable[[], float],
    ) -> None:
        self._name = name
        self._timeout = timeout
        self._on_poll = on_poll
        self._clock = clock
        self._start = clock()

    def see(self, endpoint: Mapping[str, object] | None) -> Readiness:
        seen = classify(endpoint)
        if self._on_poll is not None:
            self._on_poll(seen, self._elapsed())
        return seen

    def undecided(self, attempt: RetryCallState) -> bool:
        outcome = attempt.outcome
        if outcome is None or outcome.failed:
            return False
        seen = outcome.result()
        return isinstance(seen, Pending) and not (seen.missing and self._elapsed() >= MISSING_GRACE)

    def pause(self, attempt: RetryCallState) -> float:
        step = min(_FIRST_PAUSE * 1.5 ** (attempt.attempt_number - 1), _LONGEST_PAUSE)
        return max(0.0, min(step, self._timeout - self._elapsed()))

    def over(self, _attempt: RetryCallState) -> bool:
        return self._elapsed() >= self._timeout

    @staticmethod
    def give_up(attempt: RetryCallState) -> Readiness:
        if attempt.outcome is None:  # pragma: no cover - tenacity stops only after an attempt
            raise AssertionError("stopped before the first poll")
        return attempt.outcome.result()  # type: ignore[no-any-return] # tenacity's future is untyped

    def verdict(self, seen: Readiness) -> Ready:
        match seen:
            case Ready():
                return seen
            case Failed():
                raise EndpointFailedError(self._name, seen)
            case Pending(missing=True):
                raise EndpointMissingError(self._name)
            case Pending():
                raise NotReadyInTimeError(self._name, self._elapsed(), seen)

    def _elapsed(self) -> float:
        return self._clock() - self._start


def _describe(update: str, ready: str, entities: Sequence[Mapping[str, object]]) -> str:
    parts = [f"config_update={update}"] if update and update != "NOT_UPDATING" else []
    if ready:
        parts.append(f"ready={ready}")
    parts.extend(filter(None, map(_entity_line, entities)))
    return ", ".join(parts) or "no state reported"


def _entity_line(entity: Mapping[str, object]) -> str:
    state = _mapping(entity.get("state"))
    deployment = str(state.get("deployment") or "")
    message = str(state.get("deployment_state_message") or "")
    if not deployment and not message:
        return ""
    name = str(entity.get("name") or "entity")
    return f"{name}: {' - '.join(filter(None, (deployment, message)))}"


def _entities(config: Mapping[str, object]) -> list[Mapping[str, object]]:
    for key in ("served_entities", "served_models"):
        listed = config.get(key)
        if isinstance(listed, Sequence) and not isinstance(listed, str) and listed:
            return [each for each in listed if isinstance(each, Mapping)]
    return []


def _deployment(entity: Mapping[str, object]) -> str:
    return str(_mapping(entity.get("state")).get("deployment") or "")


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _integer(value: object) -> int | None:
    """Read an int64 field: the API writes them as numbers or as strings."""
    try:
        return int(value) if isinstance(value, (int, str)) else None
    except ValueError:
        return None
