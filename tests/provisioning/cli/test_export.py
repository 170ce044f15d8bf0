"""What is exported says what is live: the plan of it is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from databricks.sdk.service.serving import (
    AmazonBedrockConfig,
    AmazonBedrockConfigBedrockProvider,
    ApiKeyAuth,
    BearerTokenAuth,
    CustomProviderConfig,
    EndpointCoreConfigInput,
    ExternalModel,
    ExternalModelProvider,
    OpenAiConfig,
    ServedEntityInput,
)
from databricks.sdk.service.workspace import AclPermission

from provisioning.model.endpoints import ModelServingEndpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeAlias

    from databricks.sdk import WorkspaceClient

    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs, Provision, Result, Writes

    Exporting: TypeAlias = Callable[..., tuple[dict[str, Any], Result]]

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def exported(provision: Provision, tmp_path: Path) -> Exporting:
    """Export to a file, and plan that file."""

    def call(*arguments: object) -> tuple[dict[str, Any], Result]:
        done = provision("export", *arguments)
        assert done.code == 0, done.err
        file = tmp_path / "exported.yml"
        file.write_text(done.out)
        return yaml.safe_load(done.out), provision("plan", file, "--detailed-exitcode", *_adopting(arguments))

    return call


def _adopting(arguments: tuple[object, ...]) -> list[str]:
    return [] if arguments else ["--adopt"]


def openai(**fields: Any) -> EndpointCoreConfigInput:  # noqa: ANN401 - the SDK's own
    return external(ExternalModelProvider.OPENAI, openai_config=OpenAiConfig(**fields))


def external(provider: ExternalModelProvider, **block: Any) -> EndpointCoreConfigInput:  # noqa: ANN401 - the SDK's own
    model = ExternalModel(provider=provider, name="some-model", task="llm/v1/chat", **block)
    return EndpointCoreConfigInput(name="chat", served_entities=[ServedEntityInput(name="m", external_model=model)])


def test_exported_set_plans_empty_and_reads_no_value(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision, exported: Exporting
) -> None:
    provision("apply", configs, "--yes")
    workspace.requests.clear()

    content, again = exported(configs)

    assert again.code == 0, again.out
    assert content["bundle"]["name"] == "chat"
    assert content["resources"]["secret_scopes"]["llm"]["secrets"] == {"openai-key": {"external": True}}
    assert "_provisioning" not in str(content)
    assert "provisioning-set" not in str(content)


def test_export_writes_nothing_to_the_workspace(configs: Configs, provision: Provision, writes: Writes) -> None:
    provision("apply", configs, "--yes")
    writes()

    provision("export", configs)

    assert writes() == []


WORDINGS: dict[str, dict[str, Any]] = {
    "blocks that are cleared": {"ai_gateway": {}, "tags": []},
    "blocks that are null": {"ai_gateway": None, "email_notifications": None},
    "a gateway that is off": {"ai_gateway": {"fallback_config": {"enabled": False}, "rate_limits": []}},
    "defaults spelled out": {"route_optimized": False, "description": ""},
    "no config": {"config": None},
    "a custom model": {
        "ai_gateway": ...,
        "config": {
            "served_entities": [
                {
                    "entity_name": "catalog.schema.model",
                    "entity_version": "3",
                    "scale_to_zero_enabled": False,
                    "workload_size": "Small",
                    "environment_vars": {"LEVEL": "1", "KEY": "{{secrets/llm/openai-key}}"},
                }
            ]
        },
    },
    "blocks that are not managed": {"ai_gateway": ..., "tags": ..., "permissions": ...},
    "only notifications": {"email_notifications": {"on_update_success": ["b@x.io", "a@x.io"]}},
    "a gateway with everything": {
        "ai_gateway": {
            "fallback_config": {"enabled": False},
            "usage_tracking_config": {"enabled": True},
            "inference_table_config": {"enabled": True, "catalog_name": "c", "schema_name": "s"},
            "guardrails": {"input": {"pii": {"behavior": "MASK"}, "safety": True}, "output": {"safety": False}},
            "rate_limits": [
                {"calls": 0, "renewal_period": "minute"},
                {"key": "user_group", "principal": "users", "calls": 7, "renewal_period": "minute"},
            ],
        }
    },
    "no rights": {"permissions": []},
    "a description and tags that look like other types": {
        "description": "no: 'yes'\nsecond # line",
        "tags": [{"key": "on", "value": "1e3"}, {"key": "null", "value": "2024-10-21"}, {"key": "empty"}],
    },
}


@pytest.mark.parametrize("fields", WORDINGS.values(), ids=WORDINGS)
def test_however_the_configs_said_it(
    configs: Configs, provision: Provision, exported: Exporting, fields: dict[str, Any]
) -> None:
    for name, value in fields.items():
        if value is ...:
            del configs.endpoint[name]
        else:
            configs.endpoint[name] = value
    assert provision("apply", configs.write(), "--yes").code == 0

    _, again = exported(configs)

    assert again.code == 0, again.out


def test_several_entities_keep_their_traffic(configs: Configs, provision: Provision, exported: Exporting) -> None:
    config = configs.endpoint["config"]
    config["served_entities"].append({**config["served_entities"][0], "name": "alpha"})
    routes = [{"served_entity_name": name, "traffic_percentage": share} for name, share in (("gpt", 90), ("alpha", 10))]
    config["traffic_config"] = {"routes": routes}
    assert provision("apply", configs.write(), "--yes").code == 0

    content, again = exported(configs)

    assert again.code == 0, again.out
    shares = content["resources"]["model_serving_endpoints"]["chat"]["config"]["traffic_config"]["routes"]
    assert {each["served_entity_name"]: each["traffic_percentage"] for each in shares} == {"gpt": 90, "alpha": 10}


def test_development_names_are_not_prefixed_twice(configs: Configs, provision: Provision, exported: Exporting) -> None:
    configs.content["targets"] = {"dev": {"default": True, "mode": "development"}}
    assert provision("apply", configs.write(), "--yes").code == 0

    _, again = exported(configs)

    assert again.code == 0, again.out


def test_what_was_made_by_hand_is_exported_and_adopting_it_changes_no_field(
    provision: Provision, exported: Exporting, client: WorkspaceClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    client.secrets.create_scope("by-hand")
    client.secrets.put_secret("by-hand", "key", string_value="sk-by-hand")
    client.secrets.put_acl("by-hand", "users", AclPermission.READ)
    client.serving_endpoints.create("chat", config=openai(openai_api_key="{{secrets/by-hand/key}}"))

    content, plan = exported()

    assert "sk-by-hand" not in str(content)
    assert {"level": "READ", "group_name": "users"} in content["resources"]["secret_scopes"]["by_hand"]["permissions"]
    changed = [line for line in plan.out.splitlines() if " → " in line and "tags[" not in line and "owner" not in line]
    assert changed[1:] == [], plan.out  # the first is the header
    assert provision("apply", tmp_path / "exported.yml", "--adopt", "--yes").code == 0
    assert provision("plan", tmp_path / "exported.yml", "--detailed-exitcode").code == 0


PLAINTEXT: dict[str, EndpointCoreConfigInput] = {
    "openai": openai(openai_api_key_plaintext="sk-clear"),
    "entra": openai(
        openai_api_type="azuread",
        openai_api_base="https://x.openai.azure.com",
        openai_api_version="2024-06-01",
        openai_deployment_name="d",
        microsoft_entra_client_id="c",
        microsoft_entra_tenant_id="t",
        microsoft_entra_client_secret_plaintext="sk-clear",
    ),
    "bedrock": external(
        ExternalModelProvider.AMAZON_BEDROCK,
        amazon_bedrock_config=AmazonBedrockConfig(
            aws_region="eu-west-1",
            bedrock_provider=AmazonBedrockConfigBedrockProvider.ANTHROPIC,
            aws_access_key_id_plaintext="sk-clear",
            aws_secret_access_key_plaintext="sk-clear",
        ),
    ),
    "bearer": external(
        ExternalModelProvider.CUSTOM,
        custom_provider_config=CustomProviderConfig(
            custom_provider_url="https://llm.example.com/v1",
            bearer_token_auth=BearerTokenAuth(token_plaintext="sk-clear"),
        ),
    ),
    "header": external(
        ExternalModelProvider.CUSTOM,
        custom_provider_config=CustomProviderConfig(
            custom_provider_url="https://llm.example.com/v1",
            api_key_auth=ApiKeyAuth(key="X-Key", value_plaintext="sk-clear"),
        ),
    ),
}


@pytest.mark.parametrize("config", PLAINTEXT.values(), ids=PLAINTEXT)
def test_credential_given_in_the_clear_becomes_a_reference_to_put_right(
    provision: Provision, client: WorkspaceClient, config: EndpointCoreConfigInput
) -> None:
    client.serving_endpoints.create("chat", config=config)

    done = provision("export")

    assert done.code == 0, done.err
    endpoint = yaml.safe_load(done.out)["resources"]["model_serving_endpoints"]["chat"]
    ModelServingEndpoint.model_validate(endpoint)
    assert "{{secrets/replace-me/" in str(endpoint)
    assert "cannot be read back" in done.err
    assert "sk-clear" not in done.out + done.err


def test_another_set_is_left_out_of_this_ones_export(configs: Configs, provision: Provision) -> None:
    provision("apply", configs, "--yes")
    configs.content["bundle"]["name"] = "other"

    done = provision("export", configs.write())

    assert "resources" not in yaml.safe_load(done.out)
    assert "belongs to another set" in done.err


@pytest.mark.parametrize(
    ("pattern", "kinds"),
    [
        ("chat", {"model_serving_endpoints"}),
        ("l*", {"secret_scopes"}),
        ("secret_scopes.*", {"secret_scopes"}),
        ("nothing", set()),
    ],
)
def test_filter_goes_by_name_or_address(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision, pattern: str, kinds: set[str]
) -> None:
    provision("apply", configs, "--yes")
    workspace.requests.clear()

    done = provision("export", configs, "--filter", pattern)

    assert set(yaml.safe_load(done.out).get("resources", {})) == kinds
    if "model_serving_endpoints" not in kinds:
        assert not any(each.path.endswith("/serving-endpoints/chat") for each in workspace.requests)


def test_folder_is_a_bundle_whose_plan_is_empty(configs: Configs, provision: Provision, tmp_path: Path) -> None:
    provision("apply", configs, "--yes")
    out = tmp_path / "exported"

    done = provision("export", configs, "--as", "bundle", "--by-tag", "team", "--out", out)

    assert done.code == 0, done.err
    assert sorted(done.out.splitlines()) == sorted(str(each) for each in out.rglob("*.yml"))
    assert (out / "resources" / "endpoints.ml.yml").exists()
    # the CLI's `bundle validate --strict` refuses what it does not know
    assert "secrets:" not in (out / "resources" / "scopes.yml").read_text()
    assert provision("plan", out, "--detailed-exitcode").code == 0


def test_nothing_is_overwritten(configs: Configs, provision: Provision) -> None:
    before = (configs.folder / "databricks.yml").read_text()

    done = provision("export", configs, "--out", configs.folder)

    assert done.code == 1
    assert "ever overwritten" in done.err
    assert (configs.folder / "databricks.yml").read_text() == before


def test_rights_that_may_not_be_read_are_said_and_left_alone(
    workspace: WorkspaceHandle,
    provision: Provision,
    client: WorkspaceClient,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    client.secrets.create_scope("shared")
    client.secrets.put_acl("shared", "ann@example.com", AclPermission.READ)
    client.secrets.create_scope("closed")
    monkeypatch.setenv("DATABRICKS_TOKEN", workspace.token_for("ann@example.com"))

    done = provision("export")

    assert done.code == 0, done.err
    scopes = yaml.safe_load(done.out)["resources"]["secret_scopes"]
    assert "permissions" not in scopes["shared"]
    assert "closed" not in scopes
    assert "secret_scopes.shared: its rights are unknown without MANAGE" in done.err
