"""Endpoints that the configs don't name, read where they tell something about the configs' own secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.errors import NotPermittedError
from provisioning.model.destinations import sendings
from provisioning.model.endpoints import OWN_FIELDS
from provisioning.model.versions import split_version
from provisioning.model.workspace import LiveEndpoint
from provisioning.workspace.endpoints import get_endpoint, list_endpoints
from provisioning.workspace.parallel import in_parallel
from provisioning.workspace.shapes import text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from provisioning.model.workspace import Desired, LiveScope
    from provisioning.workspace.client import Connection


def read_neighbours(
    connection: Connection, desired: Desired, *, scopes: Mapping[str, LiveScope], endpoints: Mapping[str, LiveEndpoint]
) -> tuple[LiveEndpoint, ...]:
    """Read the other endpoints, if a secret that is there already is to be sent to an address that is new for it.

    Whether that is a redirection shows in who else sends the secret, and where.

    Args:
        connection: the workspace.
        desired: the configs.
        scopes: the live scopes that they name, by name without case.
        endpoints: the live endpoints that they name.
    """
    if not _sends_anew(desired, scopes, endpoints):
        return ()
    named = {each.name for each in desired.endpoints}
    others = [each for each in list_endpoints(connection) if text(each.get("name")) not in named]
    # a list leaves out most of an endpoint's config
    found = in_parallel([text(each.get("name")) for each in others], lambda name: _look(connection, name))
    return tuple(each for each in found if each)


def _sends_anew(desired: Desired, scopes: Mapping[str, LiveScope], endpoints: Mapping[str, LiveEndpoint]) -> bool:
    held = {(name, split_version(key)[0]) for name, scope in scopes.items() for key in scope.keys}
    for endpoint in desired.endpoints:
        live = endpoints.get(endpoint.name)
        before = set(sendings(dict(live.body))) if live else set()
        declared = endpoint.model_dump(mode="json", exclude_unset=True, exclude=set(OWN_FIELDS))
        if any(each.is_chosen and each.secret in held and each not in before for each in sendings(declared)):
            return True
    return False


def _look(connection: Connection, name: str) -> LiveEndpoint | None:
    try:
        body = get_endpoint(connection, name)
    except NotPermittedError:
        return None
    return LiveEndpoint(name=name, body=body) if body else None
