"""/api/2.0/serving-endpoints: endpoints, their configs and what is set on them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from local_workspace.call import Call, route
from local_workspace.errors import invalid
from local_workspace.handlers import schemas
from local_workspace.resources import endpoint_changes, own_route

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_workspace.resources.endpoint_record import Endpoint


def create(call: Call) -> Mapping[str, Any]:
    """Create an endpoint."""
    return _deploying(call, call.workspace.endpoints.create(call.body, identity=call.identity))


def create_provisioned(call: Call) -> Mapping[str, Any]:
    """Create an endpoint with provisioned throughput."""
    return _shown(call, call.workspace.endpoints.create(call.body, identity=call.identity, provisioned=True))


def list_all(call: Call) -> Mapping[str, Any]:
    """List the endpoints that the caller may see."""
    endpoints = call.workspace.endpoints.list(identity=call.identity)
    return {"endpoints": endpoints} if endpoints else {}


def list_foundation(call: Call) -> Mapping[str, Any]:
    """List the pay-per-token endpoints."""
    endpoints = call.workspace.endpoints.list(identity=call.identity)
    return {"endpoints": [each for each in endpoints if each.get("endpoint_type") == "FOUNDATION_MODEL_API"]}


def get(call: Call) -> Mapping[str, Any]:
    """Return an endpoint in full."""
    return _shown(call, call.workspace.endpoints.get(call.path["name"], identity=call.identity))


def delete(call: Call) -> Mapping[str, Any]:
    """Delete an endpoint."""
    call.workspace.endpoints.delete(call.path["name"], identity=call.identity)
    return {}


def update_config(call: Call) -> Mapping[str, Any]:
    """Begin to deploy a new config."""
    endpoints = call.workspace.endpoints
    return _deploying(call, endpoints.update_config(call.path["name"], call.body, identity=call.identity))


def update_provisioned(call: Call) -> Mapping[str, Any]:
    """Begin to deploy a new config with provisioned throughput."""
    config = call.body.get("config") or {}
    if not isinstance(config, dict):
        raise invalid("config must be an object.")
    endpoints = call.workspace.endpoints
    return _shown(call, endpoints.update_config(call.path["name"], config, identity=call.identity, provisioned=True))


def put_ai_gateway(call: Call) -> Mapping[str, Any]:
    """Replace the AI gateway."""
    return _change(call, endpoint_changes.with_ai_gateway).ai_gateway or {}


def patch_tags(call: Call) -> Mapping[str, Any]:
    """Add and delete tags."""
    with_tags = partial(endpoint_changes.with_tags, behaviour=call.workspace.settings.behaviour)
    tags = _change(call, with_tags).tags
    return {"tags": [{"key": key, "value": value} for key, value in sorted(tags.items())]}


def patch_notifications(call: Call) -> Mapping[str, Any]:
    """Replace the e-mail notifications."""
    endpoint = _change(call, endpoint_changes.with_notifications)
    return {"name": endpoint.name, "email_notifications": endpoint.email_notifications}


def put_rate_limits(call: Call) -> Mapping[str, Any]:
    """Replace the deprecated top-level rate limits."""
    return {"rate_limits": _change(call, endpoint_changes.with_rate_limits).rate_limits}


def patch_telemetry(call: Call) -> Mapping[str, Any]:
    """Replace the telemetry config."""
    endpoint = _change(call, partial(endpoint_changes.with_telemetry, now_ms=call.workspace.clock.now_ms()))
    return _shown(call, call.workspace.endpoints.view(endpoint, identity=call.identity))


def _deploying(call: Call, view: Mapping[str, Any]) -> Mapping[str, Any]:
    call.custom_models.deploy(call.workspace, view["name"])
    return _shown(call, view)


def _shown(call: Call, view: Mapping[str, Any]) -> Mapping[str, Any]:
    is_route_optimized = view.get("route_optimized")
    return own_route.shown(view, base_url=call.base_url, workspace=call.workspace.id) if is_route_optimized else view


def _change(call: Call, change: Callable[[Endpoint, Mapping[str, Any]], Endpoint]) -> Endpoint:
    return call.workspace.endpoints.change(
        call.path["name"], lambda endpoint: change(endpoint, call.body), identity=call.identity
    )


_ENDPOINTS = "/api/2.0/serving-endpoints"

_TAGS = schemas.record(add_tags=schemas.several(schemas.TAG), delete_tags=schemas.several(schemas.TEXT))
_LIMITS = schemas.record(rate_limits=schemas.several(schemas.RATE_LIMIT))

routes = [
    route("GET", f"{_ENDPOINTS}:foundation-models", list_foundation),
    route("GET", _ENDPOINTS, list_all),
    route("POST", _ENDPOINTS, create, takes=schemas.ENDPOINT),
    route("POST", f"{_ENDPOINTS}/pt", create_provisioned, takes=schemas.ENDPOINT),
    route(
        "PUT",
        f"{_ENDPOINTS}/pt/{{name}}/config",
        update_provisioned,
        takes=schemas.record(("config",), config=schemas.CONFIG),
    ),
    route("GET", f"{_ENDPOINTS}/{{name}}", get),
    route("DELETE", f"{_ENDPOINTS}/{{name}}", delete),
    route("PUT", f"{_ENDPOINTS}/{{name}}/config", update_config, takes=schemas.CONFIG),
    route("PUT", f"{_ENDPOINTS}/{{name}}/ai-gateway", put_ai_gateway, takes=schemas.AI_GATEWAY),
    route("PATCH", f"{_ENDPOINTS}/{{name}}/tags", patch_tags, takes=_TAGS),
    route(
        "PATCH",
        f"{_ENDPOINTS}/{{name}}/notifications",
        patch_notifications,
        takes=schemas.record(email_notifications=schemas.MAILS),
    ),
    route("PUT", f"{_ENDPOINTS}/{{name}}/rate-limits", put_rate_limits, takes=_LIMITS),
    route(
        "PATCH",
        f"{_ENDPOINTS}/{{name}}/telemetry-config",
        patch_telemetry,
        takes=schemas.record(telemetry_config=schemas.TELEMETRY),
    ),
]
