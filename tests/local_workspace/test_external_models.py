from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from tests.local_workspace.conftest import Api

ENDPOINTS = "/api/2.0/serving-endpoints"

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
@pytest.mark.witness("config-provider-fields", client="HTTP")
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
@pytest.mark.witness("config-key-pair", client="HTTP")
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
@pytest.mark.witness("config-azure", client="HTTP")
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
@pytest.mark.witness("config-azure", client="HTTP")
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
@pytest.mark.witness("config-bedrock-auth", client="HTTP")
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
