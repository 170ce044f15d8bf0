from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from pytest_mock import MockerFixture

    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs, Provision, Writes

SCOPES = "/api/2.0/secrets/scopes/create"
ENDPOINTS = "/api/2.0/serving-endpoints"


def broken(workspace: WorkspaceHandle, *, path: str, method: str = "*", **fault: object) -> None:
    workspace.faults.arm([{"match": {"method": method, "path": path}, **fault}])


def test_failure_names_the_call_and_reports_dependents_as_skipped(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision
) -> None:
    broken(workspace, kind="status", method="POST", path="/api/2.0/secrets/put", status=500, message="disk full")

    result = provision("apply", configs, "--yes")

    assert result.code == 5
    assert "POST /api/2.0/secrets/put: disk full" in result.err
    assert "model_serving_endpoints.chat: skipped: it depends on secret_scopes.llm" in result.err
    assert provision("apply", configs, "--yes").code == 0
    assert provision("plan", configs, "--detailed-exitcode").code == 0


def test_first_thing_that_fails_leaves_nothing_applied(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision
) -> None:
    broken(workspace, kind="status", method="POST", path=SCOPES, status=403, error_code="PERMISSION_DENIED")

    result = provision("apply", configs, "--yes")

    assert result.code == 1
    assert "Applied: nothing" in result.err
    assert f"secret_scopes.llm: failed: POST {SCOPES}: " in result.err  # its address stands there once


def test_independent_resources_go_on_when_one_fails(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision
) -> None:
    other = {"name": "other", "tags": [{"key": "team", "value": "ml"}]}
    configs.content["resources"]["model_serving_endpoints"]["other"] = other
    configs.write()
    broken(workspace, kind="status", method="POST", path=SCOPES, status=500)

    result = provision("apply", configs, "--yes", "--format", "json")

    assert result.code == 5
    outcome = json.loads(result.out)["outcome"]
    assert outcome["done"] == ["model_serving_endpoints.other"]
    assert [each["address"] for each in outcome["failed"]] == ["secret_scopes.llm"]


@pytest.mark.parametrize("path", [SCOPES, ENDPOINTS])
def test_create_whose_answer_was_lost_is_read_back_and_found_to_be_ours(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision, path: str, mocker: MockerFixture
) -> None:
    mocker.patch("provisioning.workspace.gate.sleep")
    broken(workspace, kind="lost", method="POST", path=path, when="after")

    result = provision("apply", configs, "--yes")

    assert result.code == 0, result.err
    assert provision("plan", configs, "--detailed-exitcode").code == 0


def test_any_write_that_is_lost_after_its_effect_converges(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision, mocker: MockerFixture
) -> None:
    mocker.patch("provisioning.workspace.gate.sleep")
    for path in ("/api/2.0/secrets/put", "/api/2.0/secrets/acls/put", "/api/2.0/permissions/*"):
        broken(workspace, kind="lost", path=path, when="after")

    assert provision("apply", configs, "--yes").code == 0
    assert provision("plan", configs, "--detailed-exitcode").code == 0


