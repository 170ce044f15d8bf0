from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs, Provision

PROD = {"workspace": {"host": "https://prod.cloud.databricks.com"}}


@pytest.fixture
def hosts(configs: Configs) -> Configs:
    """Configs with a target that names its own workspace."""
    configs.content["targets"]["prod"] = PROD
    return configs.write()


def test_local_target_never_leaves_this_machine(
    configs: Configs, provision: Provision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABRICKS_HOST", "https://other.cloud.databricks.com")
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-secret")

    result = provision("apply", configs, "--yes")

    assert result.code == 3
    assert "https://other.cloud.databricks.com" in result.err


def test_target_and_environment_that_name_different_workspaces_are_refused(
    hosts: Configs, workspace: WorkspaceHandle, provision: Provision
) -> None:
    result = provision("apply", hosts, "--target", "prod", "--yes")

    assert result.code == 3
    assert "https://prod.cloud.databricks.com" in result.err
    assert workspace.host in result.err
    assert list(workspace.requests) == []


def test_token_without_its_host_is_sent_to_nobody(
    hosts: Configs, provision: Provision, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-secret")

    result = provision("plan", hosts, "--target", "prod")

    assert result.code == 3
    assert "DATABRICKS_TOKEN" in result.err
    assert "dapi-secret" not in result.err


def test_local_flag_is_refused_for_a_target_with_a_host(hosts: Configs, provision: Provision, tmp_path: Path) -> None:
    result = provision("apply", hosts, "--target", "prod", "--local", "--state", tmp_path / "state", "--yes")

    assert result.code == 3
    assert not (tmp_path / "state").exists()


def test_profile_of_another_workspace_is_refused(
    hosts: Configs, provision: Provision, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "databrickscfg"
    file.write_text("[stage]\nhost = https://stage.cloud.databricks.com\ntoken = dapi-secret\n")
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(file))
    monkeypatch.setenv("DATABRICKS_CONFIG_PROFILE", "stage")

    result = provision("plan", hosts, "--target", "prod")

    assert result.code == 3
    assert "https://stage.cloud.databricks.com" in result.err
    assert "dapi-secret" not in result.err


def test_without_any_workspace_the_error_says_what_to_add(configs: Configs, provision: Provision) -> None:
    result = provision("apply", configs, "--yes")

    assert result.code == 1
    assert "--local" in result.err
    assert "DATABRICKS_HOST" in result.err


def test_local_flag_ignores_the_environments_workspace_and_says_so(
    configs: Configs, workspace: WorkspaceHandle, provision: Provision, tmp_path: Path
) -> None:
    result = provision("apply", configs, "--local", "--state", tmp_path / "state", "--yes")

    assert result.code == 0, result.err
    assert "--local ignores DATABRICKS_HOST, DATABRICKS_TOKEN" in result.err
    assert list(workspace.requests) == []


def test_local_flag_keeps_its_state_between_commands(
    configs: Configs, provision: Provision, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-first")
    state = tmp_path / "state"

    first = provision("apply", configs, "--local", "--state", state, "--yes")
    second = provision("plan", configs, "--local", "--state", state, "--detailed-exitcode")

    assert (first.code, second.code) == (0, 0)


def test_local_flag_goes_through_no_proxy(
    configs: Configs, provision: Provision, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-first")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")

    assert provision("apply", configs, "--local", "--state", tmp_path / "state", "--yes").code == 0
