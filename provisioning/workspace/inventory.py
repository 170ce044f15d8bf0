"""Read everything that a workspace shows to this identity, whoever owns it: for export and doctor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.errors import NotFoundError, NotPermittedError
from provisioning.model.address import endpoint_address, scope_address
from provisioning.model.ownership import marker_owners
from provisioning.model.workspace import Live, LiveEndpoint, LiveScope
from provisioning.workspace.acls import visible_acls
from provisioning.workspace.endpoints import get_endpoint, list_endpoints
from provisioning.workspace.parallel import in_parallel
from provisioning.workspace.permissions import get_permissions
from provisioning.workspace.scopes import list_scopes
from provisioning.workspace.secrets import list_secrets
from provisioning.workspace.shapes import text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pydantic import JsonValue

    from provisioning.workspace.client import Connection


def read_inventory(
    connection: Connection,
    *,
    wanted: Callable[[str], bool] = lambda _address: True,
    scopes: Iterable[str] = (),
    endpoints: Iterable[str] = (),
) -> Live:
    """Read scopes with their keys and rights, and endpoints with their permissions.

    What may not be looked into is in it as invisible; rights and permissions that may not be read are None.

    Args:
        connection: the workspace.
        wanted: tells by its address whether a listed object counts; what does not is not looked into.
        scopes: the names of scopes to look for even if the list hides them.
        endpoints: likewise, of endpoints.
    """
    described: dict[str, Mapping[str, JsonValue]] = {each.lower(): {"name": each} for each in scopes}
    described |= {
        text(each.get("name")).lower(): each
        for each in list_scopes(connection)
        if wanted(scope_address(text(each.get("name"))))
    }
    names = dict.fromkeys(endpoints) | dict.fromkeys(
        text(each.get("name"))
        for each in list_endpoints(connection)
        if wanted(endpoint_address(text(each.get("name"))))
    )
    found_scopes = in_parallel(list(described.values()), lambda each: _scope(connection, each))
    found_endpoints = in_parallel(list(names), lambda name: _endpoint(connection, name))
    return Live(
        host=connection.host,
        workspace_id=connection.workspace_id,
        user=connection.user,
        scopes={each.name.lower(): each for each in found_scopes if each},
        endpoints={each.name: each for each in found_endpoints if each},
    )


def _scope(connection: Connection, listed: Mapping[str, JsonValue]) -> LiveScope | None:
    name, backend = text(listed.get("name")), text(listed.get("backend_type")) or "DATABRICKS"
    vault = listed.get("keyvault_metadata")
    try:
        keys = list_secrets(connection, name)
    except NotFoundError:
        return None  # there is none, or none any more
    except NotPermittedError:
        return LiveScope(name=name, backend_type=backend, visible=False)
    return LiveScope(
        name=name,
        backend_type=backend,
        keyvault_metadata=vault if isinstance(vault, dict) else None,
        keys=keys,
        acls=visible_acls(connection, name),
        owner_sets=marker_owners(keys),
    )


def _endpoint(connection: Connection, name: str) -> LiveEndpoint | None:
    try:
        body = get_endpoint(connection, name)
    except NotPermittedError:
        return LiveEndpoint(name=name, body={}, visible=False)
    if body is None:
        return None
    identifier = text(body.get("id")) or None
    return LiveEndpoint(
        name=name,
        id=identifier,
        body=body,
        permissions=_permissions(connection, name, identifier) if identifier else None,
    )


def _permissions(connection: Connection, name: str, identifier: str) -> tuple[Mapping[str, JsonValue], ...] | None:
    try:
        return get_permissions(connection, name, endpoint_id=identifier)
    except NotPermittedError:
        return None
