"""A secret's new value: written over the old one, told to the endpoints that use it, and proved."""

from __future__ import annotations

import base64
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

    from local_workspace.local import WorkspaceHandle
    from tests.provisioning.conftest import Configs, Provision, Writes

pytestmark = pytest.mark.usefixtures("workspace")

PUT, CONFIG = "POST /api/2.0/secrets/put", "PUT /api/2.0/serving-endpoints/chat/config"
CALL = "POST /serving-endpoints/chat/invocations"


@pytest.fixture
def applied(configs: Configs, provision: Provision, writes: Writes, monkeypatch: pytest.MonkeyPatch) -> Configs:
    """Configs that are applied, and a source that has a new value since."""
    monkeypatch.setenv("OTHER_KEY", "sk-other")
    configs.scope["secrets"]["other"] = {"env": "OTHER_KEY"}
    configs.write()
    assert provision("apply", configs, "--yes").code == 0
    monkeypatch.setenv("OPENAI_API_KEY", "sk-second")
    monkeypatch.delenv("OTHER_KEY")
    writes()
    return configs


def value_of(client: WorkspaceClient, key: str = "openai-key") -> str:
    return base64.b64decode(client.secrets.get_secret("llm", key).value or "").decode()


def test_rotation_writes_tells_and_calls(
    applied: Configs, provision: Provision, writes: Writes, client: WorkspaceClient
) -> None:
    result, seen = provision("rotate", "llm/openai-key", applied, "--yes"), writes()

    assert result.code == 0, result.err
    assert seen == [PUT, PUT, CONFIG, PUT, CALL]  # the announcement, the value, the endpoint, the record
    assert value_of(client) == "sk-second"
    assert "sk-second" not in result.out + result.err
    assert "no way back to the old value" in result.out
    assert provision("plan", applied, "--detailed-exitcode").code == 0


@pytest.mark.parametrize("command", [("rotate", "llm/other"), ("apply", "--select", "secret_scopes.llm/secrets.other")])
def test_program_that_is_run_for_one_secret_does_not_see_the_others(
    configs: Configs, provision: Provision, client: WorkspaceClient, command: tuple[str, ...]
) -> None:
    shows = [sys.executable, "-c", "import os; print('holds ' + os.environ.get('OPENAI_API_KEY', 'nothing'))"]
    configs.scope["secrets"]["other"] = {"command": shows}
    provision("apply", configs.write(), "--yes", "--allow-command", sys.executable)
    configs.scope["secrets"]["other"]["version"] = 2

    result = provision(*command, configs.write(), "--yes", "--allow-command", sys.executable)

    assert result.code == 0, result.err
    assert base64.b64decode(client.secrets.get_secret("llm", "other").value or "") == b"holds nothing"


@pytest.mark.parametrize("command", [("rotate", "llm/openai-key"), ("apply",)])
@pytest.mark.parametrize(
    ("method", "path", "offset"),
    [
        ("POST", "/api/2.0/secrets/put", 0),
        ("POST", "/api/2.0/secrets/put", 1),
        ("PUT", "/api/2.0/serving-endpoints/chat/config", 0),
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_rotation_that_fails_anywhere_is_gone_on_with(
    workspace: WorkspaceHandle,
    applied: Configs,
    provision: Provision,
    *,
    command: tuple[str, ...],
    method: str,
    path: str,
    offset: int,
    when: str,
) -> None:
    fault = {"match": {"method": method, "path": path}, "kind": "status", "status": 500, "offset": offset, "when": when}
    workspace.faults.arm([fault])
    assert provision("rotate", "llm/openai-key", applied, "--yes").code in {1, 5}
    workspace.faults.clear()

    result = provision(command[0], *command[1:], applied, "--yes")

    assert result.code == 0, result.err
    heard = [each.status for each in workspace.requests if f"{each.method} {each.path}" == CONFIG]
    assert heard
    assert heard[-1] == 200
    assert provision("plan", applied, "--select", "llm", "--detailed-exitcode").code == 0


def test_rotation_of_what_is_there_already_does_nothing(applied: Configs, provision: Provision, writes: Writes) -> None:
    provision("rotate", "llm/openai-key", applied, "--yes")
    writes()

    assert provision("rotate", "llm/openai-key", applied, "--yes").code == 0
    assert writes() == []


def test_key_that_the_provider_refuses_gives_way_to_the_old_one(
    applied: Configs,
    provision: Provision,
    client: WorkspaceClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-invalid-key")

    result = provision("rotate", "llm/openai-key", applied, "--yes", "--rollback")

    assert result.code == 5
    assert "if an endpoint does not answer, the old value is put back" in result.out
    assert "The old value was put back." in result.err
    assert value_of(client) == "sk-first"
    assert not {"sk-invalid-key", "sk-first"} & set((result.out + result.err).split())


def test_old_value_that_cannot_be_read_is_said_beforehand(
    workspace: WorkspaceHandle, applied: Configs, provision: Provision
) -> None:
    match = {"method": "GET", "path": "/api/2.0/secrets/get"}
    workspace.faults.arm([{"match": match, "kind": "status", "status": 403, "offset": 1, "times": None}])

    result = provision("rotate", "llm/openai-key", applied, "--yes", "--rollback")

    assert "there is no way back" in result.out


def test_endpoint_with_other_changes_is_not_changed_in_passing(
    applied: Configs, provision: Provision, writes: Writes
) -> None:
    applied.endpoint["ai_gateway"]["rate_limits"][0]["calls"] = 1
    applied.write()

    result = provision("rotate", "llm/openai-key", applied, "--yes")

    assert result.code == 1
    assert "there is more to change than the secret" in result.err
    assert writes() == []


@pytest.mark.parametrize(
    ("name", "words"), [("llm/openai-kee", "did you mean 'llm/openai-key'?"), ("zzz", "SCOPE/KEY")]
)
def test_unknown_secret_is_refused(applied: Configs, provision: Provision, name: str, words: str) -> None:
    result = provision("rotate", name, applied, "--yes")

    assert result.code == 1
    assert words in result.err


def test_source_without_a_value_is_an_error(
    applied: Configs, provision: Provision, writes: Writes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")

    result = provision("rotate", "llm/openai-key", applied, "--yes")

    assert result.code == 1
    assert "OPENAI_API_KEY" in result.err
    assert writes() == []
