"""One form for all the ways to say the same thing, so that the hash of the configs changes with their meaning alone.

An endpoint that is exported, or whose list is sorted, or where a default is spelled out, is the same endpoint.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from provisioning.model.endpoints import default_entity_name
from provisioning.model.rules import fields_of
from provisioning.model.values import with_keys
from provisioning.model.versions import split_version
from provisioning.planning.field_rules import rule_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

_WHOLE = "100"
_NOTHING: tuple[JsonValue, ...] = (None, {}, [])


def normal_body(declared: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return what the configs say of an endpoint, block by block.

    A block that is cleared stays, in whichever way that is said: it is managed, and one that is absent is not.
    """
    body = {block: normal_form(value, block) for block, value in declared.items()}
    return {
        block: {} if value in _NOTHING else value
        for block, value in body.items()
        if value is None or value != rule_of(block).default
    }


def normal_form(value: JsonValue, path: str) -> JsonValue:
    """Return a declared value without what goes without saying, its lists in an order of their own.

    Args:
        value: what the config says.
        path: where in the endpoint it stands, `[]` for each item of a list.
    """
    rule = rule_of(path)
    if isinstance(value, dict):
        if path == "config":
            value = _without_default_traffic(value)
        if path == "config.served_entities[]":
            value = _without_default_name(value)
        if path == "config.traffic_config.routes[]":
            value = _named_once(value)
        if rule.free_names:
            return value
        fields = {name: normal_form(each, f"{path}.{name}") for name, each in value.items()}
        return {
            name: each for name, each in fields.items() if each not in _NOTHING and not _is_default(each, path, name)
        }
    if isinstance(value, list):
        items = [normal_form(each, f"{path}[]") for each in value]
        return sorted(items, key=str) if rule.identity or rule.unordered else items
    return _scalar(value, any_case=rule.any_case)


def _scalar(value: JsonValue, *, any_case: bool) -> JsonValue:
    if isinstance(value, str):
        # a rotation points an endpoint to a later version of the same secret, which is no edit of the configs
        named = with_keys(value, lambda reference: split_version(reference.key)[0])
        return named.lower() if any_case else named
    # int64 fields come back as text from some servers
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _is_default(value: JsonValue, path: str, name: str) -> bool:
    return value == rule_of(f"{path}.{name}").default


def _without_default_traffic(config: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    entities, traffic = config.get("served_entities"), config.get("traffic_config")
    routes = traffic.get("routes") if isinstance(traffic, dict) else None
    if not isinstance(entities, list) or not isinstance(routes, list) or len(entities) != 1 or len(routes) != 1:
        return dict(config)
    share = routes[0].get("traffic_percentage") if isinstance(routes[0], dict) else None
    # the server gives everything to a sole entity
    return {name: each for name, each in config.items() if name != "traffic_config" or str(share) != _WHOLE}


def _named_once(route: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Name a route's entity in one way: either field does, or both."""
    names = ("served_entity_name", "served_model_name")
    given = next((route[each] for each in names if route.get(each) is not None), None)
    return {names[0]: given, **{name: each for name, each in route.items() if name not in names}}


def _without_default_name(entity: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    nameless = {name: each for name, each in entity.items() if name != "name"}
    # how the server derives these names is not documented: with their dots, or with dashes in their place
    custom = "-".join(str(entity[field]) for field in ("entity_name", "entity_version") if entity.get(field))
    model = fields_of(entity.get("external_model")).get("name")
    derived = {default_entity_name(nameless), custom, _dashed(custom), _dashed(str(model or ""))}
    return nameless if entity.get("name") in derived else dict(entity)


def _dashed(name: str) -> str:
    return re.sub(r"[^\w-]", "-", name, flags=re.ASCII)
