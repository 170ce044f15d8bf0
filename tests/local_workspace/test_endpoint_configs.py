from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from local_workspace import LocalWorkspace
    from tests.local_workspace.conftest import Api

ENDPOINTS = "/api/2.0/serving-endpoints"
CUSTOM = {"entity_name": "main.ml.model", "entity_version": "3", "scale_to_zero_enabled": True}


@pytest.fixture
def refusal(api: Api) -> Callable[[dict[str, Any]], str]:
    """Creates an endpoint with a config that must be refused, and returns the message."""

    def refused(config: dict[str, Any]) -> str:
        answer = api("POST", ENDPOINTS, {"name": "chat", "config": config})
        assert answer.error == (400, "INVALID_PARAMETER_VALUE")
        assert api("GET", f"{ENDPOINTS}/chat").status == 404
        return answer.body["message"]

    return refused


def routes(**shares: dict[str, int]) -> dict[str, Any]:
    return {"routes": [{"served_entity_name": name, "traffic_percentage": share} for name, share in shares.items()]}


def test_sixteen_entities_are_one_too_many(
    api: Api, refusal: Callable[[dict[str, Any]], str], openai_entity: Callable[..., dict[str, Any]]
) -> None:
    names = [f"m{number}" for number in range(16)]
    shares = routes(**{name: 100 if name == "m0" else 0 for name in names})
    config = {"served_entities": [openai_entity(name) for name in names], "traffic_config": shares}
    assert "at most 15" in refusal(config)
    config["served_entities"].pop()
    config["traffic_config"]["routes"].pop()
    api.ok("POST", ENDPOINTS, {"name": "chat", "config": config})


def test_two_entities_need_a_traffic_config(
    refusal: Callable[[dict[str, Any]], str], openai_entity: Callable[..., dict[str, Any]]
) -> None:
    assert "traffic_config is required" in refusal({"served_entities": [openai_entity("a"), openai_entity("b")]})


@pytest.mark.parametrize("shares", [{"a": 50, "b": 49}, {"a": 100, "b": 1}, {"a": 0, "b": 0}])
def test_traffic_must_sum_to_a_hundred(
    refusal: Callable[[dict[str, Any]], str], openai_entity: Callable[..., dict[str, Any]], shares: dict[str, int]
) -> None:
    config = {"served_entities": [openai_entity("a"), openai_entity("b")], "traffic_config": routes(**shares)}
    assert "sum to 100" in refusal(config)


@pytest.mark.parametrize("share", [-1, 101, 50.5, "100", None, True])
def test_a_share_is_a_whole_percentage(
    refusal: Callable[[dict[str, Any]], str], openai_entity: Callable[..., dict[str, Any]], share: object
) -> None:
    assert "traffic_percentage" in refusal({"served_entities": [openai_entity("a")], "traffic_config": routes(a=share)})


def test_a_route_names_a_served_entity(
    refusal: Callable[[dict[str, Any]], str], openai_entity: Callable[..., dict[str, Any]]
) -> None:
    assert "'b'" in refusal({"served_entities": [openai_entity("a")], "traffic_config": routes(b=100)})


def test_entity_names_are_unique(
    refusal: Callable[[dict[str, Any]], str], openai_entity: Callable[..., dict[str, Any]]
) -> None:
    config = {"served_entities": [openai_entity("a"), openai_entity("a")], "traffic_config": routes(a=100)}
    assert "unique" in refusal(config)


def test_external_and_custom_models_are_never_mixed(
    refusal: Callable[[dict[str, Any]], str], openai_entity: Callable[..., dict[str, Any]]
) -> None:
    config = {
        "served_entities": [openai_entity("a"), {**CUSTOM, "name": "b"}],
        "traffic_config": routes(a=100, b=0),
    }
    assert "together" in refusal(config)


def test_an_endpoint_has_one_task(
    refusal: Callable[[dict[str, Any]], str], openai_entity: Callable[..., dict[str, Any]]
) -> None:
    embeddings = openai_entity("b")
    embeddings["external_model"]["task"] = "llm/v1/embeddings"
    config = {"served_entities": [openai_entity("a"), embeddings], "traffic_config": routes(a=100, b=0)}
    assert "same task" in refusal(config)


