from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from databricks.sdk.service.serving import EndpointTag

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs, Provision, Writes

pytestmark = pytest.mark.usefixtures("workspace")

SCOPE_WRITES = [
    "POST /api/2.0/secrets/scopes/create",
    "POST /api/2.0/secrets/put",
    "POST /api/2.0/secrets/put",
    "POST /api/2.0/secrets/acls/put",
    "POST /api/2.0/secrets/put",
]


def test_first_apply_makes_scope_marker_secret_rights_record_and_endpoint_in_order(
    configs: Configs, provision: Provision, writes: Writes
) -> None:
    result = provision("apply", configs, "--yes")

    assert result.code == 0, result.err
    seen = writes()
    assert seen[:5] == SCOPE_WRITES
    assert seen[5] == "POST /api/2.0/serving-endpoints"
    assert seen[6].startswith("PUT /api/2.0/permissions/serving-endpoints/")
    assert len(seen) == 7


def test_ownership_travels_in_the_create_request(
    configs: Configs, provision: Provision, writes: Writes, client: WorkspaceClient
) -> None:
    provision("apply", configs, "--yes")

    assert not any(each.endswith("/tags") for each in writes())
    tags = {tag.key: tag.value or "" for tag in client.serving_endpoints.get("chat").tags or []}
    assert tags["team"] == "ml"
    assert tags["managed-by"] == "gatewright"
    assert len(tags["provisioning-set"]) == 12
    assert tags["config-hash"].startswith("1.")


def test_second_apply_writes_nothing(configs: Configs, provision: Provision, writes: Writes) -> None:
    provision("apply", configs, "--yes")
    writes()

    result = provision("apply", configs, "--yes")

    assert result.code == 0
    assert "Nothing to do; 5 unchanged." in result.out
    assert writes() == []


def test_second_apply_reads_as_little_as_the_api_allows(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision
) -> None:
    provision("apply", configs, "--yes")
    workspace.requests.clear()

    provision("apply", configs, "--yes")

    reads = sorted(each.path.rpartition("/serving-endpoints/")[0] or each.path for each in workspace.requests)
    assert reads == [
        "/api/2.0",
        "/api/2.0/permissions",
        "/api/2.0/preview/scim/v2/Me",
        "/api/2.0/secrets/acls/list",
        "/api/2.0/secrets/get",
        "/api/2.0/secrets/list",
        "/api/2.0/secrets/scopes/list",
    ]


def test_plan_after_apply_is_empty_for_programs(configs: Configs, provision: Provision) -> None:
    provision("apply", configs, "--yes")

    result = provision("plan", configs, "--format", "json", "--detailed-exitcode")

    assert result.code == 0
    made = json.loads(result.out)
    assert made["format"] == 1
    assert made["summary"] == {"create": 0, "update": 0, "replace": 0, "delete": 0, "adopt": 0, "unchanged": 5}
    assert made["changes"] == []


def test_plan_before_apply_exits_with_2_and_writes_nothing(
    configs: Configs, provision: Provision, writes: Writes
) -> None:
    result = provision("plan", configs, "--detailed-exitcode", "--format", "json")

    assert result.code == 2
    assert [(each["address"], each["action"]) for each in json.loads(result.out)["changes"]] == [
        ("secret_scopes.llm", "create"),
        ("secret_scopes.llm/secrets.openai-key", "create"),
        ("secret_scopes.llm/acls.admins", "create"),
        ("model_serving_endpoints.chat", "create"),
        ("model_serving_endpoints.chat/permissions", "create"),
    ]
    assert writes() == []


