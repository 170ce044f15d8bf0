from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from databricks.sdk.service.serving import (
    EndpointCoreConfigInput,
    EndpointTag,
    ExternalModel,
    ExternalModelProvider,
    OpenAiConfig,
    ServedEntityInput,
    ServingEndpointAccessControlRequest,
    ServingEndpointPermissionLevel,
)
from databricks.sdk.service.workspace import AclPermission

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

    from tests.provisioning.conftest import Configs, Provision, Writes

pytestmark = pytest.mark.usefixtures("workspace")


def make_endpoint(client: WorkspaceClient, *, tags: list[EndpointTag] | None = None) -> None:
    """Make the endpoint that the configs declare, as somebody would by hand."""
    client.secrets.create_scope("llm")
    client.secrets.put_secret("llm", "openai-key", string_value="sk-by-hand")
    model = ExternalModel(
        provider=ExternalModelProvider.OPENAI,
        name="gpt-4o",
        task="llm/v1/chat",
        openai_config=OpenAiConfig(openai_api_key="{{secrets/llm/openai-key}}"),
    )
    config = EndpointCoreConfigInput(name="chat", served_entities=[ServedEntityInput(name="gpt", external_model=model)])
    client.serving_endpoints.create("chat", config=config, tags=tags)


def test_what_is_live_and_of_no_set_is_shown_as_adopt_and_not_touched(
    configs: Configs, provision: Provision, writes: Writes, client: WorkspaceClient
) -> None:
    make_endpoint(client)
    writes()

    shown = json.loads(provision("plan", configs, "--format", "json").out)
    refused = provision("apply", configs, "--yes")

    adopted = [each["address"] for each in shown["changes"] if each["action"] == "adopt"]
    assert adopted == ["secret_scopes.llm", "model_serving_endpoints.chat"]
    assert refused.code == 3
    assert "--adopt" in refused.err
    assert writes() == []


def test_adopting_an_endpoint_as_it_is_is_one_tags_write(
    configs: Configs, provision: Provision, writes: Writes, client: WorkspaceClient
) -> None:
    make_endpoint(client)
    del configs.content["resources"]["secret_scopes"]
    del configs.endpoint["ai_gateway"], configs.endpoint["tags"], configs.endpoint["permissions"]
    configs.write()
    writes()

    result = provision("apply", configs, "--yes", "--adopt")

    assert result.code == 0, result.err
    assert writes() == ["PATCH /api/2.0/serving-endpoints/chat/tags"]
    assert provision("plan", configs, "--detailed-exitcode").code == 0


def test_adopted_scope_gets_its_values_once(
    configs: Configs, provision: Provision, writes: Writes, client: WorkspaceClient
) -> None:
    make_endpoint(client)
    writes()

    result = provision("apply", configs, "--yes", "--adopt")

    assert result.code == 0, result.err
    assert "written once and remembered" in result.out
    writes()
    assert provision("apply", configs, "--yes").code == 0
    assert writes() == []


def test_adopting_does_not_revoke_what_the_configs_do_not_declare(
    configs: Configs, provision: Provision, writes: Writes, client: WorkspaceClient
) -> None:
    make_endpoint(client)
    client.secrets.put_acl("llm", "users", AclPermission.READ)
    writes()

    result = provision("apply", configs, "--yes", "--adopt")

    assert result.code == 3
    assert "users" in result.err
    assert writes() == []


def test_what_belongs_to_another_set_is_refused_even_with_adopt(
    configs: Configs, provision: Provision, writes: Writes, client: WorkspaceClient
) -> None:
    client.secrets.create_scope("elsewhere")
    make_endpoint(client, tags=[EndpointTag(key="provisioning-set", value="0123456789ab")])
    writes()

    result = provision("apply", configs, "--yes", "--adopt")

    assert result.code == 3
    assert "another set (0123456789ab)" in result.err
    assert writes() == []


def test_empty_scope_that_only_the_caller_manages_is_an_interrupted_create_of_ours(
    configs: Configs, provision: Provision, client: WorkspaceClient
) -> None:
    client.secrets.create_scope("llm")

    result = provision("apply", configs, "--yes")

    assert result.code == 0, result.err
    assert "an earlier create of ours was cut off" in result.out


def test_nothing_is_deleted_without_prune(configs: Configs, provision: Provision, writes: Writes) -> None:
    provision("apply", configs, "--yes")
    del configs.content["resources"]["model_serving_endpoints"]
    configs.write()
    writes()

    kept = provision("apply", configs, "--yes")
    assert (kept.code, writes()) == (0, [])

    pruned = provision("apply", configs, "--yes", "--prune")
    assert pruned.code == 0, pruned.err
    assert writes() == ["DELETE /api/2.0/serving-endpoints/chat"]


