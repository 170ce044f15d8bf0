"""What versioned rotations leave behind goes when nothing refers to it, and not before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs, Provision, Writes

pytestmark = pytest.mark.usefixtures("workspace")

PUT, DELETE = "POST /api/2.0/secrets/put", "POST /api/2.0/secrets/delete"
GC = ("secrets", "gc")


@pytest.fixture
def rotated(configs: Configs, provision: Provision, writes: Writes, monkeypatch: pytest.MonkeyPatch) -> Configs:
    """Configs whose secret has been rotated twice."""
    assert provision("apply", configs, "--yes").code == 0
    for value in ("sk-second", "sk-third"):
        monkeypatch.setenv("OPENAI_API_KEY", value)
        assert provision("rotate", "llm/openai-key", configs, "--yes", "--versioned").code == 0
    writes()
    return configs


def keys(client: WorkspaceClient) -> list[str]:
    return sorted(str(each.key) for each in client.secrets.list_secrets("llm") if "_provisioning" not in str(each.key))


def point(client: WorkspaceClient, endpoint: str, key: str) -> None:
    """Let somebody else's endpoint use a key."""
    entity = {
        "name": "gpt",
        "external_model": {
            "provider": "openai",
            "name": "gpt-4o",
            "task": "llm/v1/chat",
            "openai_config": {"openai_api_key": f"{{{{secrets/LLM/{key}}}}}"},
        },
    }
    body = {"name": endpoint, "config": {"served_entities": [entity]}}
    client.api_client.do("POST", "/api/2.0/serving-endpoints", body=body)


def test_nothing_is_removed_unless_somebody_says_so(
    rotated: Configs, provision: Provision, client: WorkspaceClient, writes: Writes
) -> None:
    result = provision(*GC, rotated)

    assert result.code == 0, result.err
    assert "secret_scopes.llm/secrets.openai-key.v2  (delete)" in result.out
    assert "nothing was removed; --yes removes it" in result.err
    assert writes() == []
    assert len(keys(client)) == 3


def test_versions_that_nothing_refers_to_are_removed(
    rotated: Configs, provision: Provision, client: WorkspaceClient, writes: Writes
) -> None:
    result, seen = provision(*GC, rotated, "--yes"), writes()

    assert result.code == 0, result.err
    assert seen == [DELETE, DELETE, PUT]
    assert keys(client) == ["openai-key.v3"]
    assert "hidden from this identity" in result.out
    assert provision("plan", rotated, "--detailed-exitcode").code == 0
    assert provision(*GC, rotated, "--yes").code == 0
    assert writes() == []


def test_version_that_an_endpoint_refers_to_stays_whoever_owns_it(
    rotated: Configs, provision: Provision, client: WorkspaceClient
) -> None:
    point(client, "theirs", "openai-key.v2")

    result = provision(*GC, rotated, "--yes")

    assert result.code == 0, result.err
    assert "secret_scopes.llm/secrets.openai-key.v2: stays, theirs refers to it" in result.out
    assert keys(client) == ["openai-key.v2", "openai-key.v3"]


def test_version_that_the_configs_refer_to_by_its_key_stays(
    rotated: Configs, provision: Provision, client: WorkspaceClient
) -> None:
    rotated.openai["openai_api_key"] = "{{secrets/llm/openai-key.v2}}"
    rotated.write()

    assert provision(*GC, rotated, "--yes").code == 0
    assert keys(client) == ["openai-key.v2", "openai-key.v3"]


def test_nothing_is_removed_while_an_endpoint_may_not_be_looked_into(
    workspace: WorkspaceHandle, rotated: Configs, provision: Provision, client: WorkspaceClient, writes: Writes
) -> None:
    point(client, "theirs", "openai-key.v2")
    writes()
    match = {"method": "GET", "path": "/api/2.0/serving-endpoints/theirs"}
    workspace.faults.arm([{"match": match, "kind": "status", "status": 403, "times": None}])

    result = provision(*GC, rotated, "--yes")

    assert result.code == 3
    assert "model_serving_endpoints.theirs: it may not be looked into" in result.err
    assert writes() == []


def test_keys_that_are_not_ours_stay(
    rotated: Configs, provision: Provision, client: WorkspaceClient, workspace: WorkspaceHandle
) -> None:
    client.secrets.put_secret("llm", "openai-key.v9", string_value="theirs")
    client.secrets.put_secret("llm", "unrelated", string_value="theirs")

    assert provision(*GC, rotated, "--yes").code == 0
    assert keys(client) == ["openai-key.v3", "openai-key.v9", "unrelated"]

    match = {"method": "GET", "path": "/api/2.0/secrets/get"}
    workspace.faults.arm([{"match": match, "kind": "status", "status": 403, "times": None}])
    assert "cannot be told without READ" in provision(*GC, rotated, "--yes").out


def test_pruning_leaves_versions_to_the_collection(
    rotated: Configs, provision: Provision, client: WorkspaceClient
) -> None:
    result = provision("apply", rotated, "--yes", "--prune")

    assert result.code == 0, result.err
    assert "`secrets gc` removes it" in result.out
    assert len(keys(client)) == 3


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("path", "offset"), [("delete", 0), ("delete", 1), ("put", 0)])
def test_collection_that_fails_anywhere_is_gone_on_with(
    workspace: WorkspaceHandle,
    rotated: Configs,
    provision: Provision,
    client: WorkspaceClient,
    *,
    path: str,
    offset: int,
    when: str,
) -> None:
    match = {"method": "POST", "path": f"/api/2.0/secrets/{path}"}
    workspace.faults.arm([{"match": match, "kind": "status", "status": 500, "offset": offset, "when": when}])

    assert provision(*GC, rotated, "--yes").code in {1, 5}
    workspace.faults.clear()

    assert provision(*GC, rotated, "--yes").code == 0
    assert keys(client) == ["openai-key.v3"]
    assert provision("plan", rotated, "--detailed-exitcode").code == 0