@pytest.mark.parametrize(
    "field",
    [
        {"min_provisioned_throughput": 0},
        {"max_provisioned_throughput": 0},
        {"workload_size": "Small"},
        {"scale_to_zero_enabled": False},
        {"entity_version": "1"},
    ],
)
def test_an_external_model_takes_no_field_of_a_custom_one_not_even_zero(
    refusal: Callable[[dict[str, Any]], str], openai_entity: Callable[..., dict[str, Any]], field: object
) -> None:
    assert next(iter(field)) in refusal({"served_entities": [openai_entity(**field)]})


def test_a_custom_model_must_say_whether_it_scales_to_zero_in_the_real_words(
    refusal: Callable[[dict[str, Any]], str],
) -> None:
    config = {"served_entities": [{"entity_name": "main.ml.model", "entity_version": "3"}]}
    assert refusal(config) == "scaleToZeroEnabled is undefined. Please set it to either true or false."


@pytest.mark.parametrize("missing", ["entity_name", "entity_version"])
def test_a_custom_model_needs_name_and_version(refusal: Callable[[dict[str, Any]], str], missing: str) -> None:
    entity = {key: value for key, value in CUSTOM.items() if key != missing}
    assert missing in refusal({"served_entities": [entity]})


def test_served_entities_and_served_models_exclude_each_other(
    refusal: Callable[[dict[str, Any]], str], openai_entity: Callable[..., dict[str, Any]]
) -> None:
    assert "Only one of" in refusal({"served_entities": [openai_entity()], "served_models": [CUSTOM]})


@pytest.mark.parametrize("entities", ["text", {"a": 1}, [1], [None], 7])
def test_entities_are_a_list_of_objects(refusal: Callable[[dict[str, Any]], str], entities: object) -> None:
    assert "served_entities" in refusal({"served_entities": entities})


def test_an_unnamed_external_entity_is_named_after_its_model(
    api: Api, openai_entity: Callable[..., dict[str, Any]], workspace: LocalWorkspace
) -> None:
    entity = openai_entity("gpt-4.1:mini")
    del entity["name"]
    api.ok("POST", ENDPOINTS, {"name": "chat", "config": {"served_entities": [entity]}})
    workspace.clock.advance(5)
    config = api.ok("GET", f"{ENDPOINTS}/chat")["config"]
    assert config["served_entities"][0]["name"] == "gpt-4-1-mini"
    assert config["traffic_config"]["routes"][0]["served_entity_name"] == "gpt-4-1-mini"


REFERENCE = "{{secrets/s/k}}"
PROVIDERS = {
    "ai21labs": {"ai21labs_config": {"ai21labs_api_key": REFERENCE}},
    "amazon-bedrock": {
        "amazon_bedrock_config": {
            "aws_region": "us-east-1",
            "bedrock_provider": "Anthropic",
            "aws_access_key_id": REFERENCE,
            "aws_secret_access_key": REFERENCE,
        }
    },
    "anthropic": {"anthropic_config": {"anthropic_api_key": REFERENCE}},
    "cohere": {"cohere_config": {"cohere_api_key": REFERENCE}},
    "custom": {
        "custom_provider_config": {
            "custom_provider_url": "https://models.example.com",
            "bearer_token_auth": {"token": REFERENCE},
        }
    },
    "databricks-model-serving": {
        "databricks_model_serving_config": {
            "databricks_workspace_url": "https://other.example.com",
            "databricks_api_token": REFERENCE,
        }
    },
    "google-cloud-vertex-ai": {
        "google_cloud_vertex_ai_config": {"project_id": "p", "region": "r", "private_key": REFERENCE}
    },
    "openai": {"openai_config": {"openai_api_key": REFERENCE}},
    "palm": {"palm_config": {"palm_api_key": REFERENCE}},
}


def external(provider: str, **changes: object) -> dict[str, Any]:
    model = {"provider": provider, "name": "m", "task": "llm/v1/chat", **copy.deepcopy(PROVIDERS[provider]), **changes}
    return {"served_entities": [{"name": "m", "external_model": model}]}


def fields_of(provider: str) -> Iterator[tuple[str, tuple[str, ...], str, str]]:
    """Every (provider, parents, field, value) of a provider's config, nested blocks included."""
    ((key, config),) = PROVIDERS[provider].items()
    for field, value in config.items():
        if isinstance(value, dict):
            yield from ((provider, (key, field), inner, text) for inner, text in value.items())
        else:
            yield provider, (key,), field, value


