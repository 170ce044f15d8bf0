"""A secret's new value under a key of its own: nothing that runs loses the old one until the new one is proved."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs, Provision, Writes

pytestmark = pytest.mark.usefixtures("workspace")

PUT, DELETE = "POST /api/2.0/secrets/put", "POST /api/2.0/secrets/delete"
CONFIG, CALL = "PUT /api/2.0/serving-endpoints/chat/config", "POST /serving-endpoints/chat/invocations"
ROTATE = ("rotate", "llm/openai-key")


@pytest.fixture
def applied(configs: Configs, provision: Provision, writes: Writes, monkeypatch: pytest.MonkeyPatch) -> Configs:
    """Configs that are applied, and a source that has a new value since."""
    assert provision("apply", configs, "--yes").code == 0
    monkeypatch.setenv("OPENAI_API_KEY", "sk-second")
    writes()
    return configs


@pytest.fixture
def two_endpoints(applied: Configs, provision: Provision, monkeypatch: pytest.MonkeyPatch) -> Configs:
    """Beside the first, an endpoint of another name that uses the same secret."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-first")
    endpoints = applied.content["resources"]["model_serving_endpoints"]
    endpoints["other"] = {**applied.endpoint, "name": "other"}
    applied.write()
    assert provision("apply", applied, "--yes").code == 0
    monkeypatch.setenv("OPENAI_API_KEY", "sk-second")
    return applied


def keys(client: WorkspaceClient) -> list[str]:
    return sorted(str(each.key) for each in client.secrets.list_secrets("llm") if "_provisioning" not in str(each.key))


def value_of(client: WorkspaceClient, key: str) -> str:
    return base64.b64decode(client.secrets.get_secret("llm", key).value or "").decode()


def key_used(client: WorkspaceClient, endpoint: str = "chat") -> str:
    config = client.serving_endpoints.get(endpoint).as_dict()["config"]
    reference = config["served_entities"][0]["external_model"]["openai_config"]["openai_api_key"]
    return str(reference).removeprefix("{{secrets/llm/").removesuffix("}}")


def is_settled(provision: Provision, configs: Configs) -> bool:
    return provision("plan", configs, "--detailed-exitcode").code == 0


def test_new_value_stands_beside_the_old_one_and_the_next_plan_is_empty(
    applied: Configs, provision: Provision, client: WorkspaceClient, writes: Writes
) -> None:
    result, seen = provision(*ROTATE, applied, "--yes", "--versioned"), writes()

    assert result.code == 0, result.err
    assert seen == [PUT, PUT, PUT, CONFIG, CALL]  # the marker, the value, the marker
    assert keys(client) == ["openai-key", "openai-key.v2"]
    assert (value_of(client, "openai-key"), value_of(client, "openai-key.v2")) == ("sk-first", "sk-second")
    assert key_used(client) == "openai-key.v2"
    assert "all are pointed back to llm/openai-key, and llm/openai-key.v2 is removed" in result.out
    assert "sk-second" not in result.out + result.err
    assert is_settled(provision, applied)
    assert provision("apply", applied, "--yes").code == 0
    assert writes() == []


