"""What each operation on an endpoint does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from pydantic import JsonValue

from provisioning.errors import AlreadyExistsError, BusyError, UnreachableError, WorkspaceError
from provisioning.execution.overtaken import taken, unless_gone
from provisioning.model.address import endpoint_address
from provisioning.model.ownership import HASH_TAG, SET_TAG
from provisioning.model.plan import Operation, Step
from provisioning.readiness import EndpointFailedError, NotReadyInTimeError, Ready, classify
from provisioning.workspace import endpoints, permissions
from provisioning.workspace.shapes import tags_of

if TYPE_CHECKING:
    from provisioning.execution.context import Context

Body: TypeAlias = Mapping[str, JsonValue]

_BUSY_TRIES = 3


def _create_endpoint(context: Context, step: Step) -> None:
    body = _with_plaintext(context, step)
    context.pace()
    try:
        created: Body | None = endpoints.create_endpoint(context.connection, step.name, body=body)
    except (AlreadyExistsError, UnreachableError) as error:
        created = endpoints.get_endpoint(context.connection, step.name)
        if created is None or not _carries_tags_of(created, step.body):
            raise taken(error, by_us=tags_of(created or {}).get(SET_TAG) == context.owner) from error
    context.seen.created(step.name, created or {})


def _carries_tags_of(live: Body, sent: Body) -> bool:
    """Tell whether an endpoint is the one that a lost create made: same set, same configs."""
    found, meant = tags_of(live), tags_of(sent)
    return all(found.get(key) == meant.get(key) for key in (SET_TAG, HASH_TAG))


def _update_config(context: Context, step: Step) -> None:
    body = _with_plaintext(context, step)
    _when_idle(context, step, lambda: context.put_config(step.name, body))


def _update_ai_gateway(context: Context, step: Step) -> None:
    _when_idle(context, step, lambda: endpoints.update_ai_gateway(context.connection, step.name, body=step.body))


def _update_rate_limits(context: Context, step: Step) -> None:
    _when_idle(context, step, lambda: endpoints.update_rate_limits(context.connection, step.name, body=step.body))


def _update_notifications(context: Context, step: Step) -> None:
    context.pace()
    endpoints.update_notifications(context.connection, step.name, body=step.body)


def _update_telemetry(context: Context, step: Step) -> None:
    _when_idle(context, step, lambda: endpoints.update_telemetry(context.connection, step.name, body=step.body))


def _update_tags(context: Context, step: Step) -> None:
    context.pace()
    finishes = hash_in(step) is not None
    if finishes:  # with it an apply vouches for all of the endpoint: no other one may have come between, or come now
        context.seen.look(context.connection, step.name)
    endpoints.update_tags(context.connection, step.name, body=step.body)
    if finishes:
        context.seen.look(context.connection, step.name)


def hash_in(step: Step) -> str | None:
    """Return the hash of the configs that a step writes; None if it writes none."""
    return tags_of(step.body, field="tags" if step.operation is Operation.CREATE_ENDPOINT else "add_tags").get(HASH_TAG)


def _update_permissions(context: Context, step: Step) -> None:
    endpoint_id = context.seen.endpoint_id(step.name)
    if not endpoint_id:
        raise WorkspaceError(
            "the workspace did not say the endpoint's id, and permissions go by it",
            call="PUT /api/2.0/permissions/serving-endpoints/{id}",
            subject=endpoint_address(step.name),
            remedy="run again: it is safe",
        )
    permissions.put_permissions(context.connection, step.name, endpoint_id=endpoint_id, body=step.body)


def _require_ready(context: Context, step: Step) -> None:
    """See that an endpoint is ready, before what it takes the place of is deleted."""
    if not isinstance(classify(endpoints.get_endpoint(context.connection, step.name)), Ready):
        raise WorkspaceError(
            "it is not ready, so the endpoint that it takes the place of stays",
            call="GET /api/2.0/serving-endpoints/{name}",
            subject=endpoint_address(step.name),
            remedy="run again when it is: it is safe",
        )


def _delete_endpoint(context: Context, step: Step) -> None:
    body = endpoints.get_endpoint(context.connection, step.name)
    if body is not None:
        context.seen.hold(step.name, body)
        unless_gone(lambda: endpoints.delete_endpoint(context.connection, step.name))


def _when_idle(context: Context, step: Step, call: Callable[[], None]) -> None:
    """Make a call that is refused while another config update runs: wait for that one, then call again."""
    for _ in range(_BUSY_TRIES - 1):
        context.pace()
        try:
            call()
        except BusyError as error:
            _wait_for_others(context, step.name, error)
        else:
            return
    context.pace()
    call()


def _wait_for_others(context: Context, name: str, busy: BusyError) -> None:
    try:
        context.wait_ready(name)
    except EndpointFailedError:
        return  # it is over, which is all that matters here
    except NotReadyInTimeError as error:
        raise busy.restated(
            f"another config update was still running after {error.seconds:.0f} s ({error.last.reason})",
            remedy="wait until it is over, then run again; --timeout gives it longer",
        ) from error


def _with_plaintext(context: Context, step: Step) -> dict[str, JsonValue]:
    """Return the step's body with the credentials that the configs give in the clear: a plan holds them masked."""
    endpoint = context.endpoint(step.name)
    revealed = endpoint.body() if endpoint else {}
    source = revealed if step.operation is Operation.CREATE_ENDPOINT else revealed.get("config")
    filled = _revealed(dict(step.body), source)
    return filled if isinstance(filled, dict) else dict(step.body)


def _revealed(masked: JsonValue, source: JsonValue) -> JsonValue:
    if isinstance(masked, dict) and isinstance(source, dict):
        return {
            name: source[name] if name.endswith("_plaintext") and name in source else _revealed(value, source.get(name))
            for name, value in masked.items()
        }
    if isinstance(masked, list) and isinstance(source, list):
        return [_revealed(*pair) for pair in zip(masked, source, strict=False)] + masked[len(source) :]
    return masked


OPERATIONS: Mapping[Operation, Callable[[Context, Step], None]] = {
    Operation.REQUIRE_READY: _require_ready,
    Operation.DELETE_ENDPOINT: _delete_endpoint,
    Operation.CREATE_ENDPOINT: _create_endpoint,
    Operation.UPDATE_CONFIG: _update_config,
    Operation.UPDATE_AI_GATEWAY: _update_ai_gateway,
    Operation.UPDATE_RATE_LIMITS: _update_rate_limits,
    Operation.UPDATE_NOTIFICATIONS: _update_notifications,
    Operation.UPDATE_PERMISSIONS: _update_permissions,
    Operation.UPDATE_TELEMETRY: _update_telemetry,
    Operation.UPDATE_TAGS: _update_tags,
}
"""WAIT_READY is missing: it is no call, and the executor waits by itself."""

ON_WHAT_IS_THERE = frozenset(
    {
        Operation.UPDATE_CONFIG,
        Operation.UPDATE_AI_GATEWAY,
        Operation.UPDATE_RATE_LIMITS,
        Operation.UPDATE_NOTIFICATIONS,
        Operation.UPDATE_PERMISSIONS,
        Operation.UPDATE_TELEMETRY,
        Operation.UPDATE_TAGS,
    }
)
"""The first of them on an endpoint is preceded by another look at it. Deleting it looks by itself, since what is gone
already is as it wants it."""
