"""Whatever a config may say: it applies, and the next plan is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.provisioning.conftest import Configs, Provision, Writes

pytestmark = pytest.mark.usefixtures("workspace")

REFERENCE = "{{secrets/llm/openai-key}}"
AZURE = {
    "openai_api_type": "azure",
    "openai_api_base": "https://x.openai.azure.com",
    "openai_api_version": "2024-06-01",
    "openai_deployment_name": "d",
}
PROVIDERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "openai": ("openai", "openai_config", {"openai_api_key": REFERENCE, "openai_organization": "o"}),
    "openai-typed": ("openai", "openai_config", {"openai_api_key": REFERENCE, "openai_api_type": "openai"}),
    "azure": ("openai", "openai_config", {**AZURE, "openai_api_key": REFERENCE}),
    "azuread": (
        "openai",
        "openai_config",
        {
            **AZURE,
            "openai_api_type": "azuread",
            "microsoft_entra_client_id": "c",
            "microsoft_entra_tenant_id": "t",
            "microsoft_entra_client_secret": REFERENCE,
        },
    ),
    "plaintext": ("openai", "openai_config", {"openai_api_key_plaintext": "sk-in-the-clear"}),
    "anthropic": ("anthropic", "anthropic_config", {"anthropic_api_key": REFERENCE}),
    "bedrock": (
        "amazon-bedrock",
        "amazon_bedrock_config",
        {
            "aws_region": "eu-west-1",
            "bedrock_provider": "Anthropic",
            "aws_access_key_id": REFERENCE,
            "aws_secret_access_key": REFERENCE,
        },
    ),
    "cohere": ("cohere", "cohere_config", {"cohere_api_key": REFERENCE}),
    "vertex": (
        "google-cloud-vertex-ai",
        "google_cloud_vertex_ai_config",
        {"project_id": "p", "region": "europe-west1", "private_key": REFERENCE},
    ),
    "databricks": (
        "databricks-model-serving",
        "databricks_model_serving_config",
        {"databricks_workspace_url": "https://w.cloud.databricks.com", "databricks_api_token": REFERENCE},
    ),
    "custom-bearer": (
        "custom",
        "custom_provider_config",
        {"custom_provider_url": "https://llm.example.com/v1", "bearer_token_auth": {"token": REFERENCE}},
    ),
    "custom-header": (
        "custom",
        "custom_provider_config",
        {"custom_provider_url": "https://llm.example.com/v1", "api_key_auth": {"key": "X-Key", "value": REFERENCE}},
    ),
    "ai21labs": ("ai21labs", "ai21labs_config", {"ai21labs_api_key": REFERENCE}),
    "palm": ("palm", "palm_config", {"palm_api_key": REFERENCE}),
}


def settles(provision: Provision, configs: Configs, *flags: str) -> None:
    applied = provision("apply", configs.write(), "--yes", *flags)
    assert applied.code == 0, applied.err
    again = provision("plan", configs, "--detailed-exitcode")
    assert again.code == 0, again.out
    assert "sk-in-the-clear" not in applied.out + applied.err + again.out


@pytest.mark.parametrize("name", PROVIDERS)
def test_each_provider(configs: Configs, provision: Provision, name: str) -> None:
    provider, block, fields = PROVIDERS[name]
    task = "llm/v1/completions" if provider in {"ai21labs", "palm", "cohere"} else "llm/v1/chat"
    model = {"provider": provider, "name": "some.model:1", "task": task, block: fields}
    configs.endpoint["config"]["served_entities"] = [{"external_model": model}]

    settles(provision, configs)


GATEWAYS: list[dict[str, Any] | None] = [
    {},
    None,
    {"fallback_config": {"enabled": False}},
    {"usage_tracking_config": {"enabled": False}, "rate_limits": []},
    {"inference_table_config": {"enabled": True, "catalog_name": "c", "schema_name": "s"}},
    {"inference_table_config": {"enabled": False}},
    {
        "guardrails": {
            "input": {"pii": {"behavior": "MASK"}, "safety": True, "invalid_keywords": ["b", "a"]},
            "output": {"pii": {"behavior": "NONE"}, "safety": False},
        }
    },
    {
        "rate_limits": [
            {"calls": 0, "renewal_period": "minute"},
            {"key": "user", "tokens": 900, "renewal_period": "minute"},
            {"key": "user", "calls": 9, "renewal_period": "minute"},
            {"key": "user", "principal": "ann@example.com", "calls": 90, "renewal_period": "minute"},
            {"key": "user_group", "principal": "users", "calls": 7, "renewal_period": "minute"},
        ]
    },
]


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_each_gateway_block(configs: Configs, provision: Provision, gateway: dict[str, Any] | None) -> None:
    configs.endpoint["ai_gateway"] = gateway

    settles(provision, configs)


FIELDS: list[dict[str, Any]] = [
    {"description": "answers"},
    {"route_optimized": False},
    {"tags": []},
    {"tags": [{"key": "empty"}, {"key": "b", "value": "2"}, {"key": "a", "value": "1"}]},
    {"email_notifications": {"on_update_success": ["b@x.io", "a@x.io"], "on_update_failure": []}},
    {"email_notifications": {}},
    {"budget_policy_id": "policy-1"},
    {"permissions": []},
    {"permissions": [{"level": "CAN_MANAGE", "group_name": "admins"}]},
    {"permissions_mode": "additive"},
    {"config": None},
]


@pytest.mark.parametrize("fields", FIELDS)
def test_each_field_of_an_endpoint(configs: Configs, provision: Provision, fields: dict[str, Any]) -> None:
    configs.endpoint.update(fields)

    settles(provision, configs)


def test_several_entities_with_traffic(configs: Configs, provision: Provision) -> None:
    entities = configs.endpoint["config"]["served_entities"]
    for name in ("zeta", "alpha"):
        entities.append({"name": name, "external_model": entities[0]["external_model"] | {"name": name}})
    configs.endpoint["config"]["traffic_config"] = {
        "routes": [
            {"served_entity_name": "zeta", "traffic_percentage": 70},
            {"served_model_name": "gpt", "traffic_percentage": 30},
            {"served_entity_name": "alpha", "traffic_percentage": 0},
        ]
    }

    settles(provision, configs)


@pytest.mark.parametrize(
    "entity",
    [
        {"entity_name": "system.ai.m", "entity_version": "1", "scale_to_zero_enabled": True, "workload_size": "Small"},
        {"entity_name": "c.s.m", "entity_version": "2", "scale_to_zero_enabled": False, "environment_vars": {"A": "1"}},
    ],
)
def test_custom_entities(configs: Configs, provision: Provision, entity: dict[str, Any]) -> None:
    configs.endpoint["config"]["served_entities"] = [entity]
    del configs.endpoint["ai_gateway"]

    settles(provision, configs)


def test_vault_backed_scope(configs: Configs, provision: Provision) -> None:
    configs.content["resources"]["secret_scopes"] = {
        "vault": {
            "name": "vault",
            "keyvault_metadata": {"resource_id": "/subscriptions/s/vaults/v", "dns_name": "https://v.vault.azure.net/"},
        }
    }
    del configs.content["resources"]["model_serving_endpoints"]

    settles(provision, configs)


@pytest.mark.parametrize("fields", [*FIELDS, *({"ai_gateway": each} for each in GATEWAYS)])
def test_each_change_of_a_field_there_and_back(configs: Configs, provision: Provision, fields: dict[str, Any]) -> None:
    before = {name: configs.endpoint.get(name) for name in fields}
    provision("apply", configs, "--yes")

    configs.endpoint.update(fields)
    settles(provision, configs, "--allow-destructive", "--allow-widening")
    for name, value in before.items():
        configs.endpoint.pop(name) if value is None else configs.endpoint.update({name: value})
    settles(provision, configs, "--allow-destructive", "--allow-widening")


@pytest.mark.parametrize("name", ["azure", "anthropic", "bedrock", "plaintext", "custom-bearer"])
def test_each_change_of_the_provider(configs: Configs, provision: Provision, name: str) -> None:
    provision("apply", configs, "--yes")
    provider, block, fields = PROVIDERS[name]
    model = {"provider": provider, "name": "other", "task": "llm/v1/chat", block: fields}
    configs.endpoint["config"]["served_entities"] = [{"name": "gpt", "external_model": model}]

    settles(provision, configs, "--allow-widening")


def test_model_whose_name_is_no_name_for_an_entity_is_told_by_what_it_serves(
    configs: Configs, provision: Provision, writes: Writes
) -> None:
    [entity] = configs.endpoint["config"]["served_entities"]
    del entity["name"]
    entity["external_model"]["name"] = "meta-llama/Llama-3.1:free"
    configs.write()
    assert provision("apply", configs, "--yes").code == 0
    writes()

    again = provision("apply", configs, "--yes")

    assert (again.code, writes()) == (0, []), again.out


def test_what_admins_inherit_is_not_granted_again(configs: Configs, provision: Provision) -> None:
    configs.endpoint["permissions"].append({"level": "CAN_QUERY", "group_name": "admins"})
    configs.write()
    assert provision("apply", configs, "--yes").code == 0
    assert provision("plan", configs, "--detailed-exitcode").code == 0
    configs.endpoint["permissions"].append({"level": "CAN_VIEW", "user_name": "ann@example.com"})
    configs.write()

    widened = provision("apply", configs, "--yes", "--allow-widening")

    assert widened.code == 0, widened.err
    assert provision("plan", configs, "--detailed-exitcode").code == 0
