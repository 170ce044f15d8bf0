"""Which served entity answers a call: by traffic split, by name, and by fallback after a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_workspace.errors import missing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SERVED_MODEL_HEADER = "served-model-name"
"""The answer's header that says which entity gave it."""

RETRIED_ELSEWHERE = frozenset({429, *range(500, 600)})
"""Statuses after which the next entity is tried, where fallbacks are enabled."""


def by_traffic(config: Mapping[str, Any], *, draw: float) -> Mapping[str, Any]:
    """Choose an entity by the traffic split.

    Args:
        config: The endpoint's serving config.
        draw: A number from 0 (included) to 1 (excluded) that decides.
    """
    entities: Sequence[Mapping[str, Any]] = config["served_entities"]
    routes = (config.get("traffic_config") or {}).get("routes") or ()
    position = draw * 100
    for route in routes:
        position -= route.get("traffic_percentage", 0)
        if position < 0:
            name = route.get("served_entity_name") or route.get("served_model_name")
            return next((entity for entity in entities if entity.get("name") == name), entities[0])
    return entities[0]


def by_name(config: Mapping[str, Any], name: str, *, endpoint: str) -> Mapping[str, Any]:
    """Choose the entity that the caller named.

    Raises:
        ApiError: 404 when the endpoint serves no such entity.
    """
    for entity in config["served_entities"]:
        if entity.get("name") == name:
            return dict(entity)
    raise missing(f"Served model with name '{name}' does not exist on endpoint '{endpoint}'.", request_info=True)


def with_fallbacks(
    first: Mapping[str, Any], config: Mapping[str, Any], ai_gateway: Mapping[str, Any]
) -> tuple[Mapping[str, Any], ...]:
    """The entities to try in order: the chosen one, then the others as listed if fallbacks are enabled."""
    if not (ai_gateway.get("fallback_config") or {}).get("enabled"):
        return (first,)
    others = [entity for entity in config["served_entities"] if entity.get("name") != first.get("name")]
    return (first, *others)
