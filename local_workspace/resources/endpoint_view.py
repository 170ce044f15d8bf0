"""A serving endpoint as the API shows it: what is echoed, what is hidden, what the server adds."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from local_workspace.lifecycle import CONFIG_UPDATE, DEPLOYMENT, Deployment, Update
from local_workspace.resources import endpoint_configs, external_models
from local_workspace.resources.secrets import is_hidden

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_workspace.resources.endpoint_record import Endpoint
    from local_workspace.resources.last_calls import LastCalls
    from local_workspace.settings import Behaviour

_NOT_ECHOED = ("burst_scaling_enabled",)
_SUMMARY = ("name", "entity_name", "entity_version", "external_model", "foundation_model")


@dataclass(frozen=True)
class Seen:
    """How an endpoint is looked at.

    Attributes:
        now_ms: the time.
        behaviour: the switches.
        last_calls: when custom models were called.
    """

    now_ms: int
    behaviour: Behaviour
    last_calls: LastCalls


class Shown(dict[str, Any]):
    """What GET answers, not to be changed: its JSON is made once, however often it is asked for."""

    @cached_property
    def json(self) -> bytes:
        """The answer's body."""
        return json.dumps(self, ensure_ascii=False, separators=(",", ":")).encode()


def detailed(endpoint: Endpoint, *, level: str, seen: Seen) -> dict[str, Any]:
    """Return what GET, create and update answer.

    Args:
        endpoint: the stored endpoint.
        level: the caller's permission level.
        seen: when, and by which rules.
    """
    if endpoint.foundation:
        return _foundation(endpoint, level=level)
    shown = _common(endpoint, level=level, seen=seen)
    configs = endpoint.deployments.seen_at(seen.now_ms)
    if configs.serving is not None:
        shown["config"] = _config(endpoint, configs.serving, update=Update.NONE, seen=seen)
    if configs.pending is not None:
        update = endpoint.deployments.update(seen.now_ms)
        shown["pending_config"] = {
            **_config(endpoint, configs.pending, update=update, seen=seen),
            "start_time": configs.pending.started_ms,
        }
    shown["route_optimized"] = endpoint.route_optimized
    shown["resource_credential_strategy"] = "EMBEDDED_CREDENTIALS"
    if endpoint.email_notifications is not None:
        shown["email_notifications"] = endpoint.email_notifications
    if endpoint.budget_policy_id is not None:
        shown["effective_budget_policy_id"] = endpoint.budget_policy_id
    if endpoint.telemetry_config is not None:
        shown["telemetry_config"] = _telemetry(endpoint.telemetry_config)
    return shown


def summary(endpoint: Endpoint, *, level: str, seen: Seen) -> dict[str, Any]:
    """Return an item of the list."""
    if endpoint.foundation:
        return _foundation(endpoint, level=level)
    shown = _common(endpoint, level=level, seen=seen)
    serving = endpoint.deployments.seen_at(seen.now_ms).serving
    if serving is not None:
        entities = _config(endpoint, serving, update=Update.NONE, seen=seen)["served_entities"]
        shown["config"] = {
            "served_entities": [{key: each[key] for key in _SUMMARY if key in each} for each in entities]
        }
    return shown


def _common(endpoint: Endpoint, *, level: str, seen: Seen) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": endpoint.name,
        "id": endpoint.id,
        "creator": endpoint.creator,
        "creator_display_name": endpoint.creator.partition("@")[0],
        "creator_kind": endpoint.creator_kind,
        "creation_timestamp": endpoint.created_ms,
        "last_updated_timestamp": endpoint.updated_ms,
        "state": _state(endpoint, seen),
        "permission_level": level,
        "description": endpoint.description,
        "tags": [{"key": key, "value": value} for key, value in sorted(endpoint.tags.items())],
    }
    current = endpoint.current
    if current is not None:
        external = endpoint_configs.is_external(current.config)
        shown["endpoint_type"] = "EXTERNAL_MODEL" if external else "UNITY_CATALOG_MODEL"
        task = endpoint_configs.task_of(current.config) or current.task
        if task is not None:
            shown["task"] = task
    if endpoint.ai_gateway is not None:
        shown["ai_gateway"] = endpoint.ai_gateway
    return shown


