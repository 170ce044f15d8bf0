"""A declared endpoint beside the live one of the same name, brought into a form in which both can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import JsonValue

from provisioning.model.endpoints import ModelServingEndpoint, default_entity_name
from provisioning.model.ownership import HASH_TAG, SET_TAG, ConfigHash, config_hash, read_config_hash
from provisioning.planning.grants import ENDPOINT_LEVELS, declared_grants, normal_grants
from provisioning.planning.normal_form import normal_body
from provisioning.planning.requests import declared_body

if TYPE_CHECKING:
    from provisioning.model.plan import Origin
    from provisioning.model.workspace import LiveEndpoint

Item = Mapping[str, JsonValue]

_TABLE = "inference_table_config"
_PREFIX = "table_name_prefix"


@dataclass(frozen=True)
class Comparison:
    """A declared endpoint beside the live one.

    Attributes:
        endpoint: as declared.
        declared: its body, `*_plaintext` values masked, entities under the names that the server gives them.
        live: the live endpoint's body, its config being the one that is on its way if one is.
        tags: the live tags.
        hash: what the configs say now.
        last: what they said at the last apply, if the tag tells.
    """

    endpoint: ModelServingEndpoint
    declared: Mapping[str, JsonValue]
    live: Mapping[str, JsonValue]
    tags: Mapping[str, str]
    hash: ConfigHash
    last: ConfigHash | None

    @property
    def owner(self) -> str | None:
        """The set that the live endpoint belongs to."""
        return self.tags.get(SET_TAG)

    @property
    def edited(self) -> bool:
        """Whether the configs are known to have changed since the last apply."""
        return self.last is not None and self.last != self.hash

    @property
    def drifted(self) -> bool:
        """Whether the configs are known not to have changed, so that any difference was made outside."""
        return self.last == self.hash

    @property
    def origin(self) -> Origin | None:
        """Which side is known to have changed since the last apply."""
        if self.drifted:
            return "outside"
        return "config" if self.edited else None


def compare_endpoint(endpoint: ModelServingEndpoint, live: LiveEndpoint) -> Comparison:
    """Put a declared endpoint beside the live one."""
    declared, body = declared_body(endpoint), serving_soon(live.body)
    if _PREFIX not in _inference_table(declared):
        body = _without_default_prefix(body, endpoint.name)
    tags = {str(tag.get("key")): str(tag.get("value") or "") for tag in live.tags}
    return Comparison(
        endpoint=endpoint,
        declared=_with_entity_names(declared, body.get("config")),
        live=body,
        tags=tags,
        hash=hash_of(endpoint),
        last=read_config_hash(tags.get(HASH_TAG)),
    )


def hash_of(endpoint: ModelServingEndpoint) -> ConfigHash:
    """Hash what the configs say of an endpoint, permissions included."""
    body = normal_body(declared_body(endpoint))
    table = _inference_table(body)
    if table.get(_PREFIX) == endpoint.name:
        del table[_PREFIX]  # what the server fills in
    if endpoint.permissions is not None:
        declared = normal_grants(declared_grants(endpoint.permissions, ENDPOINT_LEVELS))
        body["permissions"] = [endpoint.permissions_mode or "exact", *declared]
    return config_hash(body)


def serving_soon(body: Item) -> Item:
    """Return the endpoint with the config that is on its way in place of the one that it replaces."""
    state, pending = body.get("state"), body.get("pending_config")
    if isinstance(state, dict) and state.get("config_update") == "IN_PROGRESS" and isinstance(pending, dict):
        return {**body, "config": pending}
    return body


def _inference_table(body: Item) -> dict[str, JsonValue]:
    gateway = body.get("ai_gateway")
    table = gateway.get(_TABLE) if isinstance(gateway, dict) else None
    return table if isinstance(table, dict) else {}


def _without_default_prefix(live: Item, name: str) -> Item:
    """Leave a live table's prefix out if it is the one that the server fills in: the endpoint's name."""
    gateway, table = live.get("ai_gateway"), _inference_table(live)
    if not isinstance(gateway, dict) or table.get(_PREFIX) != name:
        return live
    rest = {field: value for field, value in table.items() if field != _PREFIX}
    return {**live, "ai_gateway": {**gateway, _TABLE: rest}}


def _with_entity_names(declared: dict[str, JsonValue], live: JsonValue) -> dict[str, JsonValue]:
    config = declared.get("config")
    if not isinstance(config, dict):
        return declared
    present: Item = live if isinstance(live, dict) else {}
    named: dict[str, JsonValue] = {
        part: [
            {"name": _entity_name(each, _objects(present.get(part)), fields), **each} for each in _objects(config[part])
        ]
        for part, fields in (
            ("served_entities", ("entity_name", "entity_version")),
            ("served_models", ("model_name", "model_version")),
        )
        if isinstance(config.get(part), list)
    }
    return {**declared, "config": {**config, **named}}


def _entity_name(entity: Item, present: list[Item], fields: tuple[str, str]) -> str:
    if name := default_entity_name(entity):
        return name
    # how the server derives such a name is not documented: go by what the entity serves
    served = _served(entity, fields)
    found = next((each for each in present if _served(each, fields) == served), {}).get("name")
    return str(found or "-".join(served))


def _served(entity: Item, fields: tuple[str, str]) -> list[str]:
    """Return the model and its version (a feature spec has none), or the external model and its provider."""
    if isinstance(model := entity.get("external_model"), dict):
        return [str(model.get("name")), str(model.get("provider"))]
    return [str(entity[field]) for field in fields if entity.get(field) is not None]


def _objects(value: JsonValue) -> list[Item]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