def test_server_that_repeats_the_value_in_its_message_does_not_leak_it(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-repeated-back")
    broken(
        workspace, kind="status", method="POST", path="/api/2.0/secrets/put", offset=1, status=400,
        error_code="INVALID_PARAMETER_VALUE", message="bad value sk-repeated-back",
    )  # fmt: skip

    result = provision("apply", configs, "--yes")

    assert result.code == 5
    assert "bad value (secret)" in result.err
    assert "sk-repeated-back" not in result.err + result.out


def test_server_text_cannot_act_on_the_terminal(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision
) -> None:
    broken(workspace, kind="status", path=SCOPES, status=400, message="\x1b]52;c;evil\x07\u202egpj.exe")

    result = provision("apply", configs, "--yes")

    assert not {"\x1b", "\x07", "\u202e"} & set(result.err)


def test_failed_deployment_reports_the_entitys_message_and_keeps_the_endpoint(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision, client: WorkspaceClient
) -> None:
    workspace.endpoints.fail("chat", message="no quota left")

    result = provision("apply", configs, "--yes")

    assert result.code == 5
    assert "no quota left" in result.err
    assert client.serving_endpoints.get("chat").name == "chat"


def test_not_ready_in_time_exits_with_4_and_can_run_again(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision
) -> None:
    workspace.endpoints.stick("chat")
    first = provision("apply", configs, "--yes", "--timeout", "0")
    again = provision("apply", configs, "--yes", "--timeout", "0")

    assert (first.code, again.code) == (4, 4)
    assert "config_update=IN_PROGRESS" in first.err
    assert "Nothing to do" in again.out


def test_update_while_another_runs_waits_for_it(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision
) -> None:
    provision("apply", configs, "--yes")
    configs.endpoint["config"]["served_entities"][0]["external_model"]["name"] = "gpt-4.1"
    configs.write()
    broken(
        workspace, kind="status", method="PUT", path="*/config", status=409, error_code="RESOURCE_CONFLICT",
        message="Endpoint chat is currently updating.",
    )  # fmt: skip

    assert provision("apply", configs, "--yes").code == 0
    assert provision("plan", configs, "--detailed-exitcode").code == 0


def test_run_after_an_interrupted_apply_goes_on_without_any_flag(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision
) -> None:
    broken(workspace, kind="status", method="PUT", path="/api/2.0/permissions/*", status=500)
    first = provision("apply", configs, "--yes")

    second = provision("apply", configs, "--yes")

    assert first.code == 5
    assert second.code == 0, second.err


def test_rights_that_an_apply_did_not_get_to_need_no_flag(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision
) -> None:
    broken(workspace, kind="status", method="POST", path="/api/2.0/secrets/acls/put", status=500)
    first = provision("apply", configs, "--yes")

    second = provision("apply", configs, "--yes")

    assert first.code == 5
    assert second.code == 0, second.err


def test_right_that_does_not_hold_at_once_is_put_until_it_does(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision, client: WorkspaceClient
) -> None:
    broken(workspace, kind="stale", method="GET", path="/api/2.0/secrets/acls/list")

    result = provision("apply", configs, "--yes")

    assert result.code == 0, result.err
    puts = [each for each in workspace.requests if each.path == "/api/2.0/secrets/acls/put"]
    assert len(puts) == 2
    assert ("admins", "MANAGE") in [(each.principal, each.permission.value) for each in client.secrets.list_acls("llm")]


def test_every_worker_waits_when_the_workspace_says_not_now(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision, mocker: MockerFixture
) -> None:
    slept = mocker.patch("provisioning.workspace.gate.sleep")
    broken(workspace, kind="status", method="GET", path="/api/2.0/secrets/list", status=429, retry_after=7)

    result = provision("apply", configs, "--yes")

    assert result.code == 0, result.err
    pauses = [call.args[0] for call in slept.call_args_list]
    assert pauses[0] >= 7.0
    assert len(pauses) > 1


def test_value_that_cannot_be_compared_is_unknown_and_not_written_in_passing(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision, writes: Writes
) -> None:
    provision("apply", configs, "--yes")
    writes()
    # the route is documented for notebooks alone: some workspaces refuse it from elsewhere
    broken(
        workspace, kind="status", method="GET", path="/api/2.0/secrets/get", status=400, error_code="BAD_REQUEST",
        times=None,
    )  # fmt: skip

    planned = provision("plan", configs, "--detailed-exitcode")
    kept, kept_writes = provision("apply", configs, "--yes"), writes()
    forced, forced_writes = provision("apply", configs, "--yes", "--write-unknown-secrets"), writes()

    assert planned.code == 2
    assert "1 unknown" in planned.out
    assert (kept.code, kept_writes) == (0, [])
    assert forced.code == 0, forced.err
    assert "POST /api/2.0/secrets/put" in forced_writes


def test_record_that_this_identity_may_not_read_is_not_overwritten(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_KEY", "sk-other")
    configs.scope["secrets"]["other"] = {"env": "OTHER_KEY"}
    configs.write()
    provision("apply", configs, "--yes")
    broken(
        workspace, kind="status", method="GET", path="/api/2.0/secrets/get", status=403,
        error_code="PERMISSION_DENIED", times=None,
    )  # fmt: skip
    configs.scope["secrets"]["third"] = {"env": "OTHER_KEY"}
    configs.write()
    assert provision("apply", configs, "--yes").code == 0
    workspace.faults.clear()

    result = provision("plan", configs)

    assert "secrets.third" in result.out
    assert "secrets.other" not in result.out
