"""Serving endpoints: what a config would have to say to get exactly this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioning.exporting.credentials import with_credentials
from provisioning.exporting.entry import Entry, Fields, sayable, why_not
from provisioning.model.address import endpoint_address
from provisioning.model.endpoints import ModelServingEndpoint
from provisioning.model.ownership import BLOCK_LETTERS, HASH_TAG, OWNERSHIP_TAGS, read_config_hash
from provisioning.planning.comparison import serving_soon
from provisioning.planning.differ import settable
from provisioning.planning.field_rules import rule_of
from provisioning.planning.grants import granted_directly, identity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from provisioning.model.workspace import LiveEndpoint

_BLOCKS = ("description", "route_optimized", "config", "ai_gateway", "email_notifications", "telemetry_config")
_NOTHING: tuple[JsonValue, ...] = (None, {}, [], "", False)
_MANAGE = "CAN_MANAGE"


def exported_endpoint(live: LiveEndpoint) -> Entry | str | None:
    """Return an endpoint as a config says it, why it cannot be exported, or None if there is nothing to say of it.

    Of one that a set owns, only the blocks are exported that the set manages: the others are somebody else's.
    """
    if not live.visible:
        return "it exists, and this identity may not look at it: CAN_VIEW shows it"
    system = live.id is None or live.name.startswith("databricks-")
    remarks: list[str] = []
    body = serving_soon(live.body)
    tags = {str(each.get("key")): str(each.get("value") or "") for each in _objects(body.get("tags"))}
    fields: Fields = {"name": live.name, **_blocks(body, remarks)}
    if user_tags := {key: value for key, value in tags.items() if key not in OWNERSHIP_TAGS}:
        fields["tags"] = [{"key": key, "value": value} if value else {"key": key} for key, value in user_tags.items()]
    if live.permissions is not None:
        fields["permissions"] = _permissions(live)
    elif not system:
        remarks.append("its permissions are unknown without CAN_MANAGE: they are left as they are")
    if system:
        fields = {name: each for name, each in fields.items() if name in {"name", "ai_gateway"}}
        if "ai_gateway" not in fields:
            return None  # Databricks' own, as Databricks made it
    said = sayable(_managed(fields, body, tags), "", remarks)
    if not isinstance(said, dict) or (problem := why_not(ModelServingEndpoint, said)):
        return f"a config cannot say it: {problem}"
    address = endpoint_address(live.name)
    return Entry(address=address, name=live.name, fields=said, remarks=tuple(remarks), tags=tags)


def _blocks(body: Mapping[str, JsonValue], remarks: list[str]) -> Fields:
    found: Fields = {}
    for block in _BLOCKS:
        value = _without_defaults(settable(body.get(block), block), block)
        if block == "config" and isinstance(value, dict):
            value = _config(value, remarks)
        if block == "ai_gateway" and isinstance(value, dict):
            value = _gateway(value, name=body.get("name"))
        if value not in _NOTHING:
            found[block] = value
    return found


def _managed(fields: Fields, body: Mapping[str, JsonValue], tags: Mapping[str, str]) -> Fields:
    """Leave out what the set that owns it does not manage, and put in what it keeps empty or switched off."""
    hashed = read_config_hash(tags.get(HASH_TAG))
    if hashed is None:
        return fields
    managed = {block for block, letter in BLOCK_LETTERS.items() if letter in hashed.blocks}
    kept = {name: each for name, each in fields.items() if name in managed or name not in BLOCK_LETTERS}
    off: Fields = {block: settable(body.get(block) or {}, block) for block in _BLOCKS if block in managed}
    bare: Fields = {"tags": []} if "tags" in managed else {}
    return {**off, **bare, **kept}


def _without_defaults(value: JsonValue, path: str) -> JsonValue:
    """Leave out what the server fills in and what says nothing, save where a config has to say it."""
    if isinstance(value, dict):
        if rule_of(path).free_names:
            return value
        fields = {name: _without_defaults(each, f"{path}.{name}") for name, each in value.items()}
        return {name: each for name, each in fields.items() if not _goes_without_saying(each, f"{path}.{name}")}
    if isinstance(value, list):
        return [_without_defaults(each, f"{path}[]") for each in value]
    return value


def _goes_without_saying(value: JsonValue, path: str) -> bool:
    if path.endswith(".scale_to_zero_enabled"):
        return False  # the server wants it for every custom model
    if ".external_model." in path:
        return value is None or value == rule_of(path).default  # an empty block says which provider it is
    return value in (None, {}, []) or value == rule_of(path).default


def _config(config: Fields, remarks: list[str]) -> Fields:
    entities = _objects(config.get("served_entities"))
    kept: Fields = {name: each for name, each in config.items() if name != "served_models"}  # an echo of the entities
    if entities:
        kept["served_entities"] = [_entity(each, remarks) for each in entities]
    routes = _objects(_fields(config.get("traffic_config")).get("routes"))
    if len(entities) == 1 and len(routes) == 1:
        kept.pop("traffic_config")  # a sole entity gets everything
    elif routes:
        kept["traffic_config"] = {"routes": [_route(each) for each in routes]}
    return kept


def _gateway(gateway: Fields, *, name: JsonValue) -> Fields:
    tables = _fields(gateway.get("inference_table_config"))
    if tables.get("table_name_prefix") != name:
        return gateway
    # the server takes the endpoint's name where no prefix is given
    return {
        **gateway,
        "inference_table_config": {key: each for key, each in tables.items() if key != "table_name_prefix"},
    }


def _route(route: Fields) -> JsonValue:
    # a route comes back under both names
    name = route.get("served_entity_name") or route.get("served_model_name")
    return {"served_entity_name": name, "traffic_percentage": route.get("traffic_percentage")}


def _entity(entity: Fields, remarks: list[str]) -> JsonValue:
    model = entity.get("external_model")
    if not isinstance(model, dict):
        return entity
    return {"name": entity.get("name"), **entity, "external_model": with_credentials(model, remarks)}


def _permissions(live: LiveEndpoint) -> list[JsonValue]:
    creator = live.body.get("creator")
    kept = identity(creator).key if isinstance(creator, str) else None  # its right is never taken away
    granted = granted_directly(live.permissions or ())
    return [
        {"level": level, grantee.field: grantee.name}
        for key, (grantee, level) in granted.items()
        if not (key == kept and level == _MANAGE)
    ]


def _objects(value: JsonValue) -> list[Fields]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _fields(value: JsonValue) -> Fields:
    return value if isinstance(value, dict) else {}
