"""Which served entity answers, and how each provider of OpenAI's wire format is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tests.local_workspace.conftest import Api
    from tests.local_workspace.upstreams.conftest import Upstream

CALL = "/serving-endpoints/chat/invocations"
HELLO = {"messages": [{"role": "user", "content": "Say hello"}]}
FALLBACKS = {"fallback_config": {"enabled": True}}
SERVED = "served-model-name"


def _custom(url: str, **auth: object) -> dict[str, object]:
    return {"provider": "custom", "name": "own", "custom_provider_config": {"custom_provider_url": url, **auth}}


@pytest.fixture
def two(
    put_key: Callable[..., None],
    serve: Callable[..., None],
    openai_model: Callable[..., dict[str, Any]],
    upstream: Upstream,
) -> Callable[..., None]:
    """Serves two entities on one upstream, which tells them apart by the model."""

    def make(**fields: object) -> None:
        put_key("sk-good")
        base = f"{upstream.url}/v1"
        serve(openai_model(base, name="first"), openai_model(base, name="second"), **fields)

    return make


@pytest.mark.witness("call-traffic", client="HTTP")
def test_traffic_follows_the_split(api: Api, two: Callable[..., None]) -> None:
    two(traffic=(75, 25))
    served = [api("POST", CALL, HELLO).headers[SERVED] for _ in range(80)]
    assert 50 <= served.count("entity-0") <= 70
    assert set(served) == {"entity-0", "entity-1"}


@pytest.mark.witness("call-traffic", client="HTTP")
def test_an_entity_without_traffic_is_never_chosen(api: Api, two: Callable[..., None]) -> None:
    two(traffic=(0, 100))
    assert {api("POST", CALL, HELLO).headers[SERVED] for _ in range(20)} == {"entity-1"}


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.witness("gateway-fallbacks", client="HTTP")
def test_a_fallback_answers_for_an_entity_that_fails(
    api: Api, upstream: Upstream, two: Callable[..., None], status: int
) -> None:
    two(traffic=(100, 0), ai_gateway=FALLBACKS)
    upstream.will_send(status, {"error": {"message": "busy"}})
    answer = api("POST", CALL, HELLO)
    assert (answer.status, answer.headers[SERVED]) == (200, "entity-1")
    assert [each.body["model"] for each in upstream.received] == ["first", "second"]


def test_when_all_entities_fail_the_last_error_is_told(api: Api, upstream: Upstream, two: Callable[..., None]) -> None:
    two(traffic=(100, 0), ai_gateway=FALLBACKS)
    upstream.will_send(429, {"error": {"message": "one"}})
    upstream.will_send(503, {"error": {"message": "two"}})
    answer = api("POST", CALL, HELLO)
    assert answer.status == 503
    assert answer.body["external_model_message"] == {"error": {"message": "two"}}


def test_a_callers_mistake_is_not_tried_elsewhere(api: Api, upstream: Upstream, two: Callable[..., None]) -> None:
    two(traffic=(100, 0), ai_gateway=FALLBACKS)
    upstream.will_send(400, {"error": {"message": "bad"}})
    assert api("POST", CALL, HELLO).status == 400
    assert len(upstream.received) == 1


def test_without_fallbacks_nothing_is_tried_elsewhere(api: Api, upstream: Upstream, two: Callable[..., None]) -> None:
    two(traffic=(100, 0))
    upstream.will_send(500, {"error": {"message": "down"}})
    assert api("POST", CALL, HELLO).status == 500
    assert len(upstream.received) == 1


def test_one_served_model_can_be_called_by_name(api: Api, upstream: Upstream, two: Callable[..., None]) -> None:
    two(traffic=(100, 0), ai_gateway=FALLBACKS)
    path = "/serving-endpoints/chat/served-models/{}/invocations"
    assert api("POST", path.format("entity-1"), HELLO).headers[SERVED] == "entity-1"
    upstream.will_send(500, {"error": {"message": "down"}})
    assert api("POST", path.format("entity-1"), HELLO).status == 500
    assert api("POST", path.format("none"), HELLO).error == (404, "RESOURCE_DOES_NOT_EXIST")


def test_azure_is_called_by_deployment_with_its_own_header(
    api: Api,
    upstream: Upstream,
    put_key: Callable[..., None],
    serve: Callable[..., None],
    openai_model: Callable[..., dict[str, Any]],
) -> None:
    put_key("azure-key")
    serve(
        openai_model(
            upstream.url, openai_api_type="azure", openai_api_version="2024-10-21", openai_deployment_name="my gpt"
        )
    )
    api.ok("POST", CALL, HELLO)
    seen = upstream.received[0]
    assert seen.path == "/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21"
    assert seen.headers["api-key"] == "azure-key"
    assert "Authorization" not in seen.headers


ENTRA = {
    "provider": "openai",
    "name": "gpt-4o",
    "openai_config": {
        "openai_api_type": "azuread",
        "openai_api_base": "https://mine.openai.azure.com",
        "openai_api_version": "2024-10-21",
        "openai_deployment_name": "gpt",
        "microsoft_entra_tenant_id": "tenant",
        "microsoft_entra_client_id": "client",
        "microsoft_entra_client_secret": "{{secrets/s/k}}",
    },
}


def test_azuread_exchanges_the_client_secret_for_a_token_once(
    api: Api, upstream: Upstream, put_key: Callable[..., None], serve: Callable[..., None]
) -> None:
    put_key("entra-secret")
    config = {**ENTRA["openai_config"], "openai_api_base": upstream.url}
    serve({**ENTRA, "openai_config": config})
    api.ok("POST", CALL, HELLO)
    api.ok("POST", CALL, HELLO)
    tokens = {each.headers["Authorization"] for each in upstream.received}
    assert len(tokens) == 1
    assert tokens.pop().startswith("Bearer eyJ")


def test_azuread_answers_from_the_simulators_alone(
    api: Api, put_key: Callable[..., None], serve: Callable[..., None]
) -> None:
    put_key("entra-secret")
    serve(ENTRA)
    assert api.ok("POST", CALL, HELLO)["choices"][0]["message"]["content"] == "hello"


def test_a_client_secret_that_entra_refuses_is_a_401_without_it(
    api: Api, put_key: Callable[..., None], serve: Callable[..., None]
) -> None:
    put_key("invalid-entra-secret")
    serve(ENTRA)
    answer = api("POST", CALL, HELLO)
    assert answer.status == 401
    assert "invalid-entra" not in str(answer.body)


@pytest.mark.parametrize("url", ["/v1", "/v1/", "/v1/chat/completions"])
def test_a_custom_provider_gets_a_bearer_token(
    api: Api, upstream: Upstream, put_key: Callable[..., None], serve: Callable[..., None], url: str
) -> None:
    put_key("token-1")
    serve(_custom(upstream.url + url, bearer_token_auth={"token": "{{secrets/s/k}}"}))
    api.ok("POST", CALL, HELLO)
    assert upstream.received[0].path == "/v1/chat/completions"
    assert upstream.received[0].headers["Authorization"] == "Bearer token-1"


def test_a_custom_provider_gets_its_key_in_the_header_it_named(
    api: Api, upstream: Upstream, put_key: Callable[..., None], serve: Callable[..., None]
) -> None:
    put_key("key-1")
    serve(_custom(f"{upstream.url}/v1", api_key_auth={"key": "X-My-Key", "value": "{{secrets/s/k}}"}))
    api.ok("POST", CALL, HELLO)
    assert upstream.received[0].headers["X-My-Key"] == "key-1"
    assert "Authorization" not in upstream.received[0].headers


def test_another_workspaces_endpoint_is_called_by_its_invocations(
    api: Api, upstream: Upstream, put_key: Callable[..., None], serve: Callable[..., None]
) -> None:
    put_key("dapi-1")
    config = {"databricks_workspace_url": upstream.url, "databricks_api_token": "{{secrets/s/k}}"}
    serve({"provider": "databricks-model-serving", "name": "theirs", "databricks_model_serving_config": config})
    api.ok("POST", CALL, HELLO)
    assert upstream.received[0].path == "/serving-endpoints/theirs/invocations"
    assert upstream.received[0].headers["Authorization"] == "Bearer dapi-1"
    assert upstream.received[0].body == HELLO


TASKS = {
    "llm/v1/embeddings": ({"input": ["a", "b"]}, "/v1/embeddings"),
    "llm/v1/completions": ({"prompt": "once", "max_tokens": 3}, "/v1/completions"),
}


@pytest.mark.parametrize("task", TASKS)
def test_a_task_has_its_path(
    api: Api, upstream: Upstream, serve: Callable[..., None], openai_model: Callable[..., dict[str, Any]], task: str
) -> None:
    body, path = TASKS[task]
    api.ok("POST", "/api/2.0/secrets/scopes/create", {"scope": "s"})
    api.ok("POST", "/api/2.0/secrets/put", {"scope": "s", "key": "k", "string_value": "sk-good"})
    serve({**openai_model(f"{upstream.url}/v1"), "task": task})
    api.ok("POST", CALL, body)
    assert upstream.received[0].path == path


def test_the_organization_is_sent(
    api: Api,
    upstream: Upstream,
    put_key: Callable[..., None],
    serve: Callable[..., None],
    openai_model: Callable[..., dict[str, Any]],
) -> None:
    put_key("sk-good")
    serve(openai_model(f"{upstream.url}/v1", openai_organization="org-1"))
    api.ok("POST", CALL, HELLO)
    assert upstream.received[0].headers["OpenAI-Organization"] == "org-1"


def test_a_key_with_a_line_break_is_refused_without_showing_it(
    api: Api,
    upstream: Upstream,
    on_upstream: Callable[..., None],
) -> None:
    on_upstream("line\nbreak")
    answer = api("POST", CALL, HELLO)
    assert (answer.status, upstream.received) == (400, [])
    assert answer.body["external_model_message"] == {"message": "the key cannot be sent: it holds a line break"}


def test_a_key_beyond_ascii_is_sent_as_utf_8(
    api: Api,
    upstream: Upstream,
    on_upstream: Callable[..., None],
) -> None:
    on_upstream("schlüssel")
    api.ok("POST", CALL, HELLO)
    assert upstream.received[0].headers["Authorization"].encode("latin-1").decode() == "Bearer schlüssel"