def test_pruning_a_scope_needs_another_flag_since_its_values_go_too(
    configs: Configs, provision: Provision, writes: Writes
) -> None:
    provision("apply", configs, "--yes")
    del configs.content["resources"]["secret_scopes"], configs.endpoint["config"]
    configs.write()
    writes()

    assert provision("apply", configs, "--yes", "--prune").code == 3
    assert writes() == []
    assert provision("apply", configs, "--yes", "--prune", "--allow-destructive").code == 0
    assert writes()[-1] == "POST /api/2.0/secrets/scopes/delete"


def test_pruned_key_is_one_that_we_wrote(
    configs: Configs,
    provision: Provision,
    client: WorkspaceClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTHER_KEY", "sk-other")
    configs.scope["secrets"]["other"] = {"env": "OTHER_KEY"}
    configs.write()
    provision("apply", configs, "--yes")
    client.secrets.put_secret("llm", "by-hand", string_value="x")
    del configs.scope["secrets"]["other"]
    configs.write()

    result = provision("apply", configs, "--yes", "--prune")

    assert result.code == 0, result.err
    assert {each.key for each in client.secrets.list_secrets("llm")} >= {"by-hand", "openai-key"}
    assert "other" not in {each.key for each in client.secrets.list_secrets("llm")}


def test_set_without_a_name_of_its_own_never_prunes(configs: Configs, provision: Provision, writes: Writes) -> None:
    del configs.content["bundle"]
    configs.write()
    provision("apply", configs, "--yes")
    del configs.content["resources"]["model_serving_endpoints"]
    configs.write()
    writes()

    result = provision("apply", configs, "--yes", "--prune")

    assert result.code == 0
    assert "nothing is pruned" in result.out
    assert writes() == []


def test_where_a_key_is_sent_does_not_change_in_passing(configs: Configs, provision: Provision, writes: Writes) -> None:
    provision("apply", configs, "--yes")
    configs.openai["openai_api_base"] = "https://elsewhere.example.com/v1"
    configs.write()
    writes()

    refused = provision("apply", configs, "--yes")
    assert refused.code == 3
    assert "changes where a secret is sent" in refused.err
    assert writes() == []

    assert provision("apply", configs, "--yes", "--allow-widening").code == 0


def test_more_access_is_not_given_in_passing(configs: Configs, provision: Provision, writes: Writes) -> None:
    provision("apply", configs, "--yes")
    configs.endpoint["permissions"].append({"level": "CAN_MANAGE", "user_name": "ann@example.com"})
    configs.scope["permissions"].append({"level": "READ", "group_name": "users"})
    configs.write()
    writes()

    refused = provision("apply", configs, "--yes")
    assert refused.code == 3
    assert "CAN_MANAGE for ann@example.com" in refused.err
    assert "READ for users" in refused.err
    assert writes() == []


def test_less_access_needs_no_flag(configs: Configs, provision: Provision) -> None:
    provision("apply", configs, "--yes")
    configs.endpoint["permissions"] = []
    configs.scope["permissions"] = []
    configs.write()

    result = provision("apply", configs, "--yes")

    assert result.code == 0, result.err
    assert "permissions[users]: CAN_QUERY → (none)" in result.out
    assert provision("plan", configs, "--detailed-exitcode").code == 0


def test_revoked_by_hand_is_granted_again_since_the_config_did_not_change(
    configs: Configs, provision: Provision, client: WorkspaceClient
) -> None:
    provision("apply", configs, "--yes")
    found = client.serving_endpoints.get("chat")
    client.serving_endpoints.set_permissions(
        found.id,
        access_control_list=[
            ServingEndpointAccessControlRequest(
                user_name=found.creator, permission_level=ServingEndpointPermissionLevel.CAN_MANAGE
            )
        ],
    )

    result = provision("apply", configs, "--yes")

    assert result.code == 0, result.err
    assert "permissions[users]: (none) → CAN_QUERY" in result.out


def test_callers_own_manage_is_never_dropped(configs: Configs, provision: Provision, client: WorkspaceClient) -> None:
    configs.scope["permissions"] = []
    configs.endpoint["permissions"] = []
    configs.write()

    provision("apply", configs, "--yes")
    provision("apply", configs, "--yes")

    assert [(each.principal, each.permission) for each in client.secrets.list_acls("llm")] == [
        ("local-admin@example.com", AclPermission.MANAGE)
    ]


def test_what_cannot_change_in_place_is_a_replacement_behind_a_flag(
    configs: Configs, provision: Provision, writes: Writes
) -> None:
    provision("apply", configs, "--yes")
    configs.endpoint["description"] = "answers"
    configs.write()
    writes()

    shown = json.loads(provision("plan", configs, "--format", "json").out)
    refused = provision("apply", configs, "--yes")

    assert shown["summary"]["replace"] == 1
    assert refused.code == 3
    assert writes() == []
    assert provision("apply", configs, "--yes", "--allow-destructive").code == 0
    seen = writes()
    assert seen[:2] == ["DELETE /api/2.0/serving-endpoints/chat", "POST /api/2.0/serving-endpoints"]
    assert seen[2].startswith("PUT /api/2.0/permissions/serving-endpoints/")
    assert provision("plan", configs, "--detailed-exitcode").code == 0


@pytest.mark.parametrize(("mode", "code"), [("production", 3), ("development", 0)])
def test_changed_by_hand_blocks_in_production_alone(
    configs: Configs, provision: Provision, client: WorkspaceClient, mode: str, code: int
) -> None:
    configs.content["targets"]["local"]["mode"] = mode
    configs.write()
    provision("apply", configs, "--yes")
    [name] = [each.name for each in client.serving_endpoints.list() if "chat" in (each.name or "")]
    client.serving_endpoints.put_ai_gateway(name)

    result = provision("apply", configs, "--yes")

    assert result.code == code, result.err
    assert "changed outside since the last apply" in result.out
    if code:
        assert provision("apply", configs, "--yes", "--overwrite-outside-changes").code == 0


def test_new_entity_does_not_carry_a_key_elsewhere_in_passing(
    configs: Configs, provision: Provision, writes: Writes
) -> None:
    provision("apply", configs, "--yes")
    entity = configs.endpoint["config"]["served_entities"][0]
    entity["name"] = "renamed"
    configs.openai["openai_api_base"] = "https://elsewhere.example.com/v1"
    configs.write()
    writes()

    refused = provision("apply", configs, "--yes")

    assert refused.code == 3
    assert "served_entities[renamed].external_model.openai_config.openai_api_base" in refused.err
    assert writes() == []


def another_endpoint(configs: Configs, base: str) -> dict[str, Any]:
    """Declare one more endpoint that sends the same key to an address of its own."""
    other: dict[str, Any] = copy.deepcopy(configs.endpoint) | {"name": "other"}
    other["config"]["served_entities"][0]["external_model"]["openai_config"]["openai_api_base"] = base
    configs.content["resources"]["model_serving_endpoints"]["other"] = other
    return other


@pytest.mark.parametrize("kept", [True, False], ids=["beside the old one", "in place of the old one"])
def test_new_endpoint_does_not_carry_a_key_elsewhere_in_passing(
    configs: Configs, provision: Provision, writes: Writes, *, kept: bool
) -> None:
    provision("apply", configs, "--yes")
    another_endpoint(configs, "https://elsewhere.example.com/v1")
    if not kept:
        del configs.content["resources"]["model_serving_endpoints"]["chat"]
    configs.write()
    writes()

    refused = provision("apply", configs, "--yes")

    assert refused.code == 3
    assert "it sends llm/openai-key to https://elsewhere.example.com, and so far it goes to openai" in refused.err
    assert writes() == []
    assert provision("apply", configs, "--yes", "--allow-widening").code == 0
    assert provision("plan", configs, "--detailed-exitcode").code == 0


def test_key_goes_to_an_address_that_it_went_to_before_without_a_flag(configs: Configs, provision: Provision) -> None:
    configs.openai["openai_api_base"] = "https://models.example.com/v1"
    configs.write()
    provision("apply", configs, "--yes")
    another_endpoint(configs, "https://models.example.com/v2")
    configs.write()

    assert provision("apply", configs, "--yes").code == 0


def test_key_that_nothing_sends_yet_may_be_sent_anywhere(configs: Configs, provision: Provision) -> None:
    endpoints = configs.content["resources"].pop("model_serving_endpoints")
    configs.write()
    provision("apply", configs, "--yes")
    configs.content["resources"]["model_serving_endpoints"] = endpoints
    configs.openai["openai_api_base"] = "https://models.example.com/v1"
    configs.write()

    assert provision("apply", configs, "--yes").code == 0


def test_replacement_does_not_carry_a_key_elsewhere_in_passing(
    configs: Configs, provision: Provision, writes: Writes
) -> None:
    provision("apply", configs, "--yes")
    configs.endpoint["description"] = "answers"
    configs.openai["openai_api_base"] = "https://elsewhere.example.com/v1"
    configs.write()
    writes()

    refused = provision("apply", configs, "--yes", "--allow-destructive")

    assert refused.code == 3
    assert "changes where a secret is sent" in refused.err
    assert writes() == []


def test_scope_that_carries_another_sets_marker_too_is_neither_changed_nor_deleted(
    configs: Configs, provision: Provision, writes: Writes, client: WorkspaceClient
) -> None:
    provision("apply", configs, "--yes")
    client.secrets.put_secret("llm", "_provisioning.0123456789ab", string_value="{}")
    configs.scope["permissions"] = []
    configs.write()
    writes()

    applied, destroyed = provision("apply", configs, "--yes"), provision("destroy", configs, "--yes")

    assert applied.code == 3
    assert "another set (0123456789ab)" in applied.err
    assert destroyed.code == 0
    assert "secret_scopes.llm: left alone" in destroyed.out
    assert [each.name for each in client.secrets.list_scopes()] == ["llm"]