FIELDS = [case for provider in PROVIDERS for case in fields_of(provider)]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_provider_is_taken_with_its_own_config(api: Api, provider: str) -> None:
    api.ok("POST", ENDPOINTS, {"name": "chat", "config": external(provider)})


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_provider_is_refused_with_anothers_config(refusal: Callable[[dict[str, Any]], str], provider: str) -> None:
    other = "cohere" if provider != "cohere" else "palm"
    assert "does not belong" in refusal(external(provider, **PROVIDERS[other]))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_provider_is_refused_without_its_config(refusal: Callable[[dict[str, Any]], str], provider: str) -> None:
    assert "required" in refusal(external(provider, **dict.fromkeys(PROVIDERS[provider])))


@pytest.mark.parametrize(("provider", "parents", "field"), [case[:3] for case in FIELDS])
def test_each_field_that_a_provider_needs_is_asked_for(
    refusal: Callable[[dict[str, Any]], str], provider: str, parents: tuple[str, ...], field: object
) -> None:
    config = external(provider)
    holder = config["served_entities"][0]["external_model"]
    for parent in parents:
        holder = holder[parent]
    del holder[field]
    assert field in refusal(config)


@pytest.mark.parametrize(("provider", "parents", "field"), [case[:3] for case in FIELDS if case[3] == REFERENCE])
def test_a_key_comes_by_reference_or_in_plain_text_and_never_both(
    api: Api, refusal: Callable[[dict[str, Any]], str], provider: str, parents: tuple[str, ...], field: object
) -> None:
    config = external(provider)
    holder = config["served_entities"][0]["external_model"]
    for parent in parents:
        holder = holder[parent]
    holder[f"{field}_plaintext"] = "sk-canary"
    message = refusal(config)
    assert field in message
    assert "sk-canary" not in message
    del holder[field]
    shown = api.ok("POST", ENDPOINTS, {"name": "chat", "config": config})
    assert "sk-canary" not in str(shown)


def test_an_unknown_provider_or_task_is_refused(refusal: Callable[[dict[str, Any]], str]) -> None:
    config = external("openai")
    config["served_entities"][0]["external_model"]["provider"] = "acme"
    assert "provider" in refusal(config)
    assert "task" in refusal(external("openai", task="llm/v2/chat"))


@pytest.mark.parametrize(
    "missing", ["openai_api_base", "openai_api_version", "openai_deployment_name", "openai_api_key"]
)
def test_azure_needs_base_version_deployment_and_key(
    refusal: Callable[[dict[str, Any]], str], api: Api, missing: str
) -> None:
    azure = {
        "openai_api_type": "azure",
        "openai_api_base": "https://x.openai.azure.com",
        "openai_api_version": "2024-10-21",
        "openai_deployment_name": "d",
        "openai_api_key": REFERENCE,
    }
    assert missing in refusal(external("openai", openai_config={**azure, missing: None}))
    api.ok("POST", ENDPOINTS, {"name": "chat", "config": external("openai", openai_config=azure)})


@pytest.mark.parametrize(
    "missing", ["microsoft_entra_client_id", "microsoft_entra_tenant_id", "microsoft_entra_client_secret"]
)
def test_azuread_needs_the_entra_trio(refusal: Callable[[dict[str, Any]], str], api: Api, missing: str) -> None:
    azuread = {
        "openai_api_type": "azuread",
        "openai_api_base": "https://x.openai.azure.com",
        "openai_api_version": "2024-10-21",
        "openai_deployment_name": "d",
        "microsoft_entra_client_id": "c",
        "microsoft_entra_tenant_id": "t",
        "microsoft_entra_client_secret": REFERENCE,
    }
    assert missing in refusal(external("openai", openai_config={**azuread, missing: None}))
    api.ok("POST", ENDPOINTS, {"name": "chat", "config": external("openai", openai_config=azuread)})