def _state(endpoint: Endpoint, seen: Seen) -> dict[str, str]:
    update = endpoint.deployments.update(seen.now_ms)
    ready = endpoint.deployments.seen_at(seen.now_ms).serving is not None
    if update is Update.RUNNING and not seen.behaviour.ready_during_update:
        ready = False
    return {
        "ready": "READY" if ready else "NOT_READY",
        "config_update": CONFIG_UPDATE[update],
        "suspend": "NOT_SUSPENDED",
    }


def _config(endpoint: Endpoint, deployment: Deployment, *, update: Update, seen: Seen) -> dict[str, Any]:
    stored = deployment.config
    external = endpoint_configs.is_external(stored)
    entities = [
        _entity(each, deployment, state=_entity_state(each, endpoint, deployment, update=update, seen=seen), seen=seen)
        # The server sorts them by name, whatever order they were sent in; a call's fallbacks keep that order.
        for each in sorted(stored["served_entities"], key=lambda each: str(each["name"]))
    ]
    shown = {**stored, "served_entities": entities, "config_version": deployment.version}
    if not external or seen.behaviour.external_served_models:
        shown["served_models"] = [_as_served_model(each) for each in entities]
    return shown


def _entity(entity: dict[str, Any], deployment: Deployment, *, state: Mapping[str, str], seen: Seen) -> dict[str, Any]:
    shown = {key: value for key, value in entity.items() if key not in _NOT_ECHOED}
    model = shown.get("external_model")
    if model is not None and not seen.behaviour.plaintext_reference_shown:
        shown["external_model"] = _without_hidden_references(model)
    shown["creator"] = deployment.creator
    shown["creation_timestamp"] = deployment.started_ms
    if model is None or seen.behaviour.external_entity_state:
        shown["state"] = state
    return shown


def _without_hidden_references(model: dict[str, Any]) -> dict[str, Any]:
    """The model without what stands for keys that were given in plain text."""
    if not _hidden_references(model):
        return model
    shown = copy.deepcopy(model)
    for holder, field in _hidden_references(shown):
        del holder[field]
    return shown


def _hidden_references(model: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    secrets = external_models.secrets_of(model)
    return [(holder, field) for holder, field, _plaintext in secrets if is_hidden(str(holder.get(field, "")))]


def _entity_state(
    entity: Mapping[str, Any], endpoint: Endpoint, deployment: Deployment, *, update: Update, seen: Seen
) -> dict[str, str]:
    called_ms = seen.last_calls.of(endpoint.id, entity["name"])
    message = ""
    if update in {Update.FAILED, Update.CANCELED}:
        message = deployment.message
    elif update is Update.NONE and deployment.scaled_to_zero(entity, called_ms=called_ms, now_ms=seen.now_ms):
        message = "Scaled to zero"
    return {"deployment": DEPLOYMENT[update], "deployment_state_message": message}


def _as_served_model(entity: Mapping[str, Any]) -> dict[str, Any]:
    renamed = {"entity_name": "model_name", "entity_version": "model_version"}
    return {renamed.get(key, key): value for key, value in entity.items()}


def _telemetry(config: Mapping[str, Any]) -> dict[str, Any]:
    # table_names is write-only; what the table came to be called is shown instead.
    shown = {key: value for key, value in config.items() if key != "table_names"}
    logs = (config.get("table_names") or {}).get("logs_table")
    if logs:
        shown["inference_table_config"] = {**shown.get("inference_table_config", {}), "name": f"{logs}_payload"}
    return shown


def _foundation(endpoint: Endpoint, *, level: str) -> dict[str, Any]:
    serving = endpoint.deployments.serving
    shown: dict[str, Any] = {
        "name": endpoint.name,
        "capabilities": {"function_calling": endpoint.task == "llm/v1/chat"},
        "config": {} if serving is None else {"served_entities": serving.config["served_entities"]},
        "creation_timestamp": endpoint.created_ms,
        "last_updated_timestamp": endpoint.updated_ms,
        "endpoint_type": "FOUNDATION_MODEL_API",
        "permission_level": level,
        "state": {"ready": "READY", "config_update": "NOT_UPDATING"},
        "task": endpoint.task,
    }
    if endpoint.ai_gateway is not None:
        shown["ai_gateway"] = endpoint.ai_gateway
    return shown