def test_rotated_value_is_put_once_and_the_endpoint_told(
    configs: Configs, provision: Provision, writes: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    provision("apply", configs, "--yes")
    writes()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-second")

    first, seen = provision("apply", configs, "--yes"), writes()
    second = provision("apply", configs, "--yes")

    assert first.code == 0, first.err
    assert "its source holds another value" in first.out
    assert seen == [
        "POST /api/2.0/secrets/put",  # what is about to be put
        "POST /api/2.0/secrets/put",
        "PUT /api/2.0/serving-endpoints/chat/config",
        "POST /api/2.0/secrets/put",  # the record, which waits until the endpoint has heard
    ]
    assert (second.code, writes()) == (0, [])


def test_value_never_shows_anywhere(
    configs: Configs,
    provision: Provision,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-never-shown")
    with caplog.at_level("DEBUG"):
        shown = [provision(verb, configs, "--format", form) for verb in ("plan", "apply") for form in ("text", "json")]

    text = "".join(each.out + each.err for each in shown) + caplog.text
    assert "sk-never-shown" not in text


@pytest.mark.parametrize("value", [None, "", "  \n"])
def test_missing_value_is_one_positioned_error_and_nothing_is_written(
    configs: Configs,
    provision: Provision,
    writes: Writes,
    monkeypatch: pytest.MonkeyPatch,
    value: str | None,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    if value is not None:
        monkeypatch.setenv("OPENAI_API_KEY", value)

    result = provision("apply", configs, "--yes")

    assert result.code == 1
    line = next(
        number
        for number, text in enumerate((configs.folder / "databricks.yml").read_text().splitlines(), start=1)
        if "openai-key:" in text
    )
    assert f"{configs}/databricks.yml:{line}:" in result.err
    assert "OPENAI_API_KEY" in result.err
    assert writes() == []


def test_missing_value_of_a_key_that_exists_is_kept_and_said(
    configs: Configs, provision: Provision, writes: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    provision("apply", configs, "--yes")
    writes()
    monkeypatch.delenv("OPENAI_API_KEY")

    kept = provision("apply", configs, "--yes")
    demanded = provision("apply", configs, "--yes", "--require-sources")

    assert kept.code == 0
    assert "its value was not checked" in kept.out
    assert demanded.code == 1
    assert writes() == []


def test_every_missing_value_is_told_in_one_run(configs: Configs, provision: Provision) -> None:
    configs.scope["secrets"] |= {"a": {"env": "NOT_SET_A"}, "b": {"env": "NOT_SET_B"}}
    configs.write()

    result = provision("apply", configs, "--yes")

    assert "NOT_SET_A" in result.err
    assert "NOT_SET_B" in result.err


def test_changed_config_sends_only_the_block_that_changed(
    configs: Configs, provision: Provision, writes: Writes
) -> None:
    provision("apply", configs, "--yes")
    writes()
    configs.endpoint["ai_gateway"]["rate_limits"][0]["calls"] = 0
    configs.write()

    result = provision("apply", configs, "--yes")

    assert result.code == 0, result.err
    assert "ai_gateway.rate_limits[user,calls].calls: 60 → 0" in result.out
    assert writes() == [
        "PUT /api/2.0/serving-endpoints/chat/ai-gateway",
        "PATCH /api/2.0/serving-endpoints/chat/tags",
    ]
    assert provision("plan", configs, "--detailed-exitcode").code == 0


def test_field_that_leaves_the_config_leaves_the_endpoint(configs: Configs, provision: Provision) -> None:
    configs.openai["openai_organization"] = "org-1"
    configs.write()
    provision("apply", configs, "--yes")
    del configs.openai["openai_organization"]
    configs.write()

    result = provision("apply", configs, "--yes")

    assert "openai_organization: org-1 → (none)" in result.out
    assert provision("plan", configs, "--detailed-exitcode").code == 0


def test_block_that_leaves_the_config_keeps_its_live_value(
    configs: Configs, provision: Provision, writes: Writes
) -> None:
    provision("apply", configs, "--yes")
    del configs.endpoint["ai_gateway"]
    configs.write()
    writes()

    result = provision("apply", configs, "--yes")

    assert "ai_gateway is no longer managed" in result.out
    assert writes() == ["PATCH /api/2.0/serving-endpoints/chat/tags"]
    assert provision("plan", configs, "--detailed-exitcode").code == 0


def test_unmentioned_part_of_a_block_is_sent_along(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision
) -> None:
    provision("apply", configs, "--yes")
    del configs.endpoint["ai_gateway"]["usage_tracking_config"]
    configs.endpoint["ai_gateway"]["rate_limits"][0]["calls"] = 10
    configs.write()

    provision("apply", configs, "--yes")

    put = next(each for each in workspace.requests if each.path.endswith("/ai-gateway"))
    assert put.body["usage_tracking_config"] == {"enabled": True}


@pytest.mark.parametrize("empty", [None, {}])
def test_empty_block_clears(workspace: WorkspaceHandle, configs: Configs, provision: Provision, empty: object) -> None:
    provision("apply", configs, "--yes")
    configs.endpoint["ai_gateway"] = empty
    configs.write()

    result = provision("apply", configs, "--yes")

    assert "(cleared by the config)" in result.out
    put = next(each for each in workspace.requests if each.path.endswith("/ai-gateway"))
    assert put.body == {}
    assert provision("plan", configs, "--detailed-exitcode").code == 0


def test_scope_deleted_by_hand_comes_back_in_one_apply(
    configs: Configs, provision: Provision, client: WorkspaceClient
) -> None:
    provision("apply", configs, "--yes")
    client.secrets.delete_scope("llm")

    result = provision("apply", configs, "--yes")

    assert result.code == 0, result.err
    assert provision("plan", configs, "--detailed-exitcode").code == 0


def test_endpoint_deleted_by_hand_comes_back_in_one_apply(
    configs: Configs, provision: Provision, client: WorkspaceClient
) -> None:
    provision("apply", configs, "--yes")
    client.serving_endpoints.delete("chat")

    assert provision("apply", configs, "--yes").code == 0
    assert provision("plan", configs, "--detailed-exitcode").code == 0


def test_value_changed_by_hand_is_put_back(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision, client: WorkspaceClient, writes: Writes
) -> None:
    provision("apply", configs, "--yes")
    workspace.clock.advance(1)
    client.secrets.put_secret("llm", "openai-key", string_value="sk-by-hand")
    writes()

    result = provision("apply", configs, "--yes")

    assert "it was written outside of the configs" in result.out
    assert "POST /api/2.0/secrets/put" in writes()
    assert provision("plan", configs, "--detailed-exitcode").code == 0


def test_tags_changed_by_hand_are_put_back(configs: Configs, provision: Provision, client: WorkspaceClient) -> None:
    provision("apply", configs, "--yes")
    client.serving_endpoints.patch("chat", add_tags=[EndpointTag(key="x", value="y")], delete_tags=["team"])

    result = provision("apply", configs, "--yes")

    assert result.code == 0, result.err
    tags = {tag.key: tag.value for tag in client.serving_endpoints.get("chat").tags or []}
    assert tags["team"] == "ml"
    assert "x" not in tags


def test_destroy_removes_what_the_set_owns_and_again_is_nothing(
    configs: Configs, provision: Provision, writes: Writes, client: WorkspaceClient
) -> None:
    provision("apply", configs, "--yes")
    client.secrets.create_scope("not-ours")
    writes()

    first, seen = provision("destroy", configs, "--yes"), writes()
    second = provision("destroy", configs, "--yes")

    assert (first.code, second.code) == (0, 0)
    assert seen == ["DELETE /api/2.0/serving-endpoints/chat", "POST /api/2.0/secrets/scopes/delete"]
    assert "Nothing to do" in second.out
    assert [scope.name for scope in client.secrets.list_scopes()] == ["not-ours"]


def test_prevent_destroy_stops_destroy(configs: Configs, provision: Provision, writes: Writes) -> None:
    configs.scope["lifecycle"] = {"prevent_destroy": True}
    configs.write()
    provision("apply", configs, "--yes")
    writes()

    result = provision("destroy", configs, "--yes")

    assert result.code == 3
    assert "prevent_destroy" in result.err
    assert writes() == []


def test_status_shows_what_is_live(configs: Configs, provision: Provision) -> None:
    before = provision("status", configs)
    provision("apply", configs, "--yes")
    after = provision("status", configs)
    as_json = json.loads(provision("status", configs, "--format", "json").out)

    assert "ABSENT" in before.out
    assert "READY" in after.out
    assert {each["state"] for each in as_json["objects"]} == {"PRESENT", "READY"}


def test_wait_returns_when_ready(configs: Configs, provision: Provision) -> None:
    provision("apply", configs, "--yes", "--no-wait")

    assert provision("wait", configs, "--timeout", "30").code == 0
