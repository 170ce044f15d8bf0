"""An endpoint's config: from what a client sends to what is stored, with every rule checked on the way."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

from local_workspace.errors import invalid
from local_workspace.resources import external_models

MOST_ENTITIES = 15

_DATABRICKS_OWN = "system.ai."
_ENTITY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_NOT_EXTERNAL = (
    "entity_name",
    "entity_version",
    "workload_size",
    "workload_type",
    "scale_to_zero_enabled",
    "min_provisioned_throughput",
    "max_provisioned_throughput",
    "min_provisioned_concurrency",
    "max_provisioned_concurrency",
    "provisioned_model_units",
    "environment_vars",
    "instance_profile_arn",
)


def normalise(
    body: Mapping[str, Any], *, before: Mapping[str, Any] | None = None, provisioned: bool = False
) -> dict[str, Any]:
    """Return the config to store: entities named, defaults filled in, one traffic route at least.

    Args:
        body: the `config` object of a create, or the body of an update; it is not changed.
        before: the config that it replaces, for what never changes.
        provisioned: for the provisioned-throughput routes, whose entities bring `provisioned_model_units`.

    Raises:
        ApiError: INVALID_PARAMETER_VALUE for the first rule that is broken.
    """
    entities = _entities(body)
    if len(entities) > MOST_ENTITIES:
        raise invalid(f"An endpoint may have at most {MOST_ENTITIES} served entities; {len(entities)} were given.")
    for entity in entities:
        if entity.get("external_model") is not None:
            _check_external(entity)
        elif provisioned:
            _check_provisioned(entity)
        else:
            _check_custom(entity)
        entity["name"] = entity.get("name") or default_name(entity)
        _check_entity_name(entity["name"])
    _check_together(entities)
    if before is not None and entities:
        _check_same_kind(entities, before)
    config: dict[str, Any] = {"served_entities": entities, "traffic_config": _traffic(body, entities)}
    if isinstance(body.get("auto_capture_config"), dict):
        config["auto_capture_config"] = copy.deepcopy(body["auto_capture_config"])
        _check_unmoved(config["auto_capture_config"], (before or {}).get("auto_capture_config"))
    return config


def default_name(entity: Mapping[str, Any]) -> str:
    """Name an entity as the server does: after the external model, or entity and version."""
    model = entity.get("external_model")
    if isinstance(model, Mapping):
        return re.sub(r"[.:/]", "-", str(model["name"]))
    return re.sub(r"[.:/]", "-", f"{entity['entity_name']}-{entity.get('entity_version', '')}").rstrip("-")


def is_external(config: Mapping[str, Any]) -> bool:
    """Return whether a stored config serves external models."""
    return any(entity.get("external_model") for entity in config["served_entities"])


def is_registered(config: Mapping[str, Any]) -> bool:
    """Return whether a stored config's models are of a registry that somebody keeps: not external, not Databricks'."""
    return not any(
        "external_model" in each or str(each["entity_name"]).startswith(_DATABRICKS_OWN)
        for each in config["served_entities"]
    )


def task_of(config: Mapping[str, Any]) -> str | None:
    """Return the task that all entities share, if they are external models."""
    return next(
        (each["external_model"]["task"] for each in config["served_entities"] if "external_model" in each), None
    )


def _entities(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    entities, models = body.get("served_entities"), body.get("served_models")
    if entities and models:
        raise invalid("Only one of served_entities and served_models may be given.")
    listed = entities or models or []
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise invalid("served_entities must be a list of objects.")
    copies = copy.deepcopy(listed)
    for each in copies if models else ():
        each["entity_name"] = each.pop("model_name", None)
        each["entity_version"] = each.pop("model_version", None)
    return [{key: value for key, value in each.items() if value is not None} for each in copies]


def _check_external(entity: Mapping[str, Any]) -> None:
    model = entity["external_model"]
    if not isinstance(model, dict):
        raise invalid("external_model must be an object.")
    # Zero counts as given: a provider that sent min_provisioned_throughput 0 was refused.
    given = [field for field in _NOT_EXTERNAL if field in entity]
    if given:
        raise invalid(f"{', '.join(given)} must not be set for a served entity with an external_model.")
    external_models.check(model)


def _check_custom(entity: dict[str, Any]) -> None:
    if not entity.get("entity_name"):  # a feature spec has no version (SDK, ServedEntityInput.entity_name)
        raise invalid("Served entity needs entity_name, or an external_model.")
    throughput = any(key.endswith(("provisioned_throughput", "provisioned_model_units")) for key in entity)
    if "scale_to_zero_enabled" not in entity and not throughput:
        raise invalid("scaleToZeroEnabled is undefined. Please set it to either true or false.")
    if not throughput:
        entity.setdefault("workload_size", "Small")
        entity.setdefault("workload_type", "CPU")


def _check_provisioned(entity: Mapping[str, Any]) -> None:
    if not entity.get("entity_name"):
        raise invalid("Served entity needs entity_name.")
    if not str(entity["entity_name"]).startswith(_DATABRICKS_OWN):
        raise invalid(f"Served entity {entity['entity_name']} is not eligible for Provisioned Throughput.")
    if not isinstance(entity.get("provisioned_model_units"), int):
        raise invalid("Served entity needs provisioned_model_units.")


def _check_entity_name(name: object) -> None:
    if not isinstance(name, str) or not _ENTITY_NAME.fullmatch(name):
        raise invalid(
            f"Invalid served entity name {name!r}: it may hold letters, digits, '-' and '_', and at most 63 characters."
        )


def _check_together(entities: Sequence[Mapping[str, Any]]) -> None:
    names = [each["name"] for each in entities]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise invalid(f"Served entity names must be unique; given more than once: {', '.join(twice)}.")
    external = [each for each in entities if "external_model" in each]
    if external and len(external) != len(entities):
        raise invalid("External models cannot be served together with other models in one endpoint.")
    tasks = sorted({each["external_model"]["task"] for each in external})
    if len(tasks) > 1:
        raise invalid(f"All external models of an endpoint must have the same task; given: {', '.join(tasks)}.")


def _check_same_kind(entities: Sequence[Mapping[str, Any]], before: Mapping[str, Any]) -> None:
    if is_external({"served_entities": entities}) == is_external(before):
        return
    if is_external(before):
        raise invalid("An endpoint with an external_model cannot be updated to one without; create another endpoint.")
    raise invalid("An endpoint without an external_model cannot be given one later; create another endpoint.")


def _check_unmoved(capture: Mapping[str, Any], before: Mapping[str, Any] | None) -> None:
    if before is None:
        return
    moved = [
        field
        for field in ("catalog_name", "schema_name", "table_name_prefix")
        if capture.get(field) != before.get(field)
    ]
    if moved:
        raise invalid(f"auto_capture_config.{moved[0]} cannot be changed.")


def _traffic(body: Mapping[str, Any], entities: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    given = body.get("traffic_config")
    routes = given.get("routes") if isinstance(given, dict) else None
    if not routes:
        if len(entities) > 1:
            raise invalid("traffic_config is required when there is more than one served entity.")
        routes = [{"served_entity_name": each["name"], "traffic_percentage": 100} for each in entities]
    if not isinstance(routes, list) or not all(isinstance(each, dict) for each in routes):
        raise invalid("traffic_config.routes must be a list of objects.")
    names = {each["name"] for each in entities}
    shares = [_route(route, names) for route in routes]
    total = sum(share for _, share in shares)
    if shares and total != 100:  # noqa: PLR2004 - percent
        raise invalid(f"Traffic percentages must sum to 100; they sum to {total}.")
    return {
        "routes": [
            {"served_model_name": name, "served_entity_name": name, "traffic_percentage": share}
            for name, share in shares
        ]
    }


def _route(route: Mapping[str, Any], names: set[str]) -> tuple[str, int]:
    name = route.get("served_entity_name") or route.get("served_model_name")
    share = route.get("traffic_percentage")
    if not isinstance(name, str) or name not in names:
        raise invalid(f"Traffic route names {name!r}, which is no served entity of this endpoint.")
    if not isinstance(share, int) or isinstance(share, bool) or not 0 <= share <= 100:  # noqa: PLR2004 - percent
        raise invalid(f"traffic_percentage of route {name} must be a whole number from 0 to 100.")
    return name, share
