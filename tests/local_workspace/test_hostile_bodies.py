"""Every value of a whole, valid body replaced by every kind of wrong one: refused or taken, never a 5xx."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.local_workspace.conftest import Api

ENDPOINTS = "/api/2.0/serving-endpoints"
SECRETS = "/api/2.0/secrets"
WRONG: list[Any] = [None, 1, -1, 1.5, 10**30, True, "x", "", "\ud800", [], [1], [None], {}, {"a": 1}, [[]], [{}]]

EXTERNAL = {
    "served_entities": [
        {
            "name": "m",
            "external_model": {
                "provider": "custom",
                "name": "m",
                "task": "llm/v1/chat",
                "custom_provider_config": {
                    "custom_provider_url": "https://models.example.com",
                    "api_key_auth": {"key": "k", "value_plaintext": "v"},
                },
            },
        }
    ],
    "traffic_config": {"routes": [{"served_entity_name": "m", "traffic_percentage": 100}]},
}
CUSTOM = {
    "served_entities": [{"entity_name": "a.b.c", "entity_version": "1", "scale_to_zero_enabled": True}],
    "auto_capture_config": {"enabled": True, "catalog_name": "c", "schema_name": "s"},
}
GATEWAY = {
    "fallback_config": {"enabled": True},
    "guardrails": {"input": {"safety": True, "pii": {"behavior": "BLOCK"}, "invalid_keywords": ["x"]}},
    "inference_table_config": {"enabled": True, "catalog_name": "c", "schema_name": "s", "table_name_prefix": "p"},
    "rate_limits": [{"calls": 1, "key": "user_group", "principal": "g", "renewal_period": "minute"}],
    "usage_tracking_config": {"enabled": True},
}
ENDPOINT = {
    "name": "new",
    "config": EXTERNAL,
    "ai_gateway": GATEWAY,
    "tags": [{"key": "a", "value": "b"}],
    "description": "d",
    "route_optimized": False,
    "email_notifications": {"on_update_success": ["a@example.com"]},
    "budget_policy_id": "p",
    "rate_limits": [{"calls": 1, "key": "user", "renewal_period": "minute"}],
}
GRANTS = {"access_control_list": [{"group_name": "users", "permission_level": "CAN_VIEW"}]}
BODIES = {
    ("POST", ENDPOINTS): ENDPOINT,
    ("PUT", f"{ENDPOINTS}/chat/config"): EXTERNAL,
    ("PUT", f"{ENDPOINTS}/custom/config"): CUSTOM,
    ("PUT", f"{ENDPOINTS}/chat/ai-gateway"): GATEWAY,
    ("PUT", f"{ENDPOINTS}/chat/rate-limits"): {"rate_limits": ENDPOINT["rate_limits"]},
    ("PATCH", f"{ENDPOINTS}/chat/tags"): {"add_tags": [{"key": "a", "value": "b"}], "delete_tags": ["c"]},
    ("PATCH", f"{ENDPOINTS}/chat/notifications"): {"email_notifications": {"on_update_failure": ["a@example.com"]}},
    ("PATCH", f"{ENDPOINTS}/custom/telemetry-config"): {
        "telemetry_config": {"telemetry_profile_id": "p", "table_names": {"logs_table": "t"}}
    },
    ("POST", f"{ENDPOINTS}/pt"): {
        "name": "new",
        "config": {"served_entities": [{"entity_name": "system.ai.m", "provisioned_model_units": 1}]},
    },
    ("PUT", "/api/2.0/permissions/serving-endpoints/{id}"): GRANTS,
    ("PATCH", "/api/2.0/permissions/serving-endpoints/{id}"): GRANTS,
    ("POST", f"{SECRETS}/scopes/create"): {
        "scope": "s",
        "scope_backend_type": "AZURE_KEYVAULT",
        "backend_azure_keyvault": {"resource_id": "r", "dns_name": "d"},
    },
    ("POST", f"{SECRETS}/put"): {"scope": "team", "key": "k", "string_value": "v"},
    ("POST", f"{SECRETS}/acls/put"): {"scope": "team", "principal": "users", "permission": "READ"},
    ("POST", "/_local/faults"): {"faults": [{"match": {"method": "X"}, "kind": "status", "times": 1}], "seed": 1},
    ("POST", "/_local/clock"): {"advance": 1},
    ("POST", "/_local/deployments"): {"match": "x", "outcome": "failed", "message": "m", "seconds": 1},
}


def spoiled(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:  # noqa: ANN401 - JSON
    """Every place in a JSON value, with every wrong value for it."""
    if path:
        yield from ((path, wrong) for wrong in WRONG)
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield from spoiled(each, (*path, key))


def replaced(body: Any, path: tuple[str | int, ...], wrong: object) -> Any:  # noqa: ANN401 - JSON
    changed = copy.deepcopy(body)
    holder = changed
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = wrong
    return changed


@pytest.mark.parametrize(("method", "path"), BODIES, ids=lambda part: part)
def test_no_wrong_value_anywhere_is_a_5xx(api: Api, method: str, path: str) -> None:
    body = BODIES[method, path]
    created = api.ok("POST", ENDPOINTS, {"name": "chat"})
    api.ok("POST", ENDPOINTS, {"name": "custom"})
    api.ok("POST", f"{SECRETS}/scopes/create", {"scope": "team"})
    path = path.format(id=created["id"])
    for place, wrong in spoiled(body):
        answer = api(method, path, replaced(body, place, wrong))
        assert answer.status < 500, (place, wrong, answer)
        if answer.status == 200 and not path.startswith("/_local/"):
            # What was taken can be shown again.
            api.ok("GET", ENDPOINTS)
        if path == ENDPOINTS:
            api("DELETE", f"{ENDPOINTS}/new")


@pytest.mark.parametrize(
    "raw",
    [
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": "\\ud800"}',
        b'{"name": "x", "ai_gateway": {"usage_tracking_config": {"a": 1e999}}}',
    ],
)
def test_what_json_cannot_hold_is_refused(api: Api, raw: bytes) -> None:
    assert api("POST", ENDPOINTS, raw=raw).status == 400