@pytest.mark.parametrize(
    ("auth", "taken"),
    [
        ({"instance_profile_arn": "arn"}, True),
        ({"uc_service_credential_name": "c"}, True),
        ({}, False),
        ({"instance_profile_arn": "arn", "uc_service_credential_name": "c"}, False),
        ({"aws_access_key_id": REFERENCE, "aws_secret_access_key_plaintext": "sk-canary"}, True),
    ],
)
def test_bedrock_has_exactly_one_way_to_authenticate(api: Api, auth: dict[str, str], *, taken: bool) -> None:
    bedrock = {"aws_region": "us-east-1", "bedrock_provider": "amazon", **auth}
    answer = api(
        "POST", ENDPOINTS, {"name": "chat", "config": external("amazon-bedrock", amazon_bedrock_config=bedrock)}
    )
    assert answer.status == (200 if taken else 400)


def test_a_key_pasted_where_a_reference_belongs_is_refused_and_not_repeated(
    refusal: Callable[[dict[str, Any]], str], openai_entity: Callable[..., dict[str, Any]]
) -> None:
    message = refusal({"served_entities": [openai_entity(key="sk-canary")]})
    assert "{{secrets/<scope>/<key>}}" in message
    assert "sk-canary" not in message


LIMIT = {"calls": 1, "renewal_period": "minute", "key": "user"}


@pytest.mark.parametrize(
    ("gateway", "word"),
    [
        ({"rate_limits": [{**LIMIT, "tokens": 1}]}, "exactly one"),
        ({"rate_limits": [{"renewal_period": "minute"}]}, "exactly one"),
        ({"rate_limits": [{**LIMIT, "renewal_period": "hour"}]}, "renewal_period"),
        ({"rate_limits": [{**LIMIT, "calls": -1}]}, "calls"),
        ({"rate_limits": [{**LIMIT, "key": "team"}]}, "key"),
        ({"rate_limits": [{**LIMIT, "key": "user_group"}]}, "principal"),
        ({"rate_limits": [{**LIMIT, "key": "endpoint", "principal": "x"}]}, "principal"),
        ({"rate_limits": [LIMIT] * 21}, "at most 20"),
        ({"rate_limits": [{**LIMIT, "key": "user_group", "principal": "g"}] * 6}, "at most 5"),
        ({"rate_limits": "many"}, "rate_limits"),
        ({"guardrails": {"input": {"pii": {"behavior": "SHOUT"}}}}, "pii"),
        ({"guardrails": []}, "guardrails"),
        ({"inference_table_config": {"enabled": True}}, "catalog_name"),
    ],
)
def test_a_gateway_that_breaks_a_rule_is_refused(
    api: Api, create: Callable[..., dict[str, Any]], gateway: dict[str, Any], word: str
) -> None:
    create()
    answer = api("PUT", f"{ENDPOINTS}/chat/ai-gateway", gateway)
    assert answer.error == (400, "INVALID_PARAMETER_VALUE")
    assert word in answer.body["message"]


def test_an_inference_table_moves_only_by_way_of_disabled(api: Api, create: Callable[..., dict[str, Any]]) -> None:
    create()
    table = {"enabled": True, "catalog_name": "c", "schema_name": "s"}
    shown = api.ok("PUT", f"{ENDPOINTS}/chat/ai-gateway", {"inference_table_config": table})
    assert shown["inference_table_config"]["table_name_prefix"] == "chat"
    moved = {"inference_table_config": {**table, "schema_name": "other"}}
    assert api("PUT", f"{ENDPOINTS}/chat/ai-gateway", moved).error == (400, "INVALID_PARAMETER_VALUE")
    api.ok("PUT", f"{ENDPOINTS}/chat/ai-gateway", {"inference_table_config": {**table, "enabled": False}})
    api.ok("PUT", f"{ENDPOINTS}/chat/ai-gateway", moved)


def test_where_auto_capture_writes_never_changes(api: Api, workspace: LocalWorkspace) -> None:
    capture = {"catalog_name": "c", "schema_name": "s", "enabled": True}
    config = {"served_entities": [CUSTOM], "auto_capture_config": capture}
    api.ok("POST", ENDPOINTS, {"name": "custom", "config": config})
    workspace.clock.advance(60)
    moved = {**config, "auto_capture_config": {**capture, "schema_name": "other"}}
    assert api("PUT", f"{ENDPOINTS}/custom/config", moved).error == (400, "INVALID_PARAMETER_VALUE")
    api.ok("PUT", f"{ENDPOINTS}/custom/config", {**config, "auto_capture_config": {**capture, "enabled": False}})
