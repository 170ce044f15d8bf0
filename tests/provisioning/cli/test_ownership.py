"""Whose an object is, and who may touch it: holds, deployers, letting go, moving."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from databricks.sdk.service.serving import EndpointTag

if TYPE_CHECKING:
    from pathlib import Path

    from databricks.sdk import WorkspaceClient

    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs, Provision, Writes

pytestmark = pytest.mark.usefixtures("workspace")

CHAT = "/api/2.0/serving-endpoints/chat"


def hold(client: WorkspaceClient, value: str) -> None:
    client.serving_endpoints.patch("chat", add_tags=[EndpointTag(key="provisioning-hold", value=value)])


def in_days(days: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


@pytest.mark.parametrize("value", [f"{in_days(30)}-OPS-1", in_days(1), "OPS-1", "forever"])
def test_endpoint_on_hold_is_left_alone(
    configs: Configs, provision: Provision, client: WorkspaceClient, writes: Writes, value: str
) -> None:
    provision("apply", configs, "--yes")
    hold(client, value)
    configs.endpoint["ai_gateway"]["rate_limits"][0]["calls"] = 1
    configs.endpoint["permissions"] = []
    configs.write()
    writes()

    applied, destroyed = provision("apply", configs, "--yes"), provision("destroy", configs, "--yes")

    assert applied.code == 0, applied.err
    assert "on hold" in applied.out
    assert "on hold" in destroyed.out
    assert not any(CHAT in each or "permissions" in each for each in writes())


def test_hold_that_is_over_holds_nothing(configs: Configs, provision: Provision, client: WorkspaceClient) -> None:
    provision("apply", configs, "--yes")
    hold(client, f"{in_days(-2)}-OPS-1")

    result = provision("apply", configs, "--yes")

    assert result.code == 0, result.err
    assert "tags[provisioning-hold]" in result.out
    assert provision("plan", configs, "--detailed-exitcode").code == 0


@pytest.mark.parametrize(("mode", "code"), [("production", 3), (None, 0)])
def test_in_production_another_identity_than_the_deployer_is_refused(
    configs: Configs, provision: Provision, writes: Writes, mode: str | None, code: int
) -> None:
    target = configs.content["targets"]["local"]
    target["deployer"] = "deployer@example.com"
    if mode:
        target["mode"] = mode
    configs.write()

    result = provision("apply", configs, "--yes")

    assert result.code == code, result.err
    if code:
        assert "deployer@example.com" in result.err
        assert "local-admin@example.com" in result.err
        assert writes() == []


def test_the_deployer_applies_in_whichever_case_the_address_is_written(configs: Configs, provision: Provision) -> None:
    configs.content["targets"]["local"] |= {"mode": "production", "deployer": "Local-Admin@Example.com"}
    configs.write()

    assert provision("apply", configs, "--yes").code == 0


def test_what_is_let_go_stays_and_belongs_to_no_set(
    configs: Configs, provision: Provision, client: WorkspaceClient, writes: Writes
) -> None:
    provision("apply", configs, "--yes")
    writes()

    result, seen = provision("disown", configs, "--yes"), writes()
    again = provision("disown", configs, "--yes")

    assert result.code == 0, result.err
    assert sorted(seen) == [f"PATCH {CHAT}/tags", "POST /api/2.0/secrets/delete"]
    assert [tag.key for tag in client.serving_endpoints.get("chat").tags or []] == ["team"]
    assert [each.key for each in client.secrets.list_secrets("llm")] == ["openai-key"]
    assert "Nothing to do" in again.out
    assert provision("apply", configs, "--yes").code == 3
    assert provision("apply", configs, "--yes", "--adopt").code == 0


def test_moved_endpoint_is_made_ready_before_the_old_one_goes(
    configs: Configs, provision: Provision, writes: Writes
) -> None:
    provision("apply", configs, "--yes")
    endpoints = configs.content["resources"]["model_serving_endpoints"]
    endpoints["chat"] = {**configs.endpoint, "name": "chat-2", "moved": {"from": "chat"}}
    configs.write()
    writes()

    kept = provision("apply", configs, "--yes")
    assert kept.code == 0, kept.err
    assert f"DELETE {CHAT}" not in writes()

    pruned = provision("apply", configs, "--yes", "--prune")
    assert pruned.code == 0, pruned.err
    assert f"DELETE {CHAT}" in writes()
    assert provision("plan", configs, "--detailed-exitcode").code == 0


def test_old_endpoint_stays_while_the_one_that_takes_its_place_is_not_ready(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision, writes: Writes
) -> None:
    provision("apply", configs, "--yes")
    endpoints = configs.content["resources"]["model_serving_endpoints"]
    endpoints["chat"] = {**configs.endpoint, "name": "chat-2", "moved": {"from": "chat"}}
    configs.write()
    workspace.endpoints.stick("chat-2")
    writes()

    result = provision("apply", configs, "--yes", "--prune", "--timeout", "0")

    assert result.code == 5
    assert "the endpoint that it takes the place of stays" in result.err
    assert f"DELETE {CHAT}" not in writes()


def test_hash_tag_can_be_left_out(configs: Configs, provision: Provision, client: WorkspaceClient) -> None:
    provision("apply", configs, "--yes", "--no-hash-tag")
    keys = {tag.key for tag in client.serving_endpoints.get("chat").tags or []}

    assert keys == {"team", "managed-by", "provisioning-set"}
    assert provision("plan", configs, "--no-hash-tag", "--detailed-exitcode").code == 0
    provision("apply", configs, "--yes")
    assert "config-hash" in {tag.key for tag in client.serving_endpoints.get("chat").tags or []}
    assert provision("apply", configs, "--yes", "--no-hash-tag").code == 0
    assert "config-hash" not in {tag.key for tag in client.serving_endpoints.get("chat").tags or []}


def test_scope_is_protected_in_whichever_case_its_name_is_written(
    configs: Configs, provision: Provision, writes: Writes
) -> None:
    provision("apply", configs, "--yes")
    del configs.content["resources"]["model_serving_endpoints"]
    configs.content["resources"]["secret_scopes"]["llm"] |= {"name": "LLM", "lifecycle": {"prevent_destroy": True}}
    configs.write()
    writes()

    assert provision("destroy", configs, "--yes").code == 3
    assert writes() == []


def test_what_goes_goes_after_what_comes(configs: Configs, provision: Provision, writes: Writes) -> None:
    provision("apply", configs, "--yes")
    del configs.content["resources"]["model_serving_endpoints"]["chat"]
    tags = [{"key": "team", "value": "ml"}]
    configs.content["resources"]["model_serving_endpoints"] |= {
        f"new-{number}": {"name": f"new-{number}", "tags": tags} for number in range(3)
    }
    configs.write()
    writes()

    assert provision("apply", configs, "--yes", "--prune").code == 0
    assert writes()[-1] == f"DELETE {CHAT}"


@pytest.mark.parametrize("command", ["destroy", "disown"])
def test_folder_without_a_set_name_parts_with_no_more_than_it_declares(
    configs: Configs, provision: Provision, client: WorkspaceClient, command: str, tmp_path: Path
) -> None:
    del configs.content["bundle"]
    configs.write()
    provision("apply", configs, "--yes")
    other = tmp_path / "elsewhere" / "configs"  # called the same, so it is the same set
    other.mkdir(parents=True)
    scope = "resources: {secret_scopes: {other: {name: other}}}\ntargets: {local: {default: true}}\n"
    (other / "databricks.yml").write_text(scope)
    provision("apply", other, "--yes")

    result = provision(command, other, "--yes")

    assert result.code == 0, result.err
    assert (
        "secret_scopes.llm: left alone: without bundle.name another folder of this name may have made it" in result.out
    )
    assert "provisioning-set" in {tag.key for tag in client.serving_endpoints.get("chat").tags or []}
    assert any(each.key.startswith("_provisioning.") for each in client.secrets.list_secrets("llm") if each.key)
