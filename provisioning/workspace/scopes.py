"""Secret scopes: list, create, delete. There is no route to get or to change one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.model.address import scope_address
from provisioning.workspace.shapes import objects_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from provisioning.workspace.client import Connection


def list_scopes(connection: Connection) -> list[Mapping[str, JsonValue]]:
    """List the scopes that this identity may see, as the API describes them."""
    answer = connection.call("GET", "/api/2.0/secrets/scopes/list", subject="secret_scopes")
    return objects_in(answer, "scopes")


def create_scope(connection: Connection, name: str, *, body: Mapping[str, JsonValue]) -> None:
    """Create a scope; its creator gets MANAGE.

    Args:
        connection: the workspace.
        name: the scope's name.
        body: the backend, where it is not the workspace's own.

    Raises:
        AlreadyExistsError: the name is taken, in whichever case.
    """
    connection.call("POST", "/api/2.0/secrets/scopes/create", subject=scope_address(name), body={"scope": name, **body})


def delete_scope(connection: Connection, name: str) -> None:
    """Delete a scope, and with it all its secrets and rights.

    Raises:
        NotFoundError: there is none.
    """
    connection.call("POST", "/api/2.0/secrets/scopes/delete", subject=scope_address(name), body={"scope": name})
