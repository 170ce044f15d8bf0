"""How single fields of an endpoint are compared, as a table.

Paths are those of the API's JSON, `[]` standing for each item of a list. Each rule names the behaviour of the API
that forces it; a field without a rule is compared as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import get_args, get_origin

from pydantic import BaseModel, JsonValue

from provisioning.model.endpoints import ModelServingEndpoint

Item = Mapping[str, JsonValue]


@dataclass(frozen=True)
class FieldRule:
    """What is special about a field.

    Attributes:
        why: the behaviour of the API behind it.
        default: what the server fills in or leaves out: it and a missing value are the same.
        input_only: the workspace never returns it, so that it cannot be compared.
        immutable: it cannot be changed, only replaced with the object.
        names_item: it only says which item of a list is meant, as `identity` does.
        fixed_while_on: it cannot be changed while the block that it is in is enabled.
        unordered: a list whose order means nothing, of plain values.
        identity: for a list of objects, what tells its items apart.
        any_case: upper and lower case are the same.
        free_names: a mapping whose names are the user's, so that what is not declared is to go.
    """

    why: str
    default: JsonValue = None
    input_only: bool = False
    immutable: bool = False
    names_item: bool = False
    fixed_while_on: bool = False
    unordered: bool = False
    identity: Callable[[Item], str] | None = None
    any_case: bool = False
    free_names: bool = False


def _by(*names: str) -> Callable[[Item], str]:
    """Tell items apart by the first of these fields that they have."""
    return lambda item: next((str(item[name]) for name in names if item.get(name) is not None), "")


def _by_all(*names: str) -> Callable[[Item], str]:
    """Tell items apart by all of these fields together."""
    return lambda item: ",".join(str(item[name]) for name in names if item.get(name) is not None)


def _rate_limit(item: Item) -> str:
    # an entry counts calls or tokens, never both; a missing key means the whole endpoint
    kind = "tokens" if item.get("tokens") is not None else "calls"
    return _by_all("key", "principal", "kind")({"key": "endpoint", **item, "kind": kind})


_ENTITY = "config.served_entities[]"
_MODEL = "config.served_models[]"
_PROVIDER = f"{_ENTITY}.external_model"
_GATEWAY = "ai_gateway"

_COMPUTE: Mapping[str, FieldRule] = {
    "workload_size": FieldRule("the server fills it in (TFP cleanWorkloadSize)", default="Small"),
    "workload_type": FieldRule("the server fills it in (TFP#3593)", default="CPU"),
    "scale_to_zero_enabled": FieldRule("false may be left out of the answer (TFP#5467)", default=False),
    "burst_scaling_enabled": FieldRule("accepted and never returned", input_only=True),
    "environment_vars": FieldRule("replaced as a whole", free_names=True),
    "entity_version": FieldRule("numbers come back as text"),
}

RULES: Mapping[str, FieldRule] = {
    "description": FieldRule('there is no route to change it; unset it reads ""', default="", immutable=True),
    "route_optimized": FieldRule("there is no route to change it; unset it reads false", default=False, immutable=True),
    "tags": FieldRule("their order is unstable (TFP#4038)", identity=_by("key")),
    "tags[].value": FieldRule("a tag without a value reads as an empty one", default=""),
    "email_notifications.on_update_success": FieldRule("a set of addresses", unordered=True),
    "email_notifications.on_update_failure": FieldRule("a set of addresses", unordered=True),
    "config.served_entities": FieldRule("they may come back sorted (TFP PR#5188)", identity=_by("name")),
    "config.served_models": FieldRule("they may come back sorted (TFP PR#5188)", identity=_by("name")),
    "config.traffic_config.routes": FieldRule(
        "a route comes back under both names", identity=_by("served_entity_name", "served_model_name")
    ),
    "config.traffic_config.routes[].served_entity_name": FieldRule("echoed as served_model_name", names_item=True),
    "config.traffic_config.routes[].served_model_name": FieldRule("echoed as served_entity_name", names_item=True),
    "config.auto_capture_config.catalog_name": FieldRule("there is no route to change it", immutable=True),
    "config.auto_capture_config.schema_name": FieldRule("there is no route to change it", immutable=True),
    "config.auto_capture_config.table_name_prefix": FieldRule("there is no route to change it", immutable=True),
    **{f"{_ENTITY}.{name}": rule for name, rule in _COMPUTE.items()},
    **{f"{_MODEL}.{name}": rule for name, rule in _COMPUTE.items()},
    f"{_PROVIDER}.openai_config.openai_api_type": FieldRule("it may be left out or filled in", default="openai"),
    f"{_PROVIDER}.amazon_bedrock_config.bedrock_provider": FieldRule("compared without case", any_case=True),
    f"{_GATEWAY}.rate_limits": FieldRule("their order means nothing", identity=_rate_limit),
    f"{_GATEWAY}.rate_limits[].key": FieldRule("the default may be left out", default="endpoint"),
    f"{_GATEWAY}.usage_tracking_config.enabled": FieldRule("off reads as missing", default=False),
    f"{_GATEWAY}.fallback_config.enabled": FieldRule("off reads as missing", default=False),
    f"{_GATEWAY}.inference_table_config.enabled": FieldRule("off reads as missing", default=False),
    **{
        f"{_GATEWAY}.inference_table_config.{name}": FieldRule("the API wants logging off first", fixed_while_on=True)
        for name in ("catalog_name", "schema_name", "table_name_prefix")
    },
    **{
        f"{_GATEWAY}.guardrails.{side}.{name}": rule
        for side in ("input", "output")
        for name, rule in {
            "safety": FieldRule("off reads as missing", default=False),
            "pii.behavior": FieldRule("off reads as missing", default="NONE"),
            "invalid_keywords": FieldRule("a set of words", unordered=True),
            "valid_topics": FieldRule("a set of topics", unordered=True),
        }.items()
    },
    "telemetry_config.table_names": FieldRule("never returned", input_only=True),
    "telemetry_config.enabled_telemetry_features": FieldRule("a set of features", unordered=True),
    "rate_limits": FieldRule("the older form is never returned", input_only=True),
    "budget_policy_id": FieldRule("returned under another name, and there is no route to change it", input_only=True),
}

_NAMED_ITEM = re.compile(r"\[[^\]]*\]")
_PLAINTEXT = "_plaintext"
_NO_RULE = FieldRule("")
_PLAINTEXT_RULE = FieldRule("stored as a secret and never returned", input_only=True)


def pattern_of(path: str) -> str:
    """Return a path with `[]` for each item of a list, in whichever way the path names them."""
    return _NAMED_ITEM.sub("[]", path)


def rule_of(path: str) -> FieldRule:
    """Return the rule of the field at a path."""
    return _PLAINTEXT_RULE if path.endswith(_PLAINTEXT) else RULES.get(pattern_of(path), _NO_RULE)


def _settable(model: type[BaseModel], prefix: str) -> dict[str, None]:
    found: dict[str, None] = {}
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        found[path] = None
        for kind in _kinds(field.annotation):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                found |= _settable(kind, f"{path}[]." if _is_list(field.annotation) else f"{path}.")
    return found


def _is_list(annotation: object) -> bool:
    return any(get_origin(each) is tuple for each in (annotation, *get_args(annotation)))


def _kinds(annotation: object) -> list[object]:
    inner = [each for each in get_args(annotation) if each not in (NoneType, Ellipsis)]
    return [kind for each in inner for kind in _kinds(each)] or [annotation]


SETTABLE = frozenset(_settable(ModelServingEndpoint, ""))
"""Every field that a request can carry; whatever else an answer holds (`creator`, `state`, …) is the server's."""
