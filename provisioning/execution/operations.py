"""What each operation does: one function for each, in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from pydantic import JsonValue

from provisioning.errors import AlreadyExistsError, BusyError, NotFoundError, UnreachableError, WorkspaceError
from provisioning.model.address import endpoint_address
from provisioning.model.ownership import HASH_TAG, SET_TAG, marker_key
from provisioning.model.plan import Operation, Step
from provisioning.model.versions import declared_key
from provisioning.readiness import EndpointFailedError, NotReadyInTimeError, Ready, classify
from provisioning.workspace import acls, endpoints, permissions, scopes, secrets
from provisioning.workspace.marker import Marker

if TYPE_CHECKING:
    from provisioning.execution.context import Context

Body: TypeAlias = Mapping[str, JsonValue]

_BUSY_TRIES = 3


def carry_out(context: Context, step: Step) -> None:
    """Carry a step out.

    Raises:
        ChangedSincePlanError: the object is not the one that the plan saw; it was not written to.
        WorkspaceError: or one of its kinds, if a call failed.
    """
    if step.operation in _ON_ENDPOINTS:
        context.seen.look_again(context.connection, step.name)
    if step.operation in _ON_SCOPES:
        context.seen.look_again_at_scope(context.connection, step.name)
    try:
        _OPERATIONS[step.operation](context, step)
    except NotFoundError:
        # of the object itself, or of a principal or a secret that the step names
        if step.operation in _ON_ENDPOINTS:
            context.seen.require_endpoint(context.connection, step.name)
        if step.operation in _ON_SCOPES | {Operation.RECORD_SECRETS, Operation.RECORD_GRANTS}:
            context.seen.require_scope(context.connection, step.name)
        if step.operation is Operation.RECORD_TOLD:
            context.seen.require_scope(context.connection, step.item or "")
        raise


def _create_scope(context: Context, step: Step) -> None:
    try:
        scopes.create_scope(context.connection, step.name, body=step.body)
    except (AlreadyExistsError, UnreachableError) as error:
        # the SDK sends a create again when the answer is lost: it may be our own that is in the way
        if not _is_our_scope(context, step.name):
            raise _taken(error) from error


def _is_our_scope(context: Context, name: str) -> bool:
    try:
        keys = secrets.list_secrets(context.connection, name)
        rights = acls.list_acls(context.connection, name)
    except WorkspaceError:
        return False
    return marker_key(context.owner) in keys or (not keys and rights == {context.connection.user: "MANAGE"})


def _put_marker(context: Context, step: Step) -> None:
    marker = secrets.announcing(Marker(grants=_grants_of(step)), _to_announce(context, step.name))
    secrets.put_marker(context.connection, step.name, owner=context.owner, marker=marker)


def _put_secret(context: Context, step: Step) -> None:
    if puts := _to_announce(context, step.name):
        secrets.announce(context.connection, step.name, owner=context.owner, puts=puts)
    put = _put_of(context, step.name, step.item or "")
    secrets.put_secret(context.connection, step.name, put.key, value=put.value)
    context.written.setdefault(step.name, []).append(put)


def _to_announce(context: Context, scope: str) -> list[secrets.Put]:
    return [_put_of(context, scope, key) for key in context.unannounced.pop(scope, [])]


def _put_of(context: Context, scope: str, key: str) -> secrets.Put:
    declared = next(each for each in context.desired.scopes if each.name.lower() == scope.lower())
    secret = declared_key(key, declared.secrets or {})
    source = (declared.secrets or {})[secret]
    return secrets.Put(key=key, value=context.values[declared.name, secret], version=getattr(source, "version", None))


def _delete_secret(context: Context, step: Step) -> None:
    _ignoring_missing(lambda: secrets.delete_secret(context.connection, step.name, step.item or ""))
    context.deleted.setdefault(step.name, []).append(step.item or "")


def _grants_of(step: Step) -> str | None:
    grants = step.body.get("grants")
    return grants if isinstance(grants, str) else None


def _record(context: Context, step: Step) -> None:
    # each secret's change ends with it, and the steps run in the operations' order: one record serves them all
    scope = step.name
    if written := context.written.pop(scope, []):
        context.settled[scope] = secrets.settle(context.connection, scope, owner=context.owner, written=written)
    waits = bool(context.untold.get(scope.lower()))
    settled = [] if waits else context.settled.pop(scope, [])
    deleted, grants = context.deleted.pop(scope, []), _grants_of(step)
    if settled or deleted or grants:
        secrets.record(context.connection, scope, owner=context.owner, written=settled, deleted=deleted, grants=grants)


def _record_told(context: Context, step: Step) -> None:
    scope = step.item or ""
    with context.telling:
        context.untold[scope].discard(step.name)
        last = not context.untold[scope]
    if last:
        for name in [each for each in list(context.settled) if each.lower() == scope]:  # other scopes add theirs
            settled = context.settled.pop(name)
            secrets.record(context.connection, name, owner=context.owner, written=settled)


def _put_acl(context: Context, step: Step) -> None:
    level = str(step.body["level"])
    acls.put_acl(context.connection, step.name, step.item or "", level=level, sleep=context.sleep)


def _delete_acl(context: Context, step: Step) -> None:
    _ignoring_missing(lambda: acls.delete_acl(context.connection, step.name, step.item or ""))


def _delete_scope(context: Context, step: Step) -> None:
    try:
        context.seen.hold_scope(step.name, secrets.list_secrets(context.connection, step.name))
    except NotFoundError:
        return
    _ignoring_missing(lambda: scopes.delete_scope(context.connection, step.name))


def _create_endpoint(context: Context, step: Step) -> None:
    body = _with_plaintext(context, step)
    context.pace()
    try:
        created: Body | None = endpoints.create_endpoint(context.connection, step.name, body=body)
    except (AlreadyExistsError, UnreachableError) as error:
        created = endpoints.get_endpoint(context.connection, step.name)
        if created is None or not _carries_tags_of(created, step.body):
            raise _taken(error, by_us=_owner_of(created) == context.owner) from error
    context.seen.created(step.name, created or {})


def _carries_tags_of(live: Body, sent: Body) -> bool:
    """Tell whether an endpoint is the one that a lost create made: same set, same configs."""
    marks = [
        {str(tag["key"]): tag.get("value") for tag in body.get("tags") or [] if isinstance(tag, dict)}  # type: ignore[union-attr] # a list of objects, as sent and as returned
        for body in (live, sent)
    ]
    return all(marks[0].get(key) == marks[1].get(key) for key in (SET_TAG, HASH_TAG))


def _owner_of(live: Body | None) -> object:
    tags = (live or {}).get("tags")
    listed = tags if isinstance(tags, list) else []
    return next((tag["value"] for tag in listed if isinstance(tag, dict) and tag.get("key") == SET_TAG), None)


def _taken(error: WorkspaceError, *, by_us: bool = False) -> WorkspaceError:
    if isinstance(error, UnreachableError):
        return error
    who = "another apply of these configs, in another version" if by_us else "something that is not ours"
    return error.restated(
        f"the name was taken since the plan was made, by {who}",
        remedy="plan again: it shows what is there now",
    )


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
    endpoints.update_tags(context.connection, step.name, body=step.body)


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
        _ignoring_missing(lambda: endpoints.delete_endpoint(context.connection, step.name))


def _ignoring_missing(call: Callable[[], None]) -> None:
    """Make a call that deletes: what is gone already, by us or by others, is as it should be."""
    try:
        call()
    except NotFoundError:
        return


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


_OPERATIONS: Mapping[Operation, Callable[[Context, Step], None]] = {
    Operation.CREATE_SCOPE: _create_scope,
    Operation.PUT_MARKER: _put_marker,
    Operation.PUT_SECRET: _put_secret,
    Operation.PUT_ACL: _put_acl,
    Operation.DELETE_ACL: _delete_acl,
    Operation.DELETE_SECRET: _delete_secret,
    Operation.RECORD_GRANTS: _record,
    Operation.RECORD_SECRETS: _record,
    Operation.DELETE_SCOPE: _delete_scope,
    Operation.REQUIRE_READY: _require_ready,
    Operation.DELETE_ENDPOINT: _delete_endpoint,
    Operation.CREATE_ENDPOINT: _create_endpoint,
    Operation.UPDATE_CONFIG: _update_config,
    Operation.RECORD_TOLD: _record_told,
    Operation.UPDATE_AI_GATEWAY: _update_ai_gateway,
    Operation.UPDATE_RATE_LIMITS: _update_rate_limits,
    Operation.UPDATE_NOTIFICATIONS: _update_notifications,
    Operation.UPDATE_PERMISSIONS: _update_permissions,
    Operation.UPDATE_TELEMETRY: _update_telemetry,
    Operation.UPDATE_TAGS: _update_tags,
}
"""WAIT_READY is missing: it is no call, and the executor waits by itself."""

_ON_ENDPOINTS = frozenset(
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
_ON_SCOPES = frozenset(
    {
        Operation.PUT_MARKER,
        Operation.PUT_SECRET,
        Operation.PUT_ACL,
        Operation.DELETE_ACL,
        Operation.DELETE_SECRET,
    }
)
"""Operations on what is there already: the first of them on an object is preceded by another look at it. Deletions of
whole objects look by themselves, since what is gone already is as they want it."""
