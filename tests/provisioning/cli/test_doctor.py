from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from databricks.sdk.service.workspace import AclPermission

if TYPE_CHECKING:
    from pathlib import Path

    from databricks.sdk import WorkspaceClient

    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs, Provision, Result, Writes

pytestmark = pytest.mark.usefixtures("workspace")

USE = "model_serving_endpoints.chat → secret_scopes.llm"


def checks(result: Result) -> dict[str, dict[str, Any]]:
    return {each["subject"]: each for each in json.loads(result.out)["checks"]}


def make_scope_for_ann(client: WorkspaceClient) -> None:
    client.secrets.create_scope("llm")
    client.secrets.put_secret("llm", "openai-key", string_value="sk")
    client.secrets.put_acl("llm", "ann@example.com", AclPermission.READ)


def test_all_is_well_and_nothing_is_written(configs: Configs, provision: Provision, writes: Writes) -> None:
    provision("apply", configs, "--yes")
    writes()

    result = provision("doctor", configs, "--format", "json")

    assert result.code == 0
    assert {each["health"] for each in checks(result).values()} == {"ok"}
    assert USE in checks(result)
    assert writes() == []


def test_before_the_first_apply_nothing_is_wrong(configs: Configs, provision: Provision) -> None:
    result = provision("doctor", configs)

    assert result.code == 0
    assert "an apply creates it" in result.out


def test_without_configs_the_workspace_alone_is_looked_at(
    provision: Provision, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    result = provision("doctor", "--format", "json")

    assert result.code == 0
    assert set(checks(result)) == {"host", "serving", "identity", "limits"}


def test_selection_is_looked_at_alone(configs: Configs, provision: Provision) -> None:
    configs.content["resources"]["secret_scopes"]["other"] = {"name": "other"}
    configs.write()

    found = checks(provision("doctor", configs, "--select", "other", "--format", "json"))
    unknown = provision("doctor", configs, "--select", "othr")

    assert {"secret_scopes.other", "host"} <= set(found)
    assert not any("chat" in each or "llm" in each for each in found)
    assert unknown.code == 1
    assert "did you mean 'other'?" in unknown.err


def test_whatever_is_not_well_comes_with_a_remedy(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision, monkeypatch: pytest.MonkeyPatch
) -> None:
    provision("apply", configs, "--yes")
    monkeypatch.setenv("DATABRICKS_TOKEN", workspace.token_for("ann@example.com"))

    found = checks(provision("doctor", configs, "--format", "json"))

    assert all(each["remedy"] for each in found.values() if each["health"] != "ok")
    assert found["secret_scopes.llm"]["health"] == "problem"
    assert found["model_serving_endpoints.chat"]["health"] == "problem"


def test_rights_that_may_not_be_listed_are_unknown_and_no_error(
    workspace: WorkspaceHandle,
    provision: Provision,
    configs: Configs,
    client: WorkspaceClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_scope_for_ann(client)
    monkeypatch.setenv("DATABRICKS_TOKEN", workspace.token_for("ann@example.com"))

    result = provision("doctor", configs, "--format", "json")

    assert result.code == 0
    assert checks(result)["secret_scopes.llm"]["health"] == "unknown"


def test_creator_without_read_is_found(
    workspace: WorkspaceHandle,
    configs: Configs,
    provision: Provision,
    client: WorkspaceClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The workspace reads an endpoint's secret with its creator's rights: once those are gone, calls fail."""
    make_scope_for_ann(client)
    with monkeypatch.context() as patched:
        patched.setenv("DATABRICKS_TOKEN", workspace.token_for("ann@example.com"))
        configs.content["resources"].pop("secret_scopes")
        assert provision("apply", configs.write(), "--yes").code == 0
    client.secrets.delete_acl("llm", "ann@example.com")

    result = provision("doctor", configs, "--format", "json")

    assert result.code == 1
    assert checks(result)[USE]["health"] == "problem"
    assert "ann@example.com" in checks(result)[USE]["message"]

    client.secrets.put_acl("llm", "admins", AclPermission.READ)
    assert checks(provision("doctor", configs, "--format", "json"))[USE]["health"] == "unknown"


def test_region_without_serving_is_a_problem_with_the_workspaces_words(
    workspace: WorkspaceHandle, configs: Configs, provision: Provision
) -> None:
    said = "Model serving is not enabled for your shard"
    fault = {"kind": "status", "status": 404, "error_code": "RESOURCE_DOES_NOT_EXIST", "message": said}
    workspace.faults.arm([{"match": {"method": "GET", "path": "/api/2.0/serving-endpoints"}, **fault}])

    result = provision("doctor", configs)

    assert result.code == 1
    assert said in result.out


def test_other_identity_than_the_deployer_is_warned_of(configs: Configs, provision: Provision) -> None:
    configs.content["targets"]["local"]["deployer"] = "deployer@example.com"

    found = checks(provision("doctor", configs.write(), "--format", "json"))

    assert found["identity"]["health"] == "warning"
    assert "deployer@example.com" in found["identity"]["message"]


def test_wrong_token_is_a_check_that_fails(
    configs: Configs, provision: Provision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-wrong")

    result = provision("doctor", configs)

    assert result.code == 1
    assert result.out.startswith("problem")
    assert "dapi-wrong" not in result.out + result.err