def test_each_rotation_takes_the_next_key(
    applied: Configs, provision: Provision, client: WorkspaceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    provision(*ROTATE, applied, "--yes", "--versioned")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-third")

    assert provision(*ROTATE, applied, "--yes", "--versioned").code == 0

    assert keys(client) == ["openai-key", "openai-key.v2", "openai-key.v3"]
    assert key_used(client) == "openai-key.v3"
    assert is_settled(provision, applied)


def test_rotation_in_place_goes_on_with_the_key_that_counts(
    applied: Configs, provision: Provision, client: WorkspaceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    provision(*ROTATE, applied, "--yes", "--versioned")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-third")

    assert provision(*ROTATE, applied, "--yes", "--rollback").code == 0

    assert value_of(client, "openai-key.v2") == "sk-third"
    assert is_settled(provision, applied)


def test_config_may_say_that_a_secret_is_versioned(
    applied: Configs, provision: Provision, client: WorkspaceClient
) -> None:
    applied.scope["secrets"]["openai-key"]["rotation"] = "versioned"
    applied.write()

    result = provision("apply", applied, "--yes")

    assert result.code == 0, result.err
    assert "{{secrets/llm/openai-key}} → {{secrets/llm/openai-key.v2}}" in result.out.replace('"', "")
    assert key_used(client) == "openai-key.v2"
    assert is_settled(provision, applied)


def test_rotating_again_what_is_rotated_does_nothing(applied: Configs, provision: Provision, writes: Writes) -> None:
    provision(*ROTATE, applied, "--yes", "--versioned")
    writes()

    assert provision(*ROTATE, applied, "--yes", "--versioned").code == 0
    assert writes() == []


def test_somebody_with_the_old_value_overwrites_nothing_that_they_were_not_shown(
    applied: Configs, provision: Provision, client: WorkspaceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    applied.scope["secrets"]["openai-key"]["rotation"] = "versioned"
    applied.write()
    provision("apply", applied, "--yes")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-first")

    assert provision("plan", applied, "--detailed-exitcode").code == 2
    assert value_of(client, "openai-key.v2") == "sk-second"


def test_key_that_the_provider_refuses_is_taken_back_everywhere(
    two_endpoints: Configs, provision: Provision, client: WorkspaceClient, workspace: WorkspaceHandle
) -> None:
    match = {"method": "POST", "path": "/serving-endpoints/other/invocations"}
    workspace.faults.arm([{"match": match, "kind": "status", "status": 400, "times": None}])

    result = provision(*ROTATE, two_endpoints, "--yes", "--versioned")

    assert result.code == 5
    assert "Every endpoint uses llm/openai-key, and llm/openai-key.v2 was removed." in result.err
    assert (key_used(client), key_used(client, "other")) == ("openai-key", "openai-key")
    assert keys(client) == ["openai-key"]
    workspace.faults.clear()
    assert provision(*ROTATE, two_endpoints, "--yes", "--versioned").code == 0
    assert (key_used(client), key_used(client, "other")) == ("openai-key.v2", "openai-key.v2")
    assert is_settled(provision, two_endpoints)


def test_version_stays_where_an_endpoint_cannot_be_pointed_back(
    applied: Configs, provision: Provision, client: WorkspaceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    second: dict[str, Any] = {
        "name": "clear",
        "external_model": {
            "provider": "openai",
            "name": "gpt-4o-mini",
            "task": "llm/v1/chat",
            "openai_config": {"openai_api_key_plaintext": "sk-in-the-clear"},
        },
    }
    applied.endpoint["config"]["served_entities"].append(second)
    applied.endpoint["config"]["traffic_config"] = {
        "routes": [
            {"served_model_name": "gpt", "traffic_percentage": 100},
            {"served_model_name": "clear", "traffic_percentage": 0},
        ]
    }
    applied.write()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-first")
    assert provision("apply", applied, "--yes", "--allow-widening").code == 0
    monkeypatch.setenv("OPENAI_API_KEY", "sk-invalid-key")

    result = provision(*ROTATE, applied, "--yes", "--versioned")

    assert result.code == 5
    assert "model_serving_endpoints.chat: it cannot be pointed back" in result.out
    assert "could not be pointed back to llm/openai-key: llm/openai-key.v2 stays" in result.err
    assert "{{secrets/llm/openai-key.v2}}" in str(client.serving_endpoints.get("chat").as_dict())
    assert "openai-key.v2" in keys(client)


STEPS = [
    ("POST", "/api/2.0/secrets/put", 0),  # the marker's announcement
    ("POST", "/api/2.0/secrets/put", 1),  # the value
    ("POST", "/api/2.0/secrets/put", 2),  # the marker's record
    ("PUT", "/api/2.0/serving-endpoints/chat/config", 0),
    ("POST", "/serving-endpoints/chat/invocations", 0),
]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("method", "path", "offset"), STEPS)
def test_rotation_that_fails_anywhere_is_undone_or_gone_on_with(
    workspace: WorkspaceHandle,
    applied: Configs,
    provision: Provision,
    client: WorkspaceClient,
    *,
    method: str,
    path: str,
    offset: int,
    when: str,
) -> None:
    fault = {"match": {"method": method, "path": path}, "kind": "status", "status": 500, "offset": offset, "when": when}
    workspace.faults.arm([fault])

    failed = provision(*ROTATE, applied, "--yes", "--versioned")
    workspace.faults.clear()

    assert failed.code in {1, 5}, failed.err
    assert "help:" in failed.err
    assert key_used(client) in keys(client)
    assert provision(*ROTATE, applied, "--yes", "--versioned").code == 0
    assert value_of(client, key_used(client)) == "sk-second"
    assert is_settled(provision, applied)


@pytest.mark.parametrize("command", [(*ROTATE, "--versioned"), ("apply",)])
@pytest.mark.parametrize(("method", "path", "offset"), STEPS)
def test_rotation_that_is_cut_off_anywhere_is_gone_on_with(
    workspace: WorkspaceHandle,
    applied: Configs,
    provision: Provision,
    client: WorkspaceClient,
    *,
    method: str,
    path: str,
    offset: int,
    command: tuple[str, ...],
) -> None:
    """All calls from one on fail, those that would undo it included: as if the machine had gone down."""
    fault = {
        "match": {"method": method, "path": path},
        "kind": "status",
        "status": 500,
        "offset": offset,
        "when": "after",
    }
    workspace.faults.arm([fault | {"times": None}, *_writes_fail(but=path)])

    assert provision(*ROTATE, applied, "--yes", "--versioned").code in {1, 5}
    workspace.faults.clear()

    assert key_used(client) in keys(client)
    name, *arguments = command
    assert provision(name, *arguments, applied, "--yes").code == 0
    assert value_of(client, key_used(client)) == "sk-second"
    assert is_settled(provision, applied)


def _writes_fail(*, but: str) -> list[dict[str, Any]]:
    later = {
        "/api/2.0/secrets/put": ["/api/2.0/secrets/delete", "/api/2.0/serving-endpoints/chat/config"],
        "/api/2.0/serving-endpoints/chat/config": ["/api/2.0/secrets/delete"],
    }
    paths = later.get(but, ["/api/2.0/secrets/delete"])
    return [
        {"match": {"method": "*", "path": path}, "kind": "status", "status": 500, "when": "before", "times": None}
        for path in paths
    ]


def test_reference_to_a_version_is_left_as_it_is_written(
    applied: Configs, provision: Provision, client: WorkspaceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    provision(*ROTATE, applied, "--yes", "--versioned")
    applied.openai["openai_api_key"] = "{{secrets/llm/openai-key.v2}}"
    applied.write()
    assert provision("validate", applied).code == 0
    monkeypatch.setenv("OPENAI_API_KEY", "sk-third")

    assert provision(*ROTATE, applied, "--yes", "--versioned").code == 0

    assert key_used(client) == "openai-key.v2"
    assert "openai-key.v3" in keys(client)


def test_reference_to_a_version_that_is_not_there_is_an_error(applied: Configs, provision: Provision) -> None:
    applied.openai["openai_api_key"] = "{{secrets/llm/openai-key.v7}}"
    applied.write()

    result = provision("apply", applied, "--yes")

    assert result.code == 1
    assert "P602" in result.err


def test_strangers_key_that_looks_like_a_version_is_none(
    applied: Configs, provision: Provision, client: WorkspaceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.secrets.put_secret("llm", "openai-key.v2", string_value="theirs")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-first")
    assert is_settled(provision, applied)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-second")

    assert provision(*ROTATE, applied, "--yes", "--versioned").code == 0

    assert value_of(client, "openai-key.v2") == "theirs"
    assert key_used(client) == "openai-key.v3"


def test_secret_declared_under_such_a_key_is_one_of_its_own(
    applied: Configs, provision: Provision, client: WorkspaceClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_KEY", "sk-other")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-first")
    applied.scope["secrets"]["openai-key.v2"] = {"env": "OTHER_KEY"}
    applied.write()
    assert provision("apply", applied, "--yes").code == 0
    assert is_settled(provision, applied)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-second")

    assert provision(*ROTATE, applied, "--yes", "--versioned").code == 0

    assert (value_of(client, "openai-key.v2"), key_used(client)) == ("sk-other", "openai-key.v3")
    assert is_settled(provision, applied)


def test_versions_are_known_by_their_names_to_those_who_may_not_read(
    workspace: WorkspaceHandle, applied: Configs, provision: Provision
) -> None:
    provision(*ROTATE, applied, "--yes", "--versioned")
    match = {"method": "GET", "path": "/api/2.0/secrets/get"}
    workspace.faults.arm([{"match": match, "kind": "status", "status": 403, "times": None}])

    result = provision("plan", applied, "--no-secret-values", "--detailed-exitcode")

    assert result.code == 0, result.out


def test_single_secret_may_be_selected_by_the_key_in_the_configs(applied: Configs, provision: Provision) -> None:
    applied.scope["secrets"]["openai-key"]["rotation"] = "versioned"
    applied.write()

    result = provision("plan", applied, "--select", "secret_scopes.llm/secrets.openai-key")

    assert "secret_scopes.llm/secrets.openai-key.v2  (create)" in result.out


def test_plan_file_of_a_versioned_rotation_can_be_applied(
    applied: Configs, provision: Provision, client: WorkspaceClient
) -> None:
    applied.scope["secrets"]["openai-key"]["rotation"] = "versioned"
    applied.write()
    reviewed = applied.folder.parent / "reviewed.json"
    assert provision("plan", applied, "--out", reviewed).code == 0

    assert provision("apply", "--plan", reviewed).code == 0
    assert key_used(client) == "openai-key.v2"


@pytest.mark.parametrize(("length", "code"), [(122, 0), (123, 1)])
def test_key_that_leaves_no_room_for_versions_is_refused_offline(
    configs: Configs, provision: Provision, length: int, code: int
) -> None:
    configs.scope["secrets"]["k" * length] = {"env": "OPENAI_API_KEY", "rotation": "versioned"}
    configs.write()

    result = provision("validate", configs)

    assert result.code == code, result.err
    if code:
        assert "P207" in result.err


def test_key_that_leaves_no_room_for_the_next_version_is_refused_before_anything_is_written(
    configs: Configs, provision: Provision, writes: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    configs.scope["secrets"]["k" * 126] = {"env": "OPENAI_API_KEY"}
    configs.write()
    provision("apply", configs, "--yes")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-second")
    writes()

    result = provision("rotate", f"llm/{'k' * 126}", configs, "--yes", "--versioned")

    assert result.code == 1
    assert "129 characters" in result.err
    assert writes() == []
