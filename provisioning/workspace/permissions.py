"""Permissions on serving endpoints, which go by the endpoint's id, not its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.model.address import permissions_address
from provisioning.workspace.client import Connection, segment
from provisioning.workspace.shapes import objects_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

_ROUTE = "/api/2.0/permissions/serving-endpoints"


def get_permissions(connection: Connection, name: str, *, endpoint_id: str) -> tuple[Mapping[str, JsonValue], ...]:
    """Read an endpoint's access control list, inherited entries included.

    Raises:
        NotPermittedError: this identity may not see it.
    """
    answer = connection.call("GET", f"{_ROUTE}/{segment(endpoint_id)}", subject=permissions_address(name))
    return tuple(objects_in(answer, "access_control_list"))


def put_permissions(connection: Connection, name: str, *, endpoint_id: str, body: Mapping[str, JsonValue]) -> None:
    """Replace all direct grants; inherited ones stay."""
    connection.call("PUT", f"{_ROUTE}/{segment(endpoint_id)}", subject=permissions_address(name), body=body)
