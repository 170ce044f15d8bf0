"""Rights on secret scopes: one level a principal. Listing them needs MANAGE."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from provisioning.errors import NotPermittedError, WorkspaceError
from provisioning.model.address import acl_address, scope_address
from provisioning.workspace.shapes import objects_in, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioning.model.permissions import ScopeLevel
    from provisioning.workspace.client import Connection

_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)


def list_acls(connection: Connection, scope: str) -> dict[str, ScopeLevel]:
    """List who may do what in a scope.

    Raises:
        NotPermittedError: this identity has no MANAGE there.
    """
    answer = connection.call("GET", "/api/2.0/secrets/acls/list", subject=scope_address(scope), query={"scope": scope})
    items = objects_in(answer, "items")
    return {text(item.get("principal")): cast("ScopeLevel", text(item.get("permission"))) for item in items}


def visible_acls(connection: Connection, scope: str) -> dict[str, ScopeLevel] | None:
    """List who may do what in a scope; None if this identity may not."""
    try:
        return list_acls(connection, scope)
    except NotPermittedError:
        return None


def put_acl(
    connection: Connection, scope: str, principal: str, *, level: str, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Give a principal exactly this level, and see that it holds.

    Rights are eventually consistent, and a write now and then gets lost
    (terraform-provider-databricks#4195): so it is read back, and put again, for about 15 s.

    Args:
        connection: the workspace.
        scope: the scope's name.
        principal: a user's e-mail, a group's name or a service principal's application id.
        level: READ, WRITE or MANAGE.
        sleep: pauses for so many seconds.

    Raises:
        WorkspaceError: the principal does not exist, the level may not be given, or it did not hold.
    """
    for pause in (*_PAUSES, None):
        _put(connection, scope, principal, level)
        if _holds(connection, scope, principal, level):
            return
        if pause is not None:
            sleep(pause)
    raise WorkspaceError(
        f"{level} was accepted and does not hold",
        call="POST /api/2.0/secrets/acls/put",
        subject=acl_address(scope, principal),
        remedy="run again: it is safe",
    )


def _holds(connection: Connection, scope: str, principal: str, level: str) -> bool:
    try:
        rights = list_acls(connection, scope)
    except NotPermittedError:
        return True  # whoever just gave their own MANAGE away cannot look
    return any(name.lower() == principal.lower() and held == level for name, held in rights.items())


def _put(connection: Connection, scope: str, principal: str, level: str) -> None:
    connection.call(
        "POST",
        "/api/2.0/secrets/acls/put",
        subject=acl_address(scope, principal),
        body={"scope": scope, "principal": principal, "permission": level},
    )


def delete_acl(connection: Connection, scope: str, principal: str) -> None:
    """Take a principal's right on a scope away.

    Raises:
        NotFoundError: it has none.
    """
    connection.call(
        "POST",
        "/api/2.0/secrets/acls/delete",
        subject=acl_address(scope, principal),
        body={"scope": scope, "principal": principal},
    )
