from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from local_workspace import Behaviour, LocalWorkspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tests.local_workspace.conftest import Api

ENDPOINTS = "/api/2.0/serving-endpoints"


@pytest.mark.witness("key-plaintext-hidden", "key-plaintext-reference", client="HTTP")
def test_a_key_in_plain_text_is_never_echoed(
    api: Api, openai_entity: Callable[..., dict[str, Any]], workspace: LocalWorkspace
) -> None:
    entity = openai_entity()
    entity["external_model"]["openai_config"] = {"openai_api_key_plaintext": "sk-canary"}
    created = api.ok("POST", ENDPOINTS, {"name": "chat", "config": {"served_entities": [entity]}})
    assert created["pending_config"]["served_entities"][0]["external_model"]["openai_config"] == {}
    workspace.clock.advance(5)
    for path in ("", "/chat"):
        assert "sk-canary" not in str(api.ok("GET", ENDPOINTS + path))
    serving = workspace._workspace.endpoints.serving(
        "chat", identity=workspace._workspace.identities.get("local-admin@example.com")
    )
    reference = serving.config["served_entities"][0]["external_model"]["openai_config"]["openai_api_key"]
    assert workspace._workspace.resolve_secret(reference, creator=serving.creator) == "sk-canary"


def test_a_plain_text_key_goes_with_the_config_that_brought_it(
    api: Api, openai_entity: Callable[..., dict[str, Any]], workspace: LocalWorkspace
) -> None:
    entity = openai_entity()
    entity["external_model"]["openai_config"] = {"openai_api_key_plaintext": "sk-canary"}
    api.ok("POST", ENDPOINTS, {"name": "chat", "config": {"served_entities": [entity]}})
    workspace.clock.advance(5)
    values = "SELECT count(*) AS n FROM secrets"
    store = workspace._workspace.secrets._store
    for _ in range(2):
        api.ok("PUT", f"{ENDPOINTS}/chat/config", {"served_entities": [openai_entity()]})
        workspace.clock.advance(5)
    assert store.row(values)["n"] == 0


@pytest.mark.witness("key-plaintext-reference", client="HTTP")
def test_a_reference_can_be_shown_for_a_plain_text_key(
    api_of: Callable[..., Api], openai_entity: Callable[..., dict[str, Any]]
) -> None:
    entity = openai_entity()
    entity["external_model"]["openai_config"] = {"openai_api_key_plaintext": "sk-canary"}
    with LocalWorkspace(deploy_seconds=0, behaviour=Behaviour(plaintext_reference_shown=True)) as workspace:
        api = api_of(workspace.host, workspace.token)
        shown = api.ok("POST", ENDPOINTS, {"name": "chat", "config": {"served_entities": [entity]}})
    key = shown["config"]["served_entities"][0]["external_model"]["openai_config"]["openai_api_key"]
    assert re.fullmatch(r"\{\{secrets/endpoint:[0-9a-f]{32}/[0-9a-f]{32}\}\}", key)


def test_nobody_reaches_another_endpoints_plain_text_key_by_its_reference(
    api: Api, openai_entity: Callable[..., dict[str, Any]]
) -> None:
    stolen = "{{secrets/endpoint:0123456789abcdef0123456789abcdef/00000000000000000000000000000000}}"
    body = {"name": "thief", "config": {"served_entities": [openai_entity(key=stolen)]}}
    assert api("POST", ENDPOINTS, body).error == (400, "INVALID_PARAMETER_VALUE")
    answer = api("GET", "/api/2.0/secrets/list?scope=endpoint:0123456789abcdef0123456789abcdef")
    assert answer.error == (404, "RESOURCE_DOES_NOT_EXIST")
