"""Read what a plan needs of a workspace, and no more: the answers become a `Live`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, ParamSpec

from pydantic import JsonValue, SecretStr

from provisioning.errors import NotFoundError, NotPermittedError
from provisioning.model.ownership import SET_TAG, marker_key, marker_owners
from provisioning.model.references import secrets_used
from provisioning.model.versions import current_keys
from provisioning.model.workspace import Desired, Live, LiveEndpoint, LiveScope, Verdict
from provisioning.workspace.acls import visible_acls
from provisioning.workspace.endpoints import get_endpoint, list_endpoints
from provisioning.workspace.marker import Marker, judge
from provisioning.workspace.neighbours import read_neighbours
from provisioning.workspace.parallel import in_parallel, readers, see_through
from provisioning.workspace.permissions import get_permissions
from provisioning.workspace.scopes import list_scopes
from provisioning.workspace.secrets import holds, list_secrets, read_marker
from provisioning.workspace.shapes import tags_of, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from provisioning.model.endpoints import ModelServingEndpoint
    from provisioning.model.scopes import SecretScope
    from provisioning.workspace.client import Connection

P = ParamSpec("P")

SecretValues = Mapping[tuple[str, str], SecretStr]
"""What the sources hold, by scope and key; a source that was not read, or holds nothing, is not in it."""


def read_live(
    connection: Connection,
    desired: Desired,
    *,
    owner: str,
    values: SecretValues,
    owned_too: bool = False,
    compare_values: bool = False,
) -> Live:
    """Read the scopes and endpoints that the configs name.

    Each is read by its name: what a filtered list hides would otherwise pass for missing.

    Args:
        connection: the workspace.
        desired: the configs.
        owner: the set's id.
        values: what the sources hold, to judge the live values by.
        owned_too: whether to look for everything else that the set owns as well, which takes a list of all
            endpoints and a look at each scope's keys.
        compare_values: whether to fetch the live values and to compare those, where this identity may read them.
    """
    declared = {scope.name.lower() for scope in desired.scopes}
    used = {use.secret.scope for endpoint in desired.endpoints for use in secrets_used(endpoint)}
    strangers = sorted(each for each in used if each.lower() not in declared)
    read_scope = partial(_read_scope, connection, owner=owner, values=values, compare_values=compare_values)
    with readers() as pool:
        # no endpoint has to wait for what the scopes are called
        listing = pool.submit(_scopes_by_name, connection) if desired.scopes or strangers else None
        endpoints = [pool.submit(_read_endpoint, connection, each) for each in desired.endpoints]
        listed = listing.result() if listing else {}
        scopes = [pool.submit(_if_there, read_scope, each, listed.get(each.name.lower())) for each in desired.scopes]
        referenced = [
            pool.submit(_if_there, _read_referenced, connection, each, listed.get(each.lower())) for each in strangers
        ]
        see_through([*scopes, *endpoints, *referenced])
    found_scopes = {scope.name.lower(): scope for each in scopes if (scope := each.result())}
    found_endpoints = {endpoint.name: endpoint for each in endpoints if (endpoint := each.result())}
    found_strangers = {scope.name.lower(): scope for each in referenced if (scope := each.result())}
    neighbours = read_neighbours(
        connection, desired, scopes={**found_strangers, **found_scopes}, endpoints=found_endpoints
    )
    if owned_too:
        found_scopes |= {each.name.lower(): each for each in _owned_scopes(connection, owner, but=declared)}
        found_endpoints |= {
            each.name: each
            for each in _owned_endpoints(connection, owner, but={each.name for each in desired.endpoints})
        }
    return Live(
        host=connection.host,
        workspace_id=connection.workspace_id,
        user=connection.user,
        taken_on=datetime.now(UTC).date(),
        scopes=found_scopes,
        endpoints=found_endpoints,
        referenced=found_strangers,
        neighbours=neighbours,
        scope_names=tuple(text(each.get("name")) for each in listed.values()) if strangers else (),
    )


def _scopes_by_name(connection: Connection) -> dict[str, Mapping[str, JsonValue]]:
    return {text(each.get("name")).lower(): each for each in list_scopes(connection)}


def _read_referenced(connection: Connection, name: str, listed: Mapping[str, JsonValue] | None) -> LiveScope:
    """Read the keys of a scope that an endpoint refers to: which secrets are there, and may they be used."""
    spelled = text(listed.get("name")) if listed else name
    try:
        return LiveScope(name=spelled, keys=list_secrets(connection, spelled))
    except NotPermittedError:
        return LiveScope(name=spelled, visible=False)


def _if_there(read: Callable[P, LiveScope], *args: P.args, **kwargs: P.kwargs) -> LiveScope | None:
    """Read a scope; None if there is none, also if it is deleted between one call and the next."""
    try:
        return read(*args, **kwargs)
    except NotFoundError:
        return None


def _read_scope(
    connection: Connection,
    scope: SecretScope,
    listed: Mapping[str, JsonValue] | None,
    *,
    owner: str,
    values: SecretValues,
    compare_values: bool,
) -> LiveScope:
    name = text(listed.get("name")) if listed else scope.name
    backend = text(listed.get("backend_type")) if listed else ""
    try:
        keys = list_secrets(connection, name)
    except NotPermittedError:
        return LiveScope(name=name, backend_type=backend or scope.backend, visible=False)
    owners = marker_owners(keys)
    marker = read_marker(connection, name, owner=owner) if owner in owners else Marker()
    # a scope that carries no marker of ours has no records, which is not the same as records we may not read
    recorded = frozenset((*marker.records, *marker.announced)) if marker else None
    current = current_keys(scope, keys=keys, recorded=recorded)
    verdicts = {
        key: judge(
            marker,
            at,
            value=values.get((scope.name, key)),
            version=getattr((scope.secrets or {})[key], "version", None),
            timestamp=keys.get(at),
        )
        for key, at in current.items()
    }
    if compare_values:
        held = {key: (at, values.get((scope.name, key))) for key, at in current.items() if at in keys}
        verdicts |= _compared(connection, name, held)
    # without keys, the rights tell whether it is what an interrupted create of ours left behind
    rights_matter = scope.permissions is not None or not keys
    return LiveScope(
        name=name,
        backend_type=backend or scope.backend,
        keyvault_metadata=_metadata(listed),
        keys=keys,
        acls=visible_acls(connection, name) if rights_matter else None,
        owner_sets=owners,
        verdicts=verdicts,
        recorded=recorded,
        completed=bool(marker and marker.records),
        grants=marker.grants if marker else None,
    )


def _metadata(listed: Mapping[str, JsonValue] | None) -> dict[str, JsonValue] | None:
    found = listed.get("keyvault_metadata") if listed else None
    return found if isinstance(found, dict) else None


def _compared(
    connection: Connection, scope: str, held: Mapping[str, tuple[str, SecretStr | None]]
) -> dict[str, Verdict]:
    """Judge by the values themselves; what may not be read is left to the marker."""
    wanted = [(key, at, value) for key, (at, value) in held.items() if value is not None]
    found = in_parallel(wanted, lambda each: holds(connection, scope, each[1], value=each[2]))
    return {
        key: Verdict.SAME if same else Verdict.DIFFERS
        for (key, _, _), same in zip(wanted, found, strict=True)
        if same is not None
    }


def _read_endpoint(connection: Connection, endpoint: ModelServingEndpoint) -> LiveEndpoint | None:
    try:
        body = get_endpoint(connection, endpoint.name)
    except NotPermittedError:
        return LiveEndpoint(name=endpoint.name, body={}, visible=False)
    if body is None:
        return None
    live = _live_endpoint(body)
    if endpoint.permissions is None or live.id is None:
        return live
    try:
        granted = get_permissions(connection, endpoint.name, endpoint_id=live.id)
    except NotPermittedError:
        return live
    return live.model_copy(update={"permissions": granted})


def _live_endpoint(body: Mapping[str, JsonValue]) -> LiveEndpoint:
    return LiveEndpoint(name=text(body.get("name")), id=text(body.get("id")) or None, body=body)


def _owned_endpoints(connection: Connection, owner: str, *, but: set[str]) -> list[LiveEndpoint]:
    listed = [_live_endpoint(body) for body in list_endpoints(connection)]
    return [each for each in listed if each.name not in but and tags_of(each.body).get(SET_TAG) == owner]


def _owned_scopes(connection: Connection, owner: str, *, but: set[str]) -> list[LiveScope]:
    candidates = [
        text(each.get("name"))
        for each in list_scopes(connection)
        if text(each.get("name")).lower() not in but and each.get("backend_type") != "AZURE_KEYVAULT"
    ]

    def look(name: str) -> LiveScope | None:
        try:
            keys = list_secrets(connection, name)
        except (NotFoundError, NotPermittedError):
            return None
        return LiveScope(name=name, keys=keys, owner_sets=marker_owners(keys)) if marker_key(owner) in keys else None

    return [each for each in in_parallel(candidates, look) if each]
