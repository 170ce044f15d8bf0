"""Rights on secret scopes: one level a principal. Listing them needs MANAGE."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from provisioning.model.address import acl_address, scope_address
from provisioning.workspace.shapes import objects_in, text

if TYPE_CHECKING:
    from provisioning.model.permissions import ScopeLevel
    from provisioning.workspace.client import Connection


def list_acls(connection: Connection, scope: str) -> dict[str, ScopeLevel]:
    """List who may do what in a scope.

    Raises:
        NotPermittedError: this identity has no MANAGE there.
    """
    answer = connection.call("GET", "/api/2.0/secrets/acls/list", subject=scope_address(scope), query={"scope": scope})
    items = objects_in(answer, "items")
    return {text(item.get("principal")): cast("ScopeLevel", text(item.get("permission"))) for item in items}


def put_acl(connection: Connection, scope: str, principal: str, *, level: str) -> None:
    """Give a principal exactly this level.

    Raises:
        WorkspaceError: the principal does not exist, or the level may not be given.
    """
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
