"""How declared objects stand in a workspace, without a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from provisioning.model.address import endpoint_address, scope_address
from provisioning.model.ownership import is_marker
from provisioning.model.workspace import Standing
from provisioning.readiness import Failed, Pending, Ready, classify

if TYPE_CHECKING:
    from provisioning.model.workspace import Desired, Live, LiveEndpoint, LiveScope


def standings_of(desired: Desired, live: Live) -> tuple[Standing, ...]:
    """Return how each declared scope and endpoint stands, in the order of the configs."""
    return (
        *(_scope(each.name, live.scopes.get(each.name.lower())) for each in desired.scopes),
        *(_endpoint(each.name, live.endpoints.get(each.name)) for each in desired.endpoints),
    )


def _scope(name: str, live: LiveScope | None) -> Standing:
    address = scope_address(name)
    if live is None:
        return Standing(address=address, state="ABSENT", detail="")
    if not live.visible:
        return Standing(
            address=address, state="NOT VISIBLE", detail="it exists, and this identity may not look into it"
        )
    keys = [key for key in live.keys if not is_marker(key)]
    owned = f", owned by set {', '.join(live.owner_sets)}" if live.owner_sets else ", owned by no set"
    return Standing(
        address=address, state="PRESENT", detail=f"{len(keys)} {'key' if len(keys) == 1 else 'keys'}{owned}"
    )


def _endpoint(name: str, live: LiveEndpoint | None) -> Standing:
    address = endpoint_address(name)
    if live is None:
        return Standing(address=address, state="ABSENT", detail="")
    if not live.visible:
        return Standing(address=address, state="NOT VISIBLE", detail="it exists, and this identity may not look at it")
    match classify(live.body):
        case Ready(without_config=True):
            return Standing(address=address, state="NO CONFIG", detail="it serves nothing, so calls to it fail")
        case Ready(config_version=version):
            detail = ", ".join(filter(None, (f"config {version}" if version else "", _traffic(live.body))))
            return Standing(address=address, state="READY", detail=detail)
        case Pending(reason=reason):
            return Standing(address=address, state="PENDING", detail=reason)
        case Failed(reason=reason):
            return Standing(address=address, state="FAILED", detail=reason)


def _traffic(body: Mapping[str, object]) -> str:
    config = body.get("config")
    traffic = config.get("traffic_config") if isinstance(config, Mapping) else None
    routes = traffic.get("routes") if isinstance(traffic, Mapping) else None
    shares = [
        f"{each.get('served_entity_name') or each.get('served_model_name')} {each.get('traffic_percentage')} %"
        for each in (routes if isinstance(routes, list) else [])
        if isinstance(each, Mapping)
    ]
    return ", ".join(shares)
