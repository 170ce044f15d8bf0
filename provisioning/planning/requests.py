"""What is sent for an endpoint's blocks. The API replaces whole objects, so what stays has to be sent along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import JsonValue

from provisioning.model.endpoints import OWN_FIELDS, ModelServingEndpoint, default_entity_name
from provisioning.model.ownership import HASH_TAG, OWNERSHIP_TAGS
from provisioning.planning.differ import settable

if TYPE_CHECKING:
    from collections.abc import Mapping

Body = dict[str, JsonValue]

_CONFIG_PARTS = ("traffic_config", "auto_capture_config")
_CREDENTIALS = ("{{secrets/", "instance_profile_arn", "uc_service_credential_name")
_TABLE = "inference_table_config"
_GATEWAY_PARTS = (
    "usage_tracking_config",
    "inference_table_config",
    "fallback_config",
    "rate_limits",
    "guardrails",
)


def declared_body(endpoint: ModelServingEndpoint) -> Body:
    """Return the API's JSON object for what the config mentions, `*_plaintext` values masked."""
    body: Body = endpoint.model_dump(mode="json", exclude_unset=True, exclude={*OWN_FIELDS, "name"})
    return body


def create_body(declared: Body, *, tags: Mapping[str, str]) -> Body:
    """Return the body of the create request, with the ownership tags in it."""
    body = {name: without_nulls(value) for name, value in declared.items() if value is not None}
    return {**body, "tags": [*user_tags(declared.get("tags")), *as_tags(tags)]}


def config_body(declared: JsonValue, live: Mapping[str, JsonValue]) -> Body:
    """Return the body of the config's update, with the live parts that the config does not mention.

    Args:
        declared: the config's block; empty to clear it.
        live: the live block.
    """
    if not isinstance(declared, dict) or not declared:
        return {"served_entities": []}
    body = dict(declared)
    if "served_entities" not in declared and "served_models" not in declared:
        body["served_entities"] = settable(live.get("served_entities") or [], "config.served_entities")
    for part in _CONFIG_PARTS:
        kept = live.get(part)
        if part not in declared and kept and (part != "traffic_config" or _still_leads_somewhere(kept, body)):
            body[part] = settable(kept, f"config.{part}")
    return {name: without_nulls(value) for name, value in body.items() if value is not None}


def gateway_body(declared: JsonValue, live: Mapping[str, JsonValue]) -> Body:
    """Return the body of the AI gateway's update, with the live parts that the config does not mention."""
    if not isinstance(declared, dict) or not declared:
        return {}
    kept = {
        part: settable(live[part], f"ai_gateway.{part}")
        for part in _GATEWAY_PARTS
        if part not in declared and live.get(part)
    }
    return {name: without_nulls(value) for name, value in {**kept, **declared}.items() if value is not None}


def off_and_on(body: Body, live: Mapping[str, JsonValue]) -> list[Body]:
    """Return the updates of an AI gateway whose inference table gets other names, which only a disabled one can.

    Args:
        body: the update's body.
        live: the live block.
    """
    before, after = live.get(_TABLE), body.get(_TABLE)
    if not (isinstance(before, dict) and isinstance(after, dict) and before.get("enabled") and after.get("enabled")):
        return [body]
    return [{**body, _TABLE: {"enabled": False}}, body]


def tags_body(declared: JsonValue, live: Mapping[str, str], *, ours: Mapping[str, str], managed: bool) -> Body:
    """Return the body of the tags' update; empty if they are as they should be.

    Args:
        declared: the config's tags.
        live: all live tags.
        ours: the ownership tags.
        managed: whether the config mentions tags: if it does, others go.
    """
    wanted = {str(tag["key"]): str(tag.get("value") or "") for tag in user_tags(declared)} | dict(ours)
    added = {key: value for key, value in wanted.items() if live.get(key) != value}
    deleted = [key for key in live if managed and key not in wanted and key not in OWNERSHIP_TAGS]
    if HASH_TAG in live and HASH_TAG not in ours:
        deleted.append(HASH_TAG)
    body: Body = {}
    if added:
        body["add_tags"] = list(as_tags(added))
    if deleted:
        body["delete_tags"] = list(deleted)
    return body


def user_tags(declared: JsonValue) -> list[Body]:
    """Return declared tags, those left out that say who owns the endpoint: nobody sets them by hand."""
    listed = declared if isinstance(declared, list) else []
    return [
        {name: value for name, value in tag.items() if value is not None}
        for tag in listed
        if isinstance(tag, dict) and tag.get("key") not in OWNERSHIP_TAGS
    ]


def as_tags(tags: Mapping[str, str]) -> list[JsonValue]:
    """Return tags in the API's form."""
    return [{"key": key, "value": value} for key, value in tags.items()]


def without_nulls(value: JsonValue) -> JsonValue:
    """Return a value without its null fields: in a request that replaces an object, left out means cleared."""
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [without_nulls(each) for each in value]
    return value


def _still_leads_somewhere(traffic: JsonValue, body: Body) -> bool:
    """Tell whether live routes fit the entities that are sent; if not, the server's default has to do."""
    entities = body.get("served_entities") or body.get("served_models")
    listed = entities if isinstance(entities, list) else []
    names = [default_entity_name(each) for each in listed if isinstance(each, dict)]
    routes = traffic.get("routes") if isinstance(traffic, dict) else None
    led_to = [
        each.get("served_entity_name") or each.get("served_model_name")
        for each in (routes if isinstance(routes, list) else [])
        if isinstance(each, dict)
    ]
    return bool(led_to) and set(led_to) == set(names)


def restorable_config(live: Mapping[str, JsonValue]) -> Body | None:
    """Return the body that would put a live config back; None if it cannot be known.

    Args:
        live: the endpoint, as the workspace describes it. A key that was given in the clear is never echoed, so a
            provider's block without a reference or a cloud's own credential is not whole.
    """
    config = live.get("config")
    entities = config.get("served_entities") if isinstance(config, dict) else None
    if not isinstance(config, dict) or not isinstance(entities, list) or not entities:
        return None
    models = [str(each["external_model"]) for each in entities if isinstance(each, dict) and each.get("external_model")]
    if not all(any(mark in model for mark in _CREDENTIALS) for model in models):
        return None
    parts = ("served_entities", *_CONFIG_PARTS)
    return {part: settable(config[part], f"config.{part}") for part in parts if config.get(part)}
