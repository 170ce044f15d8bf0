"""`--select`, `--drift-only`, and plans that are kept in a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from databricks.sdk.service.serving import EndpointTag

if TYPE_CHECKING:
    from pathlib import Path

    from databricks.sdk import WorkspaceClient

    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs, Provision, Writes

pytestmark = pytest.mark.usefixtures("workspace")

CHAT, SCOPE = "model_serving_endpoints.chat", "secret_scopes.llm"


def changed(plan_json: str) -> list[str]:
    return [each["address"] for each in json.loads(plan_json)["changes"]]


@pytest.fixture
def two(configs: Configs) -> Configs:
    """Configs with a second scope and a second endpoint beside the first."""
    resources = configs.content["resources"]
    resources["secret_scopes"]["spare"] = {"name": "spare-scope", "secrets": {"a": {"env": "NOT_SET_ANYWHERE"}}}
    resources["model_serving_endpoints"]["extra"] = {"name": "extra-chat", "tags": [{"key": "team", "value": "ml"}]}
    return configs.write()


@pytest.mark.parametrize("term", ["extra", "extra-chat", "model_serving_endpoints.extra-chat"])
def test_selection_by_key_name_or_address_is_all_that_is_planned(two: Configs, provision: Provision, term: str) -> None:
    made = provision("plan", two, "--select", term, "--format", "json")

    assert changed(made.out) == ["model_serving_endpoints.extra-chat"]


def test_selected_endpoint_brings_the_scopes_that_it_refers_to(
    two: Configs, provision: Provision, writes: Writes
) -> None:
    result = provision("apply", two, "--yes", "--select", "chat")

    assert result.code == 0, result.err  # the other scope's source, which holds nothing, does not matter
    assert writes()[-2:][0] == "POST /api/2.0/serving-endpoints"
    assert "spare" not in result.out


def test_selected_secret_is_written_alone(
    configs: Configs, provision: Provision, writes: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_KEY", "sk-other")
    configs.scope["secrets"]["other"] = {"env": "OTHER_KEY"}
    configs.write()
    provision("apply", configs, "--yes")
    monkeypatch.setenv("OTHER_KEY", "sk-other-2")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-second")
    writes()

    result = provision("apply", configs, "--yes", "--select", f"{SCOPE}/secrets.other")

    assert result.code == 0, result.err
    assert writes() == ["POST /api/2.0/secrets/put"] * 3  # the announcement, the value, the record
    left = provision("plan", configs, "--format", "json")
    assert f"{SCOPE}/secrets.openai-key" in changed(left.out)
    assert f"{SCOPE}/secrets.other" not in changed(left.out)


def test_misspelt_selection_is_refused_with_the_nearest_name(configs: Configs, provision: Provision) -> None:
    result = provision("apply", configs, "--yes", "--select", "chatt")

    assert result.code == 1
    assert "did you mean 'chat'?" in result.err


def test_selection_never_prunes(two: Configs, provision: Provision, writes: Writes) -> None:
    provision("apply", two, "--yes", "--select", "extra")
    del two.content["resources"]["model_serving_endpoints"]["extra"]
    two.write()
    writes()

    result = provision("plan", two, "--select", "chat", "--prune")

    assert "extra-chat" not in result.out
    assert "nothing is pruned: a selection" in result.out


def test_destroy_of_a_selection_leaves_the_rest(two: Configs, provision: Provision, client: WorkspaceClient) -> None:
    provision("apply", two, "--yes", "--select", "extra", "--select", "chat")

    result = provision("destroy", two, "--yes", "--select", "extra")

    assert result.code == 0, result.err
    assert [each.name for each in client.serving_endpoints.list() if each.id] == ["chat"]


def test_drift_is_what_changed_outside_and_not_what_the_config_changes(
    configs: Configs, provision: Provision, client: WorkspaceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"name": "edited", "tags": [{"key": "team", "value": "ml"}]}
    configs.content["resources"]["model_serving_endpoints"]["edited"] = other
    configs.write()
    provision("apply", configs, "--yes")
    clean = provision("plan", configs, "--drift-only", "--detailed-exitcode")
    client.serving_endpoints.patch("chat", add_tags=[EndpointTag(key="team", value="by-hand")])
    other["tags"] = [{"key": "team", "value": "other"}]
    configs.write()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-second")

    drifted = provision("plan", configs, "--drift-only", "--detailed-exitcode", "--format", "json")

    assert clean.code == 0
    assert drifted.code == 2
    assert changed(drifted.out) == [CHAT]
    [field] = [each for each in json.loads(drifted.out)["changes"][0]["fields"] if each["path"] == "tags[team]"]
    assert field["origin"] == "outside"


def test_deleted_object_is_drift(configs: Configs, provision: Provision, client: WorkspaceClient) -> None:
    provision("apply", configs, "--yes")
    client.serving_endpoints.delete("chat")

    assert provision("plan", configs, "--drift-only", "--detailed-exitcode").code == 2


def test_plan_file_is_private_and_holds_no_value(configs: Configs, provision: Provision, tmp_path: Path) -> None:
    out = tmp_path / "plan.json"

    result = provision("plan", configs, "--out", out)

    assert result.code == 0, result.err
    assert out.stat().st_mode & 0o777 == 0o600
    assert "sk-first" not in out.read_text()
    assert [each.name for each in tmp_path.iterdir() if each.is_file()] == ["plan.json"]


def test_plan_file_is_applied_without_naming_the_configs_again(
    configs: Configs, provision: Provision, tmp_path: Path
) -> None:
    out = tmp_path / "plan.json"
    provision("plan", configs, "--out", out)

    first, again = provision("apply", "--plan", out), provision("apply", "--plan", out)

    assert (first.code, again.code) == (0, 0), first.err + again.err
    assert "Nothing to do" in again.out


def test_what_the_plan_did_not_show_is_refused(
    configs: Configs, provision: Provision, writes: Writes, tmp_path: Path, client: WorkspaceClient
) -> None:
    out = tmp_path / "plan.json"
    provision("apply", configs, "--yes")
    configs.endpoint["ai_gateway"]["rate_limits"][0]["calls"] = 10
    configs.write()
    provision("plan", configs, "--out", out)
    client.serving_endpoints.patch("chat", add_tags=[EndpointTag(key="x", value="y")])
    writes()

    outside = provision("apply", "--plan", out)
    client.serving_endpoints.patch("chat", delete_tags=["x"])
    configs.endpoint["ai_gateway"]["rate_limits"][0]["calls"] = 11
    configs.write()
    writes()
    edited = provision("apply", "--plan", out)

    assert (outside.code, edited.code) == (3, 3)
    assert f"{CHAT}: tags[x]" in outside.err
    assert "ai_gateway.rate_limits[user,calls].calls" in edited.err
    assert writes() == []


def test_less_than_the_plan_showed_is_fine(configs: Configs, provision: Provision, tmp_path: Path) -> None:
    out = tmp_path / "plan.json"
    provision("plan", configs, "--out", out)
    provision("apply", configs, "--yes", "--select", "secret_scopes.llm")

    result = provision("apply", "--plan", out)

    assert result.code == 0, result.err
    assert "2 to create" in result.out


def test_plan_file_for_another_workspace_is_refused(
    workspace: WorkspaceHandle,
    configs: Configs,
    provision: Provision,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "plan.json"
    provision("plan", configs, "--out", out)
    monkeypatch.setenv("DATABRICKS_TOKEN", workspace.fork().token)

    result = provision("apply", "--plan", out)

    assert result.code == 3
    assert "the plan is for workspace_id" in result.err


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 2}', "\x00"])
def test_file_that_is_no_plan_is_a_sentence(provision: Provision, tmp_path: Path, text: str) -> None:
    out = tmp_path / "plan.json"
    out.write_text(text)

    result = provision("apply", "--plan", out)

    assert result.code == 1
    assert "is not a plan file of this version" in result.err


def test_flags_that_a_plan_file_settles_are_refused_beside_it(
    configs: Configs, provision: Provision, tmp_path: Path
) -> None:
    out = tmp_path / "plan.json"
    provision("plan", configs, "--out", out)

    assert provision("apply", "--plan", out, "--prune").code == 1
    assert provision("apply", configs, "--plan", out).code == 1
    assert provision("apply", "--plan", tmp_path / "none.json").code == 1
