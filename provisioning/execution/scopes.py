"""What each operation on a scope, its secrets and its rights does."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from provisioning.errors import AlreadyExistsError, NotFoundError, UnreachableError, WorkspaceError
from provisioning.execution.overtaken import taken, unless_gone
from provisioning.model.ownership import marker_key
from provisioning.model.plan import Operation, Step
from provisioning.model.versions import declared_key
from provisioning.workspace import acls, scopes, secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from provisioning.execution.context import Context


def _create_scope(context: Context, step: Step) -> None:
    try:
        scopes.create_scope(context.connection, step.name, body=step.body)
    except (AlreadyExistsError, UnreachableError) as error:
        # the SDK sends a create again when the answer is lost: it may be our own that is in the way
        if not _is_our_scope(context, step.name):
            raise taken(error) from error


def _is_our_scope(context: Context, name: str) -> bool:
    try:
        keys = secrets.list_secrets(context.connection, name)
        rights = acls.list_acls(context.connection, name)
    except WorkspaceError:
        return False
    return marker_key(context.owner) in keys or (not keys and rights == {context.connection.user: "MANAGE"})


def _put_marker(context: Context, step: Step) -> None:
    puts, grants = _to_announce(context, step.name), _grants_of(step)
    writer = secrets.mark(context.connection, step.name, owner=context.owner, puts=puts, grants=grants)
    context.writers[step.name] = writer


def _put_secret(context: Context, step: Step) -> None:
    if puts := _to_announce(context, step.name):
        writer = secrets.announce(context.connection, step.name, owner=context.owner, puts=puts)
        context.writers[step.name] = writer
    put = _put_of(context, step.name, step.item or "")
    secrets.put_secret(context.connection, step.name, put.key, value=put.value)
    context.written.setdefault(step.name, []).append(put)
    context.put.setdefault(step.name, []).append(put)


def _to_announce(context: Context, scope: str) -> list[secrets.Put]:
    return [_put_of(context, scope, key) for key in context.unannounced.pop(scope, [])]


def _put_of(context: Context, scope: str, key: str) -> secrets.Put:
    declared = next(each for each in context.desired.scopes if each.name.lower() == scope.lower())
    secret = declared_key(key, declared.secrets or {})
    source = (declared.secrets or {})[secret]
    return secrets.Put(key=key, value=context.values[declared.name, secret], version=getattr(source, "version", None))


def _delete_secret(context: Context, step: Step) -> None:
    unless_gone(lambda: secrets.delete_secret(context.connection, step.name, step.item or ""))
    context.deleted.setdefault(step.name, []).append(step.item or "")


def _grants_of(step: Step) -> str | None:
    grants = step.body.get("grants")
    return grants if isinstance(grants, str) else None


def _record(context: Context, step: Step) -> None:
    # each secret's change ends with it, and the steps run in the operations' order: one record serves them all
    scope = step.name
    if written := context.written.pop(scope, []):
        context.settled[scope] = secrets.settle(
            context.connection, scope, owner=context.owner, written=written, writer=context.writers.get(scope, "")
        )
    waits = bool(context.untold.get(scope.lower()))
    settled = [] if waits else context.settled.pop(scope, [])
    deleted, grants = context.deleted.pop(scope, []), _grants_of(step)
    if settled or deleted or grants:
        secrets.record(
            context.connection,
            scope,
            owner=context.owner,
            written=settled,
            deleted=deleted,
            grants=grants,
        )


def _record_told(context: Context, step: Step) -> None:
    scope = step.item or ""
    with context.telling:
        context.untold[scope].discard(step.name)
        last = not context.untold[scope]
    if last:
        for name in [each for each in list(context.settled) if each.lower() == scope]:  # other scopes add theirs
            secrets.record(context.connection, name, owner=context.owner, written=context.settled.pop(name))


def keep_named(context: Context, scope: str) -> None:
    """See that a scope's marker names what this apply put there, now that applies at the same time have written theirs.

    What was asked for is in place: a call that fails here fails nothing.
    """
    with suppress(WorkspaceError):
        secrets.keep_named(context.connection, scope, owner=context.owner, puts=context.put[scope])


def _put_acl(context: Context, step: Step) -> None:
    level = str(step.body["level"])
    acls.put_acl(context.connection, step.name, step.item or "", level=level, sleep=context.sleep)


def _delete_acl(context: Context, step: Step) -> None:
    unless_gone(lambda: acls.delete_acl(context.connection, step.name, step.item or ""))


def _delete_scope(context: Context, step: Step) -> None:
    try:
        context.seen.hold_scope(step.name, secrets.list_secrets(context.connection, step.name))
    except NotFoundError:
        return
    unless_gone(lambda: scopes.delete_scope(context.connection, step.name))


OPERATIONS: Mapping[Operation, Callable[[Context, Step], None]] = {
    Operation.CREATE_SCOPE: _create_scope,
    Operation.PUT_MARKER: _put_marker,
    Operation.PUT_SECRET: _put_secret,
    Operation.PUT_ACL: _put_acl,
    Operation.DELETE_ACL: _delete_acl,
    Operation.DELETE_SECRET: _delete_secret,
    Operation.RECORD_GRANTS: _record,
    Operation.RECORD_SECRETS: _record,
    Operation.RECORD_TOLD: _record_told,
    Operation.DELETE_SCOPE: _delete_scope,
}

ON_WHAT_IS_THERE = frozenset(
    {
        Operation.PUT_MARKER,
        Operation.PUT_SECRET,
        Operation.PUT_ACL,
        Operation.DELETE_ACL,
        Operation.DELETE_SECRET,
    }
)
"""The first of them on a scope is preceded by another look at it. A deletion of all of it looks by itself, since what
is gone already is as it wants it."""
