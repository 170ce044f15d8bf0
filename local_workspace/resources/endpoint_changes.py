"""Changes to an endpoint that start no config update: tags, AI gateway, notifications, limits, telemetry.

Each function takes the stored endpoint and a request's body and returns the endpoint to store.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from local_workspace.errors import conflict, invalid, missing
from local_workspace.lifecycle import Update
from local_workspace.resources import ai_gateway, endpoint_configs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_workspace.resources.endpoint_record import Endpoint
    from local_workspace.settings import Behaviour


def tags_of(listed: object) -> dict[str, str]:
    """Read a list of `{"key", "value"}`."""
    if not isinstance(listed, list):
        raise invalid("tags must be a list of objects with key and value.")
    tags = {}
    for each in listed:
        if not isinstance(each, dict) or not isinstance(each.get("key"), str) or not each["key"]:
            raise invalid("Each tag needs a key.")
        tags[each["key"]] = str(each.get("value") or "")
    return tags


def with_tags(endpoint: Endpoint, body: Mapping[str, Any], *, behaviour: Behaviour) -> Endpoint:
    """Add and delete tags; whether deleting one that is not there is an error is a switch."""
    _refuse_foundation(endpoint, "tags")
    gone = body.get("delete_tags") or []
    if not isinstance(gone, list) or not all(isinstance(each, str) for each in gone):
        raise invalid("delete_tags must be a list of keys.")
    strange = [key for key in gone if key not in endpoint.tags]
    if strange and behaviour.missing_tag == "refuse":
        raise missing(f"Endpoint {endpoint.name} has no tag {', '.join(strange)}.", request_info=True)
    kept = {key: value for key, value in endpoint.tags.items() if key not in gone}
    return replace(endpoint, tags=kept | tags_of(body.get("add_tags") or []))


def with_ai_gateway(endpoint: Endpoint, body: Mapping[str, Any]) -> Endpoint:
    """Replace the whole AI gateway; an empty body clears it."""
    gateway = ai_gateway.normalise(body, before=endpoint.ai_gateway, endpoint=endpoint.name)
    return replace(endpoint, ai_gateway=gateway or None)


def with_notifications(endpoint: Endpoint, body: Mapping[str, Any]) -> Endpoint:
    """Replace the e-mail notifications."""
    _refuse_foundation(endpoint, "e-mail notifications")
    return replace(endpoint, email_notifications=notifications_of(body.get("email_notifications") or {}))


def notifications_of(block: object) -> dict[str, Any]:
    """Read an `email_notifications` block."""
    if not isinstance(block, dict):
        raise invalid("email_notifications must be an object.")
    for event in ("on_update_success", "on_update_failure"):
        addresses = block.get(event, [])
        if not isinstance(addresses, list) or not all(isinstance(each, str) for each in addresses):
            raise invalid(f"email_notifications.{event} must be a list of addresses.")
    return dict(block)


def with_rate_limits(endpoint: Endpoint, body: Mapping[str, Any]) -> Endpoint:
    """Replace the deprecated top-level limits, which only external and foundation models take."""
    if not endpoint.foundation and not _serves_external(endpoint):
        raise invalid("Rate limits are only supported for external models and foundation models.")
    limits = ai_gateway.limits_of(body.get("rate_limits") or [])
    if any("tokens" in limit or limit.get("key") in ai_gateway.NEED_PRINCIPAL for limit in limits):
        raise invalid("These rate limits take calls, and the keys user and endpoint; the AI gateway takes more.")
    return replace(endpoint, rate_limits=limits)


def with_telemetry(endpoint: Endpoint, body: Mapping[str, Any], *, now_ms: int) -> Endpoint:
    """Replace the telemetry config, which custom models alone take and only between updates."""
    if endpoint.deployments.update(now_ms) is Update.RUNNING:
        raise conflict(f"Endpoint {endpoint.name} is currently updating. Wait for the update to complete, then retry.")
    config = body.get("telemetry_config")
    if config is not None:
        if not isinstance(config, dict):
            raise invalid("telemetry_config must be an object.")
        kind = unsupported_telemetry(endpoint)
        if kind is not None:
            raise invalid(f"Telemetry configuration is not supported for endpoint type '{kind}'.")
    return replace(endpoint, telemetry_config=config)


def unsupported_telemetry(endpoint: Endpoint) -> str | None:
    """Return the endpoint type that takes no telemetry, or None."""
    if endpoint.foundation:
        return "FOUNDATION_MODEL_API"
    if endpoint.current is None:
        return "NO_CONFIG"
    return "EXTERNAL_MODELS" if _serves_external(endpoint) else None


def _refuse_foundation(endpoint: Endpoint, what: str) -> None:
    if endpoint.foundation:
        raise invalid(f"Endpoint {endpoint.name} is managed by Databricks: it has an AI gateway, but no {what}.")


def _serves_external(endpoint: Endpoint) -> bool:
    return endpoint.current is not None and endpoint_configs.is_external(endpoint.current.config)
