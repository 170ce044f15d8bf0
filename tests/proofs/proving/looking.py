"""What a workspace holds, read route by route over plain HTTP: a second pair of eyes beside `provisioning`'s own."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import urllib3

if TYPE_CHECKING:
    from collections.abc import Mapping

_POOL = urllib3.PoolManager(retries=False, timeout=10)
_MARKER = "_provisioning."
_SET_TAG = "provisioning-set"


@dataclass(frozen=True)
class Thing:
    """A scope or an endpoint as it is.

    Attributes:
        owners: the sets whose marks it carries.
        state: all that the workspace says of it.
    """

    owners: frozenset[str]
    state: dict[str, Any]


class Api:
    """Calls a workspace's routes.

    Args:
        host: its URL.
        token: of the identity that calls.
    """

    def __init__(self, host: str, token: str) -> None:
        self._host = host
        self._headers = {"Authorization": f"Bearer {token}"}

    def __call__(self, method: str, path: str, body: object = None, **query: str) -> tuple[int, Any]:
        """Return the status and the JSON of the answer."""
        url = f"{self._host}{path}" + (f"?{urlencode(query)}" if query else "")
        answer = _POOL.request(method, url, json=body, headers=self._headers)
        return answer.status, answer.json()

    def get(self, path: str, **query: str) -> Any:  # noqa: ANN401 - any JSON value
        """Return the JSON of an answer that must be a 200."""
        status, body = self("GET", path, **query)
        assert status == 200, (path, status, body)
        return body


def look(api: Api) -> dict[str, Any]:
    """Return the scopes and endpoints in the terms of `World.expected`, and the sets that own them."""
    scopes = [each["name"] for each in api.get("/api/2.0/secrets/scopes/list").get("scopes", [])]
    endpoints = [
        each["name"]
        for each in api.get("/api/2.0/serving-endpoints").get("endpoints", [])
        if each.get("endpoint_type") != "FOUNDATION_MODEL_API"
    ]
    return {
        "scopes": {name: _scope(api, name) for name in scopes},
        "endpoints": {name: _endpoint(api, name) for name in endpoints},
    }


def objects(api: Api) -> dict[str, Thing]:
    """Return every scope and endpoint, by address, with all that the workspace says of it."""
    scopes = [each["name"] for each in api.get("/api/2.0/secrets/scopes/list").get("scopes", [])]
    endpoints = [
        api.get(f"/api/2.0/serving-endpoints/{each['name']}")
        for each in api.get("/api/2.0/serving-endpoints").get("endpoints", [])
        if each.get("endpoint_type") != "FOUNDATION_MODEL_API"
    ]
    return {f"secret_scopes.{name}": _whole_scope(api, name) for name in scopes} | {
        f"model_serving_endpoints.{each['name']}": _whole_endpoint(api, each) for each in endpoints
    }


def _whole_scope(api: Api, name: str) -> Thing:
    keys = {
        each["key"]: (each["last_updated_timestamp"], _value(api, name, each["key"]))
        for each in api.get("/api/2.0/secrets/list", scope=name).get("secrets", [])
    }
    markers = frozenset(each.removeprefix(_MARKER) for each in keys if each.startswith(_MARKER))
    return Thing(markers, {"keys": keys, "acls": _scope(api, name)["acls"]})


def _whole_endpoint(api: Api, found: dict[str, Any]) -> Thing:
    sets = frozenset(each["value"] for each in found.get("tags", []) if each["key"] == _SET_TAG)
    return Thing(
        sets, {"endpoint": found, "permissions": api.get(f"/api/2.0/permissions/serving-endpoints/{found['id']}")}
    )


def owners(api: Api) -> set[str]:
    """Return the ids of the sets that own anything."""
    return {owner for each in objects(api).values() for owner in each.owners}


def _scope(api: Api, name: str) -> dict[str, Any]:
    keys = [each["key"] for each in api.get("/api/2.0/secrets/list", scope=name).get("secrets", [])]
    return {
        "secrets": {key: _value(api, name, key) for key in keys if not key.startswith(_MARKER)},
        "acls": {
            each["principal"]: each["permission"]
            for each in api.get("/api/2.0/secrets/acls/list", scope=name).get("items", [])
        },
    }


def _value(api: Api, scope: str, key: str) -> str:
    return base64.b64decode(api.get("/api/2.0/secrets/get", scope=scope, key=key)["value"]).decode()


def _endpoint(api: Api, name: str) -> dict[str, Any]:
    found = api.get(f"/api/2.0/serving-endpoints/{name}")
    entities = found.get("pending_config", found.get("config", {})).get("served_entities", [])
    models = [each["external_model"] for each in entities]
    tags = {each["key"]: each.get("value") for each in found.get("tags", [])}
    limits = found.get("ai_gateway", {}).get("rate_limits", [])
    return {
        "config": [(each["name"], each["openai_config"]["openai_api_key"]) for each in models],
        "calls": limits[0]["calls"] if limits else None,
        "team": tags.get("team"),
        "grants": _grants(api.get(f"/api/2.0/permissions/serving-endpoints/{found['id']}")),
        "ready": found["state"]["ready"] == "READY" and "pending_config" not in found,
    }


def _grants(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return the direct grants of groups: the creator's own is nobody's to declare."""
    return {
        each["group_name"]: level["permission_level"]
        for each in answer.get("access_control_list", [])
        if "group_name" in each
        for level in each["all_permissions"]
        if not level.get("inherited")
    }
